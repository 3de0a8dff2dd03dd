//! Waiting for runs.

use std::time::Duration;

use model::RunState;
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::WAIT_SLACK;
use crate::{Client, ClientError, DagRun, Trigger};

/// How a wait ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waited {
    #[serde(default)]
    pub dag_run_id: Option<String>,
    pub state: RunState,
    /// Values of the result tasks; empty unless the result is there.
    #[serde(default)]
    pub results: Option<Map<String, Value>>,
    /// The instance because of which the result cannot come.
    #[serde(default)]
    pub failure: Option<Culprit>,
    /// The time was over first.
    #[serde(default)]
    pub timed_out: bool,
}

/// The instance because of which a result cannot come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Culprit {
    pub task_id: String,
    #[serde(default)]
    pub map_index: Option<i32>,
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub message: Option<String>,
}

/// What a trigger that waits came to.
#[derive(Debug, Clone)]
pub enum Triggered {
    /// The wait ended in time.
    Ended(Waited),
    /// The time was over first; the run goes on.
    Running(DagRun),
}

impl Client {
    /// Starts a run and waits for its result, at most `timeout`.
    pub async fn dag_run_trigger_and_wait(
        &self,
        dag_id: &str,
        trigger: &Trigger,
        timeout: Duration,
    ) -> Result<Triggered, ClientError> {
        let action = format!("trigger DAG {dag_id:?} and wait");
        let request = self
            .request(Method::POST, self.url(["dags", dag_id, "dagRuns"]))
            .timeout(timeout + WAIT_SLACK)
            .header("prefer", format!("wait={}", timeout.as_secs()))
            .json(trigger);
        let response = self.send(&action, request).await?;
        if response.status() == StatusCode::ACCEPTED {
            return Ok(Triggered::Running(self.read_json(&action, response).await?));
        }
        Ok(Triggered::Ended(self.read_json(&action, response).await?))
    }

    /// Waits for the result of a run, at most `timeout`.
    pub async fn dag_run_wait(&self, dag_id: &str, run_id: &str, timeout: Duration) -> Result<Waited, ClientError> {
        let mut url = self.url(["dags", dag_id, "dagRuns", run_id, "wait"]);
        url.query_pairs_mut()
            .append_pair("until", "result")
            .append_pair("timeout", &timeout.as_secs().to_string());
        let request = self.request(Method::GET, url).timeout(timeout + WAIT_SLACK);
        self.json(&format!("wait for run {run_id:?} of DAG {dag_id:?}"), request).await
    }
}
