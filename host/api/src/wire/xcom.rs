//! Values that instances left behind.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::raw_json::RawJson;

/// A value without itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct XcomResponse {
    pub(crate) key: String,
    pub(crate) timestamp: Timestamp,
    pub(crate) logical_date: Option<Timestamp>,
    pub(crate) map_index: i32,
    pub(crate) task_id: String,
    pub(crate) dag_id: String,
    pub(crate) run_id: String,
    pub(crate) dag_display_name: String,
    pub(crate) task_display_name: String,
    pub(crate) run_after: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct XcomCollection {
    pub(crate) xcom_entries: Vec<XcomResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}

/// A value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct XcomValueResponse {
    #[serde(flatten)]
    pub(crate) xcom: XcomResponse,
    /// As it was left; a string of JSON text with `stringify=true`.
    pub(crate) value: RawJson,
}

/// A value to leave beside an instance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct XcomCreateBody {
    pub(crate) key: String,
    /// Any JSON; blob markers name blobs that were uploaded before.
    #[schema(value_type = serde_json::Value)]
    pub(crate) value: Box<RawValue>,
    /// -1 where it is left out.
    #[serde(default)]
    pub(crate) map_index: Option<i32>,
}

/// What a value is to become.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct XcomPatchBody {
    /// Any JSON; blob markers name blobs that were uploaded before.
    #[schema(value_type = serde_json::Value)]
    pub(crate) value: Box<RawValue>,
    /// -1 where it is left out.
    #[serde(default)]
    pub(crate) map_index: Option<i32>,
}
