//! Versions of DAGs.

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// What differs between two versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DagVersionDiff {
    pub dag_id: String,
    pub from_version: u32,
    pub to_version: u32,
    pub component_changed: bool,
    pub changes: Vec<DagVersionChange>,
    #[serde(default)]
    pub truncated: bool,
}

/// A member that one document has in another way, or alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DagVersionChange {
    pub kind: String,
    pub path: String,
    #[serde(default)]
    pub before: Option<Value>,
    #[serde(default)]
    pub after: Option<Value>,
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

    /// Makes a version current that the DAG had before.
    pub async fn dag_version_activate(&self, dag_id: &str, version_number: u32) -> Result<DagVersion, ClientError> {
        let number = version_number.to_string();
        let url = self.url(["dags", dag_id, "dagVersions", &number, "activate"]);
        let action = format!("activate version {number} of DAG {dag_id:?}");
        self.json(&action, self.request(Method::POST, url)).await
    }

    /// What differs between two versions.
    pub async fn dag_version_diff(&self, dag_id: &str, from: u32, to: u32) -> Result<DagVersionDiff, ClientError> {
        let (from, to) = (from.to_string(), to.to_string());
        let url = self.url(["dags", dag_id, "dagVersions", &from, "diff", &to]);
        let action = format!("compare versions {from} and {to} of DAG {dag_id:?}");
        self.json(&action, self.request(Method::GET, url)).await
    }
}
