//! DAGs.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Client, ClientError, Page, PageRequest};

/// A DAG.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dag {
    pub dag_id: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub bundle_name: Option<String>,
    #[serde(default)]
    pub bundle_version: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
    #[serde(default)]
    pub owners: Vec<String>,
    #[serde(default)]
    pub is_stale: bool,
}

/// A tag of a DAG.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    pub name: String,
}

#[derive(Deserialize)]
struct Dags {
    dags: Vec<Dag>,
    total_entries: u64,
}

impl Client {
    /// DAGs by id.
    pub async fn dags(&self, page: PageRequest) -> Result<Page<Dag>, ClientError> {
        let mut url = self.url(["dags"]);
        page.add_to(&mut url);
        let Dags { dags, total_entries } = self.json("list the DAGs", self.request(Method::GET, url)).await?;
        Ok(Page { items: dags, total_entries })
    }
}
