//! Values that instances left behind.

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Client, ClientError};

/// A value that an instance left behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Xcom {
    pub key: String,
    #[serde(default)]
    pub map_index: i32,
    pub value: Value,
    #[serde(default)]
    pub timestamp: Option<Timestamp>,
}

impl Client {
    /// One value.
    pub async fn xcom(
        &self,
        dag_id: &str,
        run_id: &str,
        task_id: &str,
        map_index: Option<u32>,
        key: &str,
    ) -> Result<Xcom, ClientError> {
        let parts = ["dags", dag_id, "dagRuns", run_id, "taskInstances", task_id, "xcomEntries", key];
        let mut url = self.url(parts);
        if let Some(map_index) = map_index {
            url.query_pairs_mut().append_pair("map_index", &map_index.to_string());
        }
        self.json(&format!("read value {key:?} of task {task_id:?}"), self.request(Method::GET, url)).await
    }
}
