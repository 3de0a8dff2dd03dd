//! Task instances and their tries.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
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
    pub(crate) pool: String,
    pub(crate) pool_slots: u32,
    pub(crate) queue: Option<&'static str>,
    pub(crate) priority_weight: Option<i64>,
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
    /// Exact up to 10,000; a longer list says 10,000. Null where a cursor was sent.
    pub(crate) total_entries: Option<u64>,
    /// Where the list goes on; null at its end, and where no cursor was sent.
    pub(crate) next_cursor: Option<String>,
    pub(crate) previous_cursor: Option<String>,
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

/// A task, or one instance of a mapped one.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "this is neither the id of a task nor a pair of it and a map index")]
pub(crate) enum TaskRef {
    Task(String),
    Instance(String, i32),
}

/// Which instances to clear.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClearTaskInstancesBody {
    /// Only tell what would be cleared.
    #[serde(default = "yes")]
    pub(crate) dry_run: bool,
    /// The run; those of all dates where neither it nor a date is given.
    #[serde(default)]
    pub(crate) dag_run_id: Option<String>,
    /// Of the runs from this logical date on.
    #[serde(default)]
    pub(crate) start_date: Option<Timestamp>,
    /// Of the runs up to this logical date.
    #[serde(default)]
    pub(crate) end_date: Option<Timestamp>,
    /// Ids of tasks, or pairs of such an id and a map index; all tasks where it is left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<serde_json::Value>>)]
    pub(crate) task_ids: Option<Vec<TaskRef>>,
    #[serde(default)]
    pub(crate) include_upstream: bool,
    #[serde(default)]
    pub(crate) include_downstream: bool,
    /// The runs with later logical dates too.
    #[serde(default)]
    pub(crate) include_future: bool,
    /// The runs with earlier logical dates too.
    #[serde(default)]
    pub(crate) include_past: bool,
    /// True where it is left out, unless only_running is.
    #[serde(default)]
    pub(crate) only_failed: Option<bool>,
    #[serde(default)]
    pub(crate) only_running: bool,
    /// Runs that have ended run again.
    #[serde(default = "yes")]
    pub(crate) reset_dag_runs: bool,
    /// The version that is current now, as `version: "latest"`.
    #[serde(default)]
    pub(crate) run_on_latest_version: Option<bool>,
    /// `own`, `latest` or a number.
    #[serde(default)]
    #[schema(value_type = Option<serde_json::Value>)]
    pub(crate) version: Option<VersionWord>,
    /// Refuse where one of them runs.
    #[serde(default)]
    pub(crate) prevent_running_task: bool,
    /// Why; it stands in the log of events, and beside the instances.
    #[serde(default)]
    pub(crate) note: Option<String>,
}

/// A version by its number, or by a word.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "this is neither own, latest nor the number of a version")]
pub(crate) enum VersionWord {
    Number(u32),
    Word(String),
}

fn yes() -> bool {
    true
}

/// What becomes of an instance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PatchTaskInstanceBody {
    /// `success`, `failed` or `skipped`.
    #[serde(default)]
    pub(crate) new_state: Option<String>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "super::present")]
    #[schema(value_type = Option<String>)]
    pub(crate) note: Option<Option<String>>,
    #[serde(default)]
    pub(crate) include_upstream: bool,
    #[serde(default)]
    pub(crate) include_downstream: bool,
    /// The runs with later logical dates too.
    #[serde(default)]
    pub(crate) include_future: bool,
    /// The runs with earlier logical dates too.
    #[serde(default)]
    pub(crate) include_past: bool,
}

/// Why an instance does not run now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplanationResponse {
    pub(crate) dag_id: String,
    pub(crate) dag_run_id: String,
    pub(crate) task_id: String,
    pub(crate) map_index: i32,
    pub(crate) state: Option<&'static str>,
    pub(crate) run_state: &'static str,
    /// The first of the reasons: a stable word.
    pub(crate) code: &'static str,
    /// The same for people.
    pub(crate) message: String,
    /// All that keeps it from running.
    pub(crate) reasons: Vec<ReasonResponse>,
    pub(crate) trigger_rule: &'static str,
    /// Its direct upstream tasks and their instances by state.
    pub(crate) upstream: IndexMap<String, IndexMap<&'static str, u64>>,
    pub(crate) pool: String,
    pub(crate) pool_slots: u32,
    pub(crate) priority_weight: i64,
}

