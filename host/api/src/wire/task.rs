//! Tasks of DAGs, as their documents define them.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::dag::DagParamResponse;

/// A task.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskResponse {
    pub(crate) task_id: String,
    pub(crate) task_display_name: String,
    /// `task`, `branch`, `short_circuit`, `sensor`, `setup`, `teardown`, `empty`, `approval` or `latest_only`.
    pub(crate) operator_name: &'static str,
    pub(crate) owner: Option<String>,
    pub(crate) start_date: Option<Timestamp>,
    pub(crate) end_date: Option<Timestamp>,
    pub(crate) trigger_rule: &'static str,
    pub(crate) depends_on_past: bool,
    pub(crate) wait_for_downstream: bool,
    pub(crate) is_mapped: bool,
    pub(crate) retries: u32,
    pub(crate) queue: Option<String>,
    pub(crate) pool: String,
    pub(crate) pool_slots: u32,
    pub(crate) execution_timeout: Option<TimeDeltaResponse>,
    pub(crate) retry_delay: TimeDeltaResponse,
    /// What the delay is multiplied with from attempt to attempt; 0 where it stays.
    pub(crate) retry_exponential_backoff: f64,
    pub(crate) priority_weight: i64,
    pub(crate) weight_rule: &'static str,
    pub(crate) ui_color: &'static str,
    pub(crate) ui_fgcolor: &'static str,
    pub(crate) template_fields: Vec<String>,
    pub(crate) downstream_task_ids: Vec<String>,
    pub(crate) doc_md: Option<String>,
    /// The body that runs; null where none does.
    pub(crate) class_ref: Option<TaskBodyResponse>,
    /// What an approval asks for.
    pub(crate) params: Option<IndexMap<String, DagParamResponse>>,
    pub(crate) extra_links: Vec<String>,
}

/// Where the body of a task is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskBodyResponse {
    /// Digest of the component.
    pub(crate) module_path: String,
    /// The entrypoint.
    pub(crate) class_name: String,
}

/// A duration, in the parts of Python's.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimeDeltaResponse {
    #[serde(rename = "__type")]
    pub(crate) kind: &'static str,
    pub(crate) days: u64,
    pub(crate) seconds: u64,
    pub(crate) microseconds: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskCollection {
    pub(crate) tasks: Vec<TaskResponse>,
    pub(crate) total_entries: u64,
}
