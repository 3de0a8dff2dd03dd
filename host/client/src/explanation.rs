//! Why task instances do not run now.

use std::collections::BTreeMap;

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Client, ClientError};

/// Why an instance does not run now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    pub task_id: String,
    pub map_index: i32,
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub run_state: Option<String>,
    #[serde(default)]
    pub trigger_rule: Option<String>,
    pub reasons: Vec<Reason>,
    /// Instances of the direct upstream tasks by state.
    #[serde(default)]
    pub upstream: BTreeMap<String, BTreeMap<String, u64>>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub code: String,
    pub message: String,
    #[serde(default)]
    pub until: Option<Timestamp>,
}

impl Client {
    /// Why an instance does not run now.
    pub async fn task_instance_explain(
        &self,
        dag_id: &str,
        run_id: &str,
        task_id: &str,
        map_index: Option<u32>,
    ) -> Result<Explanation, ClientError> {
        let map_index = map_index.map(|map_index| map_index.to_string());
        let mut parts = vec!["dags", dag_id, "dagRuns", run_id, "taskInstances", task_id];
        parts.extend(map_index.as_deref());
        parts.push("explain");
        let action = format!("explain task {task_id:?} of run {run_id:?} of DAG {dag_id:?}");
        self.json(&action, self.request(Method::GET, self.url(parts))).await
    }
}
