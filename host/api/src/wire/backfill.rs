//! Backfills.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::raw_json::RawJson;

/// A backfill to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackfillBody {
    pub(crate) dag_id: String,
    /// The first logical date that may be in it.
    pub(crate) from_date: Timestamp,
    /// The last logical date that may be in it.
    pub(crate) to_date: Timestamp,
    #[serde(default)]
    pub(crate) run_backwards: bool,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(crate) dag_run_conf: Option<Box<RawValue>>,
    /// What to do about dates that have a run: `none`, `failed` or `completed`.
    #[serde(default)]
    pub(crate) reprocess_behavior: Option<String>,
    /// 10 where it is left out.
    #[serde(default)]
    pub(crate) max_active_runs: Option<u32>,
    /// Each run has the version that is current when it is made; else all have the one that is current now.
    #[serde(default)]
    pub(crate) run_on_latest_version: Option<bool>,
    /// The number of the version of all runs.
    #[serde(default)]
    pub(crate) version_number: Option<u32>,
}

/// A backfill.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BackfillResponse {
    pub(crate) id: i64,
    pub(crate) dag_id: String,
    pub(crate) dag_display_name: String,
    pub(crate) from_date: Timestamp,
    pub(crate) to_date: Timestamp,
    pub(crate) dag_run_conf: RawJson,
    pub(crate) is_paused: bool,
    pub(crate) reprocess_behavior: &'static str,
    pub(crate) max_active_runs: u32,
    pub(crate) created_at: Timestamp,
    /// When it was completed or cancelled.
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) updated_at: Timestamp,
    /// `running`, `paused`, `completed` or `cancelled`.
    pub(crate) state: &'static str,
    pub(crate) run_backwards: bool,
    pub(crate) triggering_user_name: String,
    /// How many dates are `waiting`, `begun`, `ended` or `left`.
    pub(crate) dates: IndexMap<&'static str, u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BackfillCollection {
    pub(crate) backfills: Vec<BackfillResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}

/// A date for which a backfill would do something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DryRunBackfillResponse {
    pub(crate) logical_date: Timestamp,
    pub(crate) partition_key: Option<String>,
    pub(crate) partition_date: Option<Timestamp>,
    /// `create` or `clear`.
    pub(crate) action: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DryRunBackfillCollection {
    pub(crate) backfills: Vec<DryRunBackfillResponse>,
    pub(crate) total_entries: u64,
}
