//! Task instances.

use jiff::Timestamp;
use model::TaskState;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Client, ClientError, Page, PageRequest};

/// An instance of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskInstance {
    pub id: String,
    pub task_id: String,
    /// -1 where the task is not mapped.
    pub map_index: i32,
    #[serde(default)]
    pub rendered_map_index: Option<String>,
    /// None: it waits for what it needs.
    #[serde(default)]
    pub state: Option<TaskState>,
    pub try_number: u32,
    #[serde(default)]
    pub max_tries: u32,
    #[serde(default)]
    pub start_date: Option<Timestamp>,
    #[serde(default)]
    pub end_date: Option<Timestamp>,
    /// Seconds.
    #[serde(default)]
    pub duration: Option<f64>,
    /// Why it is in its state, where there is more to say.
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub note: Option<String>,
}

/// Which instances of a run.
#[derive(Debug, Clone, Default)]
pub struct InstanceQuery {
    pub task_id: Option<String>,
    pub states: Vec<TaskState>,
}

#[derive(Deserialize)]
struct TaskInstances {
    task_instances: Vec<TaskInstance>,
    total_entries: u64,
}

impl Client {
    /// Instances of a run.
    pub async fn task_instances(
        &self,
        dag_id: &str,
        run_id: &str,
        query: &InstanceQuery,
        page: PageRequest,
    ) -> Result<Page<TaskInstance>, ClientError> {
        let mut url = self.url(["dags", dag_id, "dagRuns", run_id, "taskInstances"]);
        page.add_to(&mut url);
        if let Some(task_id) = &query.task_id {
            url.query_pairs_mut().append_pair("task_id", task_id);
        }
        for state in &query.states {
            url.query_pairs_mut().append_pair("state", state.as_str());
        }
        let action = format!("list the task instances of run {run_id:?} of DAG {dag_id:?}");
        let TaskInstances { task_instances, total_entries } =
            self.json(&action, self.request(Method::GET, url)).await?;
        Ok(Page { items: task_instances, total_entries })
    }

    /// One instance.
    pub async fn task_instance(
        &self,
        dag_id: &str,
        run_id: &str,
        task_id: &str,
        map_index: Option<u32>,
    ) -> Result<TaskInstance, ClientError> {
        let mut parts = vec!["dags", dag_id, "dagRuns", run_id, "taskInstances", task_id];
        let map_index = map_index.map(|map_index| map_index.to_string());
        parts.extend(map_index.as_deref());
        let action = format!("look at task {task_id:?} of run {run_id:?} of DAG {dag_id:?}");
        self.json(&action, self.request(Method::GET, self.url(parts))).await
    }
}
