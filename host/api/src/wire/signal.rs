//! Signals.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// What is told with a signal.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignalBody {
    /// Any JSON value; null where it is left out.
    #[serde(default)]
    #[schema(value_type = serde_json::Value)]
    pub(crate) payload: Option<Box<RawValue>>,
}

/// A signal that is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignalResponse {
    pub(crate) dag_id: String,
    pub(crate) dag_run_id: String,
    pub(crate) name: String,
}

/// An instance that waits for a signal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AwaitedSignalResponse {
    pub(crate) name: String,
    pub(crate) dag_id: String,
    pub(crate) dag_run_id: String,
    pub(crate) task_id: String,
    pub(crate) map_index: i32,
    /// `deferred` or `awaiting_input`.
    pub(crate) state: &'static str,
    pub(crate) since: Timestamp,
    /// When the wait has failed.
    pub(crate) times_out_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AwaitedSignalCollection {
    pub(crate) signals: Vec<AwaitedSignalResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}
