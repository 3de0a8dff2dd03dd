//! The log of what people did.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// Something that somebody did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventLogResponse {
    pub(crate) event_log_id: i64,
    pub(crate) when: Timestamp,
    /// What was done: `clear`, `mark`, `trigger`, …
    pub(crate) event: String,
    /// Who did it.
    pub(crate) owner: Option<String>,
    pub(crate) dag_id: Option<String>,
    pub(crate) dag_display_name: Option<String>,
    pub(crate) run_id: Option<String>,
    pub(crate) task_id: Option<String>,
    pub(crate) task_display_name: Option<String>,
    pub(crate) map_index: Option<i32>,
    pub(crate) try_number: Option<u32>,
    pub(crate) logical_date: Option<Timestamp>,
    /// JSON text: why, and with which options.
    pub(crate) extra: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventLogCollection {
    pub(crate) event_logs: Vec<EventLogResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}
