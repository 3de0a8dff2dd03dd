//! Runs.

use jiff::Timestamp;
use model::RunState;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Client, ClientError, DagVersion, Page, PageRequest};

/// A run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DagRun {
    pub dag_id: String,
    pub dag_run_id: String,
    pub state: RunState,
    #[serde(default)]
    pub run_type: Option<String>,
    #[serde(default)]
    pub run_after: Option<Timestamp>,
    #[serde(default)]
    pub queued_at: Option<Timestamp>,
    #[serde(default)]
    pub start_date: Option<Timestamp>,
    #[serde(default)]
    pub end_date: Option<Timestamp>,
    #[serde(default)]
    pub dag_versions: Vec<DagVersion>,
    #[serde(default)]
    pub note: Option<String>,
    /// Why it is in its state, where there is more to say.
    #[serde(default)]
    pub reason: Option<String>,
}

impl DagRun {
    /// The number of the version that it executes.
    pub fn version_number(&self) -> Option<u32> {
        self.dag_versions.last().map(|version| version.version_number)
    }
}

/// Which runs.
#[derive(Debug, Clone, Default)]
pub struct RunQuery {
    /// Of all DAGs where it is left out.
    pub dag_id: Option<String>,
    pub states: Vec<RunState>,
}

/// A run to start.
#[derive(Debug, Clone, Serialize)]
pub struct Trigger {
    /// Required by the API, though it may be null.
    pub logical_date: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dag_run_id: Option<String>,
    /// Sent as it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conf: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// By which the server knows the request when it comes again.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

impl Trigger {
    /// Adds the key to a request.
    pub(crate) fn keyed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.idempotency_key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        }
    }
}

#[derive(Deserialize)]
struct DagRuns {
    dag_runs: Vec<DagRun>,
    total_entries: u64,
}

impl Client {
    /// Starts a run; returns when the server keeps it.
    pub async fn dag_run_trigger(&self, dag_id: &str, trigger: &Trigger) -> Result<DagRun, ClientError> {
        let request = trigger.keyed(self.request(Method::POST, self.url(["dags", dag_id, "dagRuns"]))).json(trigger);
        self.json(&format!("trigger DAG {dag_id:?}"), request).await
    }

    /// Runs, newest first.
    pub async fn dag_runs(&self, query: &RunQuery, page: PageRequest) -> Result<Page<DagRun>, ClientError> {
        let mut url = self.url(["dags", query.dag_id.as_deref().unwrap_or("~"), "dagRuns"]);
        page.add_to(&mut url);
        url.query_pairs_mut().append_pair("order_by", "-run_after");
        for state in &query.states {
            url.query_pairs_mut().append_pair("state", state.as_str());
        }
        let DagRuns { dag_runs, total_entries } = self.json("list runs", self.request(Method::GET, url)).await?;
        Ok(Page { items: dag_runs, total_entries })
    }

    /// Deletes a run that has ended.
    pub async fn dag_run_delete(&self, dag_id: &str, run_id: &str) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, self.url(["dags", dag_id, "dagRuns", run_id]));
        self.send(&format!("delete run {run_id:?} of DAG {dag_id:?}"), request).await.map(drop)
    }

    /// One run.
    pub async fn dag_run(&self, dag_id: &str, run_id: &str) -> Result<DagRun, ClientError> {
        let request = self.request(Method::GET, self.url(["dags", dag_id, "dagRuns", run_id]));
        self.json(&format!("look at run {run_id:?} of DAG {dag_id:?}"), request).await
    }
}
