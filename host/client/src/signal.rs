//! Signals.

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Client, ClientError, Page, PageRequest};

/// An instance that waits for a signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedSignal {
    pub name: String,
    pub dag_id: String,
    pub dag_run_id: String,
    pub task_id: String,
    pub map_index: i32,
    #[serde(default)]
    pub since: Option<Timestamp>,
    #[serde(default)]
    pub times_out_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct AwaitedSignals {
    signals: Vec<AwaitedSignal>,
    total_entries: u64,
}

impl Client {
    /// Tells a run something.
    pub async fn dag_run_signal(
        &self,
        dag_id: &str,
        run_id: &str,
        name: &str,
        payload: Option<&RawValue>,
    ) -> Result<(), ClientError> {
        let url = self.url(["dags", dag_id, "dagRuns", run_id, "signals", name]);
        let request = self.request(Method::POST, url).json(&Body { payload });
        self.send(&format!("signal {name:?} to run {run_id:?} of DAG {dag_id:?}"), request).await.map(drop)
    }

    /// Instances that wait for signals, of one DAG or of all.
    pub async fn signals(&self, dag_id: Option<&str>, page: PageRequest) -> Result<Page<AwaitedSignal>, ClientError> {
        let mut url = self.url(["signals"]);
        page.add_to(&mut url);
        if let Some(dag_id) = dag_id {
            url.query_pairs_mut().append_pair("dag_id", dag_id);
        }
        let request = self.request(Method::GET, url);
        let AwaitedSignals { signals, total_entries } = self.json("list who waits for signals", request).await?;
        Ok(Page { items: signals, total_entries })
    }
}
