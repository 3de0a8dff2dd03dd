//! Task instances and their tries.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::dag_version::DagVersionResponse;

/// What a task instance and each of its tries tell alike.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TriedInstance {
    pub(crate) task_id: String,
    pub(crate) dag_id: String,
    pub(crate) dag_run_id: String,
    /// −1 for an instance that is not mapped.
    pub(crate) map_index: i32,
    pub(crate) start_date: Option<Timestamp>,
    pub(crate) end_date: Option<Timestamp>,
    /// Seconds.
    pub(crate) duration: Option<f64>,
    /// Null before the instance is scheduled.
    pub(crate) state: Option<&'static str>,
    pub(crate) try_number: u32,
    pub(crate) max_tries: u32,
    pub(crate) task_display_name: String,
    pub(crate) dag_display_name: String,
    pub(crate) hostname: Option<String>,
    pub(crate) unixname: Option<String>,
    pub(crate) pool: &'static str,
    pub(crate) pool_slots: u32,
    pub(crate) queue: Option<String>,
    pub(crate) priority_weight: Option<i32>,
    pub(crate) operator: Option<&'static str>,
    pub(crate) operator_name: Option<&'static str>,
    pub(crate) queued_when: Option<Timestamp>,
    pub(crate) scheduled_when: Option<Timestamp>,
    pub(crate) pid: Option<u32>,
    pub(crate) executor: Option<String>,
    pub(crate) executor_config: &'static str,
    pub(crate) dag_version: Option<DagVersionResponse>,
}

/// A task instance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskInstanceResponse {
    pub(crate) id: Uuid,
    #[serde(flatten)]
    pub(crate) tried: TriedInstance,
    pub(crate) logical_date: Option<Timestamp>,
    pub(crate) run_after: Timestamp,
    pub(crate) note: Option<String>,
    pub(crate) rendered_map_index: Option<String>,
    #[schema(value_type = Object)]
    pub(crate) rendered_fields: serde_json::Map<String, serde_json::Value>,
    #[schema(value_type = Option<Object>)]
    pub(crate) trigger: Option<()>,
    #[schema(value_type = Option<Object>)]
    pub(crate) triggerer_job: Option<()>,
    /// Why it is in its state, where there is more to say.
    pub(crate) reason: Option<String>,
    /// When it is tried again.
    pub(crate) retry_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskInstanceCollection {
    pub(crate) task_instances: Vec<TaskInstanceResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}

/// A try of a task instance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TryResponse {
    #[serde(flatten)]
    pub(crate) tried: TriedInstance,
    /// How it ended: `success`, `skipped`, `failed`, `timed_out`, `trapped`, `over_limit`, `cancelled` or `host_lost`.
    pub(crate) end: Option<&'static str>,
    /// What is said about the end.
    pub(crate) message: Option<String>,
    pub(crate) used: Option<UsedResponse>,
}

/// What the last execution of a try used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsedResponse {
    pub(crate) wall_us: u64,
    pub(crate) cpu_us: u64,
    pub(crate) memory_bytes: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TryCollection {
    pub(crate) task_instances: Vec<TryResponse>,
    pub(crate) total_entries: u64,
}
