//! DAGs.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::dag_version::DagVersionResponse;

/// A DAG.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagResponse {
    pub(crate) dag_id: String,
    pub(crate) dag_display_name: String,
    pub(crate) is_paused: bool,
    /// Why it was paused, where the server did it.
    pub(crate) pause_reason: Option<String>,
    /// Its bundle no longer defines it.
    pub(crate) is_stale: bool,
    pub(crate) last_parsed_time: Option<Timestamp>,
    pub(crate) last_parse_duration: Option<f64>,
    pub(crate) last_expired: Option<Timestamp>,
    pub(crate) bundle_name: Option<String>,
    pub(crate) bundle_version: Option<String>,
    pub(crate) relative_fileloc: Option<String>,
    pub(crate) fileloc: String,
    pub(crate) description: Option<String>,
    pub(crate) timetable_summary: Option<String>,
    pub(crate) timetable_description: Option<String>,
    pub(crate) timetable_partitioned: bool,
    pub(crate) timetable_periodic: bool,
    pub(crate) tags: Vec<DagTagResponse>,
    pub(crate) max_active_tasks: u32,
    pub(crate) max_active_runs: Option<u32>,
    pub(crate) max_consecutive_failed_dag_runs: u32,
    pub(crate) has_task_concurrency_limits: bool,
    pub(crate) has_import_errors: bool,
    pub(crate) next_dagrun_logical_date: Option<Timestamp>,
    pub(crate) next_dagrun_data_interval_start: Option<Timestamp>,
    pub(crate) next_dagrun_data_interval_end: Option<Timestamp>,
    pub(crate) next_dagrun_run_after: Option<Timestamp>,
    pub(crate) owners: Vec<String>,
    pub(crate) is_backfillable: bool,
    pub(crate) file_token: String,
}

/// What of a DAG can be changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DagPatchBody {
    /// Its schedule makes no runs while it is paused.
    pub(crate) is_paused: bool,
}

/// A tag of a DAG.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagTagResponse {
    pub(crate) name: String,
    pub(crate) dag_id: String,
    pub(crate) dag_display_name: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagCollection {
    pub(crate) dags: Vec<DagResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}

/// A DAG and more about it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagDetailsResponse {
    #[serde(flatten)]
    pub(crate) dag: DagResponse,
    pub(crate) catchup: bool,
    /// Seconds, as ISO 8601.
    pub(crate) dag_run_timeout: Option<String>,
    pub(crate) asset_expression: Option<Value>,
    pub(crate) doc_md: Option<String>,
    pub(crate) start_date: Option<Timestamp>,
    pub(crate) end_date: Option<Timestamp>,
    pub(crate) is_paused_upon_creation: Option<bool>,
    pub(crate) params: IndexMap<String, DagParamResponse>,
    pub(crate) render_template_as_native_obj: bool,
    pub(crate) template_search_path: Option<Vec<String>>,
    pub(crate) timezone: Option<String>,
    pub(crate) last_parsed: Option<Timestamp>,
    pub(crate) default_args: IndexMap<String, Value>,
    pub(crate) owner_links: IndexMap<String, String>,
    pub(crate) is_favorite: bool,
    pub(crate) active_runs_count: u64,
    pub(crate) concurrency: u32,
    pub(crate) latest_dag_version: Option<DagVersionResponse>,
}

/// A parameter of a DAG's runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagParamResponse {
    /// The default; null where there is none.
    pub(crate) value: Option<Value>,
    /// JSON Schema.
    pub(crate) schema: Value,
    pub(crate) description: Option<String>,
    /// A run must give a value.
    pub(crate) required: bool,
}
