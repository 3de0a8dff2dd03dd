//! Runs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::dag_version::DagVersionResponse;
use super::raw_json::RawJson;
use super::task_instance::{TaskInstanceResponse, VersionWord};

/// A run to start.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TriggerBody {
    /// Made up where it is left out.
    #[serde(default)]
    pub(crate) dag_run_id: Option<String>,
    #[serde(default)]
    pub(crate) logical_date: Option<Timestamp>,
    #[serde(default)]
    pub(crate) data_interval_start: Option<Timestamp>,
    #[serde(default)]
    pub(crate) data_interval_end: Option<Timestamp>,
    #[serde(default)]
    pub(crate) run_after: Option<Timestamp>,
    /// Members with names of parameters are their values; blob markers name blobs that were uploaded before.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(crate) conf: Option<Box<RawValue>>,
    #[serde(default)]
    pub(crate) note: Option<String>,
    /// Not available yet; null.
    #[serde(default)]
    pub(crate) partition_key: Option<String>,
}

/// A run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagRunResponse {
    pub(crate) dag_run_id: String,
    pub(crate) dag_id: String,
    pub(crate) dag_display_name: String,
    pub(crate) logical_date: Option<Timestamp>,
    pub(crate) queued_at: Option<Timestamp>,
    pub(crate) start_date: Option<Timestamp>,
    pub(crate) end_date: Option<Timestamp>,
    /// Seconds.
    pub(crate) duration: Option<f64>,
    pub(crate) data_interval_start: Option<Timestamp>,
    pub(crate) data_interval_end: Option<Timestamp>,
    pub(crate) run_after: Timestamp,
    pub(crate) last_scheduling_decision: Option<Timestamp>,
    /// `manual`, `scheduled`, `backfill` or `asset_triggered`.
    pub(crate) run_type: &'static str,
    /// `queued`, `running`, `success` or `failed`.
    pub(crate) state: &'static str,
    pub(crate) triggered_by: Option<String>,
    pub(crate) triggering_user_name: Option<String>,
    /// As it was sent.
    pub(crate) conf: RawJson,
    pub(crate) note: Option<String>,
    pub(crate) dag_versions: Vec<DagVersionResponse>,
    pub(crate) bundle_version: Option<String>,
    pub(crate) partition_key: Option<String>,
    /// Key of the run, as it stands in logs.
    pub(crate) run_key: String,
    /// Parameters, defaults filled in.
    pub(crate) params: RawJson,
    /// Why it is in its state, where there is more to say.
    pub(crate) reason: Option<String>,
    /// How often it was cleared.
    pub(crate) clear_number: u32,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagRunCollection {
    /// Fewer than asked for where their values have more bytes than one page may: read on behind the last one.
    pub(crate) dag_runs: Vec<DagRunResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Null where a cursor was sent.
    pub(crate) total_entries: Option<u64>,
    pub(crate) total_entries_limit: u64,
    /// Where the list goes on; null at its end, and where no cursor was sent.
    pub(crate) next_cursor: Option<String>,
    /// Where the page before is; null at the beginning, and where no cursor was sent.
    pub(crate) previous_cursor: Option<String>,
}

/// Which runs, as the query of a list says it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DagRunListBody {
    #[serde(default)]
    pub(crate) dag_ids: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) states: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) conf_contains: Option<String>,
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

/// What to clear.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClearBody {
    /// Only tell what would be cleared.
    #[serde(default = "yes")]
    pub(crate) dry_run: bool,
    #[serde(default)]
    pub(crate) only_failed: bool,
    /// Not available yet; false.
    #[serde(default)]
    pub(crate) only_new: bool,
    /// The version that is current now, as `version: "latest"`.
    #[serde(default)]
    pub(crate) run_on_latest_version: Option<bool>,
    /// `own`, `latest` or a number.
    #[serde(default)]
    #[schema(value_type = Option<serde_json::Value>)]
    pub(crate) version: Option<VersionWord>,
    /// Why; it stands in the log of events.
    #[serde(default)]
    pub(crate) note: Option<String>,
}

/// What becomes of a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DagRunPatchBody {
    /// `success` or `failed` end it; `queued` makes what failed in it run again.
    #[serde(default)]
    pub(crate) state: Option<String>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "super::present")]
    #[schema(value_type = Option<String>)]
    pub(crate) note: Option<Option<String>>,
}

/// Why a run is to end.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelBody {
    /// It stands in the log of events.
    #[serde(default)]
    pub(crate) note: Option<String>,
}

fn yes() -> bool {
    true
}

/// What a clear has come to, or would.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ClearAnswer {
    Run(Box<DagRunResponse>),
    Preview(ClearPreview),
}

/// What a clear would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClearPreview {
    /// The first of them.
    pub(crate) task_instances: Vec<TaskInstanceResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}
