//! Waiting for runs.

use indexmap::IndexMap;
use serde::Serialize;
use utoipa::ToSchema;

use super::dag_run::DagRunResponse;
use super::raw_json::RawJson;

/// How a wait ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WaitResponse {
    pub(crate) dag_id: String,
    pub(crate) dag_run_id: String,
    /// State of the run.
    pub(crate) state: &'static str,
    /// `available`, `impossible` or `pending`.
    pub(crate) result: &'static str,
    /// Values of the result tasks by task id, once the result is available. The value of a mapped task is the list of its values.
    pub(crate) results: IndexMap<String, RawJson>,
    /// Where values are that are too large to stand here, by task id.
    pub(crate) result_refs: IndexMap<String, ResultRef>,
    /// Because of which instance the result cannot come.
    pub(crate) failed: Option<FailedInstance>,
    /// The time was over first.
    pub(crate) timed_out: bool,
    pub(crate) dag_run: DagRunResponse,
}

/// Where a value is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResultRef {
    pub(crate) href: String,
    /// Of one value in a blob.
    pub(crate) size_bytes: Option<u64>,
    /// Of the values of a mapped task.
    pub(crate) count: Option<u64>,
}

/// An instance because of which a result cannot come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailedInstance {
    pub(crate) task_id: String,
    pub(crate) map_index: i32,
    pub(crate) state: &'static str,
    pub(crate) message: Option<String>,
}

/// Where a run stands: a line of a stream, before the last one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WaitProgress {
    pub(crate) state: &'static str,
    pub(crate) result: &'static str,
    /// Rises with each change, within one stream.
    pub(crate) generation: u64,
    /// Instances by task and state, where `counts=true` asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tasks: Option<IndexMap<String, IndexMap<&'static str, u64>>>,
}
