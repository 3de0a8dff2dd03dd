//! Versions of DAGs.

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Client, ClientError, Page, PageRequest};

/// A version of a DAG.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DagVersion {
    pub id: String,
    pub dag_id: String,
    pub version_number: u32,
    #[serde(default)]
    pub bundle_name: Option<String>,
    #[serde(default)]
    pub bundle_version: Option<String>,
    #[serde(default)]
    pub digest: Option<String>,
    #[serde(default)]
    pub label: Option<String>,
    pub created_at: Timestamp,
}

#[derive(Deserialize)]
struct DagVersions {
    dag_versions: Vec<DagVersion>,
    total_entries: u64,
}

impl Client {
    /// Versions of a DAG, newest first.
    pub async fn dag_versions(&self, dag_id: &str, page: PageRequest) -> Result<Page<DagVersion>, ClientError> {
        let mut url = self.url(["dags", dag_id, "dagVersions"]);
        page.add_to(&mut url);
        let action = format!("list the versions of DAG {dag_id:?}");
        let DagVersions { dag_versions, total_entries } = self.json(&action, self.request(Method::GET, url)).await?;
        Ok(Page { items: dag_versions, total_entries })
    }
}
