//! Values that instances left behind.

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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

    /// Leaves a value beside an instance, in the place of its old one where it has one.
    pub async fn xcom_put(
        &self,
        dag_id: &str,
        run_id: &str,
        task_id: &str,
        map_index: Option<u32>,
        (key, value): (&str, &Value),
    ) -> Result<Xcom, ClientError> {
        let action = format!("set value {key:?} of task {task_id:?}");
        let map_index = map_index.map_or(-1, i64::from);
        let entries = ["dags", dag_id, "dagRuns", run_id, "taskInstances", task_id, "xcomEntries"];
        let change = self.request(Method::PATCH, self.url(entries.into_iter().chain([key])));
        let change = change.json(&json!({ "value": value, "map_index": map_index }));
        match self.json(&action, change).await {
            Err(error) if error.refusal().is_some_and(|refusal| refusal.slug == "xcom-not-found") => {
                let create = self.request(Method::POST, self.url(entries));
                self.json(&action, create.json(&json!({ "key": key, "value": value, "map_index": map_index }))).await
            }
            done => done,
        }
    }

    /// Takes a value away.
    pub async fn xcom_delete(
        &self,
        dag_id: &str,
        run_id: &str,
        task_id: &str,
        map_index: Option<u32>,
        key: &str,
    ) -> Result<(), ClientError> {
        let mut url = self.url(["dags", dag_id, "dagRuns", run_id, "taskInstances", task_id, "xcomEntries", key]);
        if let Some(map_index) = map_index {
            url.query_pairs_mut().append_pair("map_index", &map_index.to_string());
        }
        let action = format!("delete value {key:?} of task {task_id:?}");
        self.send(&action, self.request(Method::DELETE, url)).await.map(drop)
    }
}
