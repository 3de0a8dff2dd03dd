//! Waiting for runs.

use std::time::Duration;

use indexmap::IndexMap;
use model::{RunState, TaskState};
use reqwest::header::ACCEPT;
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::WAIT_SLACK;
use crate::error::{ErrorKind, Refusal};
use crate::lines::Lines;
use crate::{Client, ClientError, DagRun, Trigger};

/// Shortest time between two changes that are told.
const PROGRESS_EVERY_S: &str = "0.1";

/// How a wait ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Waited {
    pub state: RunState,
    pub result: ResultState,
    /// Values of the result tasks; empty unless the result is available.
    #[serde(default)]
    pub results: Map<String, Value>,
    /// Where values are that are too large to be sent along.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub result_refs: Map<String, Value>,
    /// The instance because of which the result cannot come.
    #[serde(default)]
    pub failed: Option<FailedInstance>,
    /// The time was over first.
    #[serde(default)]
    pub timed_out: bool,
    pub dag_run: DagRun,
}

/// Where the result of a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultState {
    Pending,
    Available,
    Impossible,
}

/// An instance because of which a result cannot come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedInstance {
    pub task_id: String,
    /// -1 where the task is not mapped.
    #[serde(default)]
    pub map_index: i32,
    #[serde(default)]
    pub state: Option<TaskState>,
    #[serde(default)]
    pub message: Option<String>,
}

/// Instances by task and state.
pub type TaskCounts = IndexMap<String, IndexMap<TaskState, u64>>;

/// What somebody who follows a run is told.
#[derive(Debug)]
pub enum Followed {
    /// Something changed.
    Progress { state: RunState, tasks: TaskCounts },
    /// The wait is over.
    Ended(Box<Waited>),
}

/// A run as it goes on.
#[derive(Debug)]
pub struct RunFollow {
    client: Client,
    response: Response,
    lines: Lines,
    action: String,
}

/// A line of the stream; only the last one holds the run.
#[derive(Deserialize)]
struct Line {
    state: RunState,
    result: ResultState,
    #[serde(default)]
    tasks: Option<TaskCounts>,
    #[serde(default)]
    results: Map<String, Value>,
    #[serde(default)]
    result_refs: Map<String, Value>,
    #[serde(default)]
    failed: Option<FailedInstance>,
    #[serde(default)]
    timed_out: bool,
    #[serde(default)]
    dag_run: Option<DagRun>,
}

impl Client {
    /// Starts a run and waits for its result, at most `timeout`, in one call.
    pub async fn dag_run_trigger_and_wait(
        &self,
        dag_id: &str,
        trigger: &Trigger,
        timeout: Duration,
    ) -> Result<Waited, ClientError> {
        let action = format!("trigger DAG {dag_id:?} and wait");
        let request = trigger
            .keyed(self.request(Method::POST, self.url(["dags", dag_id, "dagRuns"])))
            .timeout(timeout + WAIT_SLACK)
            .header("prefer", format!("wait={}", timeout.as_secs()))
            .json(trigger);
        self.json(&action, request).await
    }

    /// Waits for the result of a run, at most `timeout`.
    pub async fn dag_run_wait(&self, dag_id: &str, run_id: &str, timeout: Duration) -> Result<Waited, ClientError> {
        let request = self.wait_request(self.wait_url(dag_id, run_id, timeout), timeout);
        self.json(&wait_action(dag_id, run_id), request).await
    }

    /// Waits like [`Client::dag_run_wait`] and tells what changes meanwhile.
    pub async fn dag_run_follow(
        &self,
        dag_id: &str,
        run_id: &str,
        timeout: Duration,
    ) -> Result<RunFollow, ClientError> {
        let mut url = self.wait_url(dag_id, run_id, timeout);
        url.query_pairs_mut().append_pair("counts", "true").append_pair("interval", PROGRESS_EVERY_S);
        let action = wait_action(dag_id, run_id);
        let request = self.wait_request(url, timeout).header(ACCEPT, "application/x-ndjson");
        let response = self.send(&action, request).await?;
        Ok(RunFollow { client: self.clone(), response, lines: Lines::default(), action })
    }

    fn wait_url(&self, dag_id: &str, run_id: &str, timeout: Duration) -> Url {
        let mut url = self.url(["dags", dag_id, "dagRuns", run_id, "wait"]);
        let seconds = timeout.as_secs().to_string();
        url.query_pairs_mut().append_pair("until", "result").append_pair("timeout", &seconds);
        url
    }

    fn wait_request(&self, url: Url, timeout: Duration) -> RequestBuilder {
        self.request(Method::GET, url).timeout(timeout + WAIT_SLACK)
    }
}

fn wait_action(dag_id: &str, run_id: &str) -> String {
    format!("wait for run {run_id:?} of DAG {dag_id:?}")
}

impl RunFollow {
    /// The next change; the end is told once, as the last one.
    pub async fn next(&mut self) -> Result<Followed, ClientError> {
        loop {
            if let Some(line) = self.lines.next() {
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return self.read(&line);
            }
            let piece = self.response.chunk().await;
            match piece.map_err(|source| self.client.broken(&self.action, None, source))? {
                Some(piece) => self.lines.push(&piece),
                None => match self.lines.rest() {
                    Some(line) => return self.read(&line),
                    None => {
                        return Err(self.client.unexpected(&self.action, "it ended before the wait did".to_owned()));
                    }
                },
            }
        }
    }

    fn read(&self, line: &[u8]) -> Result<Followed, ClientError> {
        read(line).map_err(|error| match Refusal::of_line(line) {
            // The head of the answer was out when the server had to say no.
            Some(refusal) => ClientError::new(&self.action, ErrorKind::Refused(refusal)),
            None => self.client.unexpected(&self.action, error.to_string()),
        })
    }
}

fn read(line: &[u8]) -> serde_json::Result<Followed> {
    let line: Line = serde_json::from_slice(line)?;
    let Line { state, result, tasks, results, result_refs, failed, timed_out, dag_run } = line;
    Ok(match dag_run {
        Some(dag_run) => {
            Followed::Ended(Box::new(Waited { state, result, results, result_refs, failed, timed_out, dag_run }))
        }
        None => Followed::Progress { state, tasks: tasks.unwrap_or_default() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_tell_counts_in_the_order_of_the_tasks() {
        let line = br#"{"state":"running","result":"pending","generation":3,
            "tasks":{"b":{"success":1},"a":{"running":2,"scheduled":5,"none":1}}}"#;
        let Followed::Progress { state, tasks } = read(line).unwrap() else { panic!("it is no end") };
        assert_eq!(state, RunState::Running);
        assert_eq!(tasks.keys().collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(tasks["a"][&TaskState::Scheduled], 5);
    }

    #[test]
    fn the_last_line_holds_the_run() {
        let line = br#"{"state":"failed","result":"impossible","results":{},"result_refs":{},
            "failed":{"task_id":"a","map_index":3,"state":"failed","message":"boom"},"timed_out":false,
            "dag_run":{"dag_id":"d","dag_run_id":"r","state":"failed"}}"#;
        let Followed::Ended(waited) = read(line).unwrap() else { panic!("it is the end") };
        assert_eq!(waited.result, ResultState::Impossible);
        assert_eq!(waited.failed.unwrap().message.as_deref(), Some("boom"));
        assert_eq!(waited.dag_run.dag_run_id, "r");
    }
}
