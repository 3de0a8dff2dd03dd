//! Pools.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Client, ClientError, Page, PageRequest};

/// A pool and how full it is. -1 slots are as many as there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    pub name: String,
    pub slots: i64,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub include_deferred: bool,
    #[serde(default)]
    pub occupied_slots: u64,
    #[serde(default)]
    pub running_slots: u64,
    #[serde(default)]
    pub scheduled_slots: u64,
    #[serde(default)]
    pub open_slots: i64,
}

/// What a pool is to be like; what is `None` stays as it is.
#[derive(Debug, Clone, Serialize)]
pub struct PoolSetting {
    pub name: String,
    pub slots: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_deferred: Option<bool>,
}

#[derive(Deserialize)]
struct Pools {
    pools: Vec<Pool>,
    total_entries: u64,
}

impl Client {
    /// Pools by name.
    pub async fn pools(&self, page: PageRequest) -> Result<Page<Pool>, ClientError> {
        let mut url = self.url(["pools"]);
        page.add_to(&mut url);
        let Pools { pools, total_entries } = self.json("list the pools", self.request(Method::GET, url)).await?;
        Ok(Page { items: pools, total_entries })
    }

    /// One pool.
    pub async fn pool(&self, name: &str) -> Result<Pool, ClientError> {
        let request = self.request(Method::GET, self.url(["pools", name]));
        self.json(&format!("read pool {name:?}"), request).await
    }

    /// Makes a pool, or changes it.
    pub async fn pool_set(&self, pool: &PoolSetting) -> Result<Pool, ClientError> {
        let action = format!("write pool {:?}", pool.name);
        let make = self.request(Method::POST, self.url(["pools"])).json(pool);
        match self.json(&action, make).await {
            Err(error) if error.is_taken() => {
                let change = self.request(Method::PATCH, self.url(["pools", &pool.name])).json(pool);
                self.json(&action, change).await
            }
            answer => answer,
        }
    }

    /// Deletes a pool.
    pub async fn pool_delete(&self, name: &str) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, self.url(["pools", name]));
        self.send(&format!("delete pool {name:?}"), request).await.map(drop)
    }
}
