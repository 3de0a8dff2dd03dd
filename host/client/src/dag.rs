//! DAGs.

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

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
    #[serde(default)]
    pub is_paused: bool,
    #[serde(default)]
    pub timetable_summary: Option<String>,
    #[serde(default)]
    pub next_dagrun_run_after: Option<Timestamp>,
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

    /// Deletes a DAG with its runs, none of which may be unfinished.
    pub async fn dag_delete(&self, dag_id: &str) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, self.url(["dags", dag_id]));
        self.send(&format!("delete DAG {dag_id:?}"), request).await.map(drop)
    }

    /// Pauses a DAG, or sets it going again.
    pub async fn dag_pause(&self, dag_id: &str, is_paused: bool) -> Result<Dag, ClientError> {
        let mut url = self.url(["dags", dag_id]);
        url.query_pairs_mut().append_pair("update_mask", "is_paused");
        let request = self.request(Method::PATCH, url).json(&json!({ "is_paused": is_paused }));
        let verb = if is_paused { "pause" } else { "unpause" };
        self.json(&format!("{verb} DAG {dag_id:?}"), request).await
    }
}
