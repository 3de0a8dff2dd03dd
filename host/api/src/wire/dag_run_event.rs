//! What happens to a run.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// How a run and its tasks stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RunPicture {
    pub(crate) dag_run: RunStands,
    pub(crate) tasks: Vec<TaskStands>,
}

/// An event as the lines of a stream say it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "lines are written as text; this tells what stands in them")]
pub(crate) struct SentEvent {
    /// `dag_run`, `task` or `end`.
    event: String,
    /// JSON text of a `DagRunEvent`.
    data: String,
    /// What to send as `Last-Event-ID` to go on after it.
    #[schema(nullable = false)]
    id: Option<String>,
}

/// The data of an event.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum DagRunEvent {
    DagRun(RunStands),
    Task(TaskStands),
    /// The run has ended, and nothing more is told.
    End(RunStands),
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct RunStands {
    pub(crate) dag_id: String,
    pub(crate) dag_run_id: String,
    /// `queued`, `running`, `success` or `failed`.
    pub(crate) state: &'static str,
    /// `pending`, `available` or `impossible`.
    pub(crate) result: &'static str,
    pub(crate) start_date: Option<Timestamp>,
    pub(crate) end_date: Option<Timestamp>,
    /// Why it is in its state, where there is more to say.
    pub(crate) reason: Option<String>,
    /// How often it was cleared.
    pub(crate) clear_number: u32,
}

/// How a task stands.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct TaskStands {
    pub(crate) task_id: String,
    /// That of its instance; of several, the one that tells most. Null before anything is decided.
    pub(crate) state: Option<&'static str>,
    /// Instances of a mapped task, once it is expanded.
    pub(crate) map_length: Option<u32>,
    /// Instances by state.
    pub(crate) states: IndexMap<&'static str, u64>,
}