/// A reason for which an instance does not run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReasonResponse {
    /// A stable word: `ended`, `running`, `ready`, `waits_until`, `deferred`, `awaits_input`, `unexpanded`, `upstream`, `gate`, `setup`,
    /// `past`, `item`, `not_made`, `run_queued`, `limited`, `limited_by_run`, `limited_by_task`, `limited_by_pool`, `limited_by_dag`,
    /// `limited_by_tenant`, `no_pool`, `no_worker`, `no_slot`, `draining` or `lost_executions`.
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// What it waits for.
    pub(crate) tasks: Vec<PendingTaskResponse>,
    /// Until when it waits, or by when its wait has failed.
    pub(crate) until: Option<Timestamp>,
    /// Of a limit: how many there are …
    pub(crate) active: Option<u32>,
    /// … and how many may be.
    pub(crate) cap: Option<u32>,
}

/// A task that has not ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PendingTaskResponse {
    pub(crate) task_id: String,
    /// Instances that have not ended, where that is known.
    pub(crate) pending: Option<u32>,
}

/// How the instances of a task stand.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskSummaryResponse {
    pub(crate) task_id: String,
    pub(crate) task_display_name: String,
    /// Its instances have map indexes.
    pub(crate) is_mapped: bool,
    /// Instances, once a mapped task is expanded.
    pub(crate) map_length: Option<u32>,
    /// The state that stands for all of them: one failure of a hundred shows as failure.
    pub(crate) state: Option<&'static str>,
    pub(crate) counts: IndexMap<&'static str, u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskSummaryCollection {
    pub(crate) tasks: Vec<TaskSummaryResponse>,
    pub(crate) total_entries: u64,
}

/// Airflow's words for what an instance waits for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskDependencyResponse {
    pub(crate) name: &'static str,
    pub(crate) reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskDependencyCollection {
    pub(crate) dependencies: Vec<TaskDependencyResponse>,
}

/// Which instances, as the query of a list says it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskInstanceListBody {
    #[serde(default)]
    pub(crate) dag_ids: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) dag_run_ids: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) task_ids: Option<Vec<String>>,
    /// Null stands for those that have no state yet.
    #[serde(default)]
    pub(crate) state: Option<Vec<Option<String>>>,
    /// Of one run alone, as is the next one: one DAG and one run are named then.
    #[serde(default)]
    pub(crate) pool: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) queue: Option<Vec<String>>,
    /// Not available; empty.
    #[serde(default)]
    pub(crate) executor: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) run_after_gte: Option<String>,
    #[serde(default)]
    pub(crate) run_after_gt: Option<String>,
    #[serde(default)]
    pub(crate) run_after_lte: Option<String>,
    #[serde(default)]
    pub(crate) run_after_lt: Option<String>,
    #[serde(default)]
    pub(crate) logical_date_gte: Option<String>,
    #[serde(default)]
    pub(crate) logical_date_gt: Option<String>,
    #[serde(default)]
    pub(crate) logical_date_lte: Option<String>,
    #[serde(default)]
    pub(crate) logical_date_lt: Option<String>,
    #[serde(default)]
    pub(crate) start_date_gte: Option<String>,
    #[serde(default)]
    pub(crate) start_date_gt: Option<String>,
    #[serde(default)]
    pub(crate) start_date_lte: Option<String>,
    #[serde(default)]
    pub(crate) start_date_lt: Option<String>,
    #[serde(default)]
    pub(crate) end_date_gte: Option<String>,
    #[serde(default)]
    pub(crate) end_date_gt: Option<String>,
    #[serde(default)]
    pub(crate) end_date_lte: Option<String>,
    #[serde(default)]
    pub(crate) end_date_lt: Option<String>,
    #[serde(default)]
    pub(crate) duration_gte: Option<f64>,
    #[serde(default)]
    pub(crate) duration_gt: Option<f64>,
    #[serde(default)]
    pub(crate) duration_lte: Option<f64>,
    #[serde(default)]
    pub(crate) duration_lt: Option<f64>,
    #[serde(default)]
    pub(crate) order_by: Option<String>,
    #[serde(default)]
    pub(crate) page_limit: Option<u32>,
    #[serde(default)]
    pub(crate) page_offset: Option<u32>,
}
