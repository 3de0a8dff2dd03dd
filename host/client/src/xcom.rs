//! Values that instances left behind.

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Client, ClientError, Page, PageRequest};

/// A value that an instance left behind. Lists leave `value` out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Xcom {
    pub key: String,
    #[serde(default)]
    pub map_index: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    #[serde(default)]
    pub timestamp: Option<Timestamp>,
}

#[derive(Deserialize)]
struct XcomEntries {
    xcom_entries: Vec<Xcom>,
    total_entries: u64,
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

    /// The values of an instance, without what they hold.
    pub async fn xcoms(
        &self,
        dag_id: &str,
        run_id: &str,
        task_id: &str,
        map_index: Option<u32>,
        page: PageRequest,
    ) -> Result<Page<Xcom>, ClientError> {
        let mut url = self.url(["dags", dag_id, "dagRuns", run_id, "taskInstances", task_id, "xcomEntries"]);
        page.add_to(&mut url);
        if let Some(map_index) = map_index {
            url.query_pairs_mut().append_pair("map_index", &map_index.to_string());
        }
        let action = format!("list the values of task {task_id:?}");
        let XcomEntries { xcom_entries, total_entries } = self.json(&action, self.request(Method::GET, url)).await?;
        Ok(Page { items: xcom_entries, total_entries })
    }
}
