//! What people ask of runs that are there: clears, marks, cancels.

use model::{RunState, TaskState};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Client, ClientError, DagRun, Page, TaskInstance};

/// Instances to let run again.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Clear {
    pub dry_run: bool,
    pub dag_run_id: String,
    /// Ids of tasks, or pairs of an id and a map index; all tasks where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub task_ids: Vec<Value>,
    pub include_upstream: bool,
    pub include_downstream: bool,
    pub include_past: bool,
    pub include_future: bool,
    pub only_failed: bool,
    pub only_running: bool,
    /// `own`, `latest` or a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A state for instances.
#[derive(Debug, Clone, Serialize)]
pub struct Mark {
    pub new_state: TaskState,
    pub include_upstream: bool,
    pub include_downstream: bool,
    pub include_past: bool,
    pub include_future: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Deserialize)]
struct Changed {
    task_instances: Vec<TaskInstance>,
    total_entries: u64,
}

impl Client {
    /// Clears instances of a run, or tells which it would.
    pub async fn task_instances_clear(&self, dag_id: &str, clear: &Clear) -> Result<Page<TaskInstance>, ClientError> {
        let request = self.request(Method::POST, self.url(["dags", dag_id, "clearTaskInstances"])).json(clear);
        let action = format!("clear run {:?} of DAG {dag_id:?}", clear.dag_run_id);
        let Changed { task_instances, total_entries } = self.json(&action, request).await?;
        Ok(Page { items: task_instances, total_entries })
    }

    /// Gives instances of a task a state, or tells which would get it.
    pub async fn task_instances_mark(
        &self,
        dag_id: &str,
        run_id: &str,
        (task_id, map_index): (&str, Option<u32>),
        mark: &Mark,
        dry_run: bool,
    ) -> Result<Page<TaskInstance>, ClientError> {
        let map_index = map_index.map(|map_index| map_index.to_string());
        let mut parts = vec!["dags", dag_id, "dagRuns", run_id, "taskInstances", task_id];
        parts.extend(map_index.as_deref());
        parts.extend(dry_run.then_some("dry_run"));
        let request = self.request(Method::PATCH, self.url(parts)).json(mark);
        let action = format!("mark task {task_id:?} of run {run_id:?} of DAG {dag_id:?}");
        let Changed { task_instances, total_entries } = self.json(&action, request).await?;
        Ok(Page { items: task_instances, total_entries })
    }

    /// Gives a run a state.
    pub async fn dag_run_mark(
        &self,
        dag_id: &str,
        run_id: &str,
        state: RunState,
        note: Option<&str>,
    ) -> Result<DagRun, ClientError> {
        let mut body = json!({ "state": state });
        if let Some(note) = note {
            body["note"] = note.into();
        }
        let request = self.request(Method::PATCH, self.url(["dags", dag_id, "dagRuns", run_id])).json(&body);
        self.json(&format!("mark run {run_id:?} of DAG {dag_id:?}"), request).await
    }

    /// Ends a run.
    pub async fn dag_run_cancel(&self, dag_id: &str, run_id: &str, note: Option<&str>) -> Result<DagRun, ClientError> {
        let url = self.url(["dags", dag_id, "dagRuns", run_id, "cancel"]);
        let request = self.request(Method::POST, url).json(&json!({ "note": note }));
        self.json(&format!("cancel run {run_id:?} of DAG {dag_id:?}"), request).await
    }
}
