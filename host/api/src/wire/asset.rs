//! Assets and their events.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::raw_json::RawJson;

/// An asset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssetResponse {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) uri: String,
    pub(crate) group: String,
    pub(crate) extra: RawJson,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// DAGs whose schedules wait for it.
    pub(crate) scheduled_dags: Vec<AssetDagResponse>,
    /// Tasks that make it.
    pub(crate) producing_tasks: Vec<AssetTaskResponse>,
    /// Tasks that read it.
    pub(crate) consuming_tasks: Vec<AssetTaskResponse>,
    pub(crate) aliases: Vec<RawJson>,
    pub(crate) watchers: Vec<RawJson>,
    pub(crate) last_asset_event: Option<LastAssetEventResponse>,
}

/// A DAG that waits for an asset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssetDagResponse {
    pub(crate) dag_id: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// A task that makes or reads an asset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssetTaskResponse {
    pub(crate) dag_id: String,
    pub(crate) task_id: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LastAssetEventResponse {
    pub(crate) id: i64,
    pub(crate) timestamp: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssetCollection {
    pub(crate) assets: Vec<AssetResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}

/// An event to tell.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssetEventBody {
    pub(crate) asset_id: i64,
    /// JSON object.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(crate) extra: Option<Box<RawValue>>,
    /// Not available yet; null.
    #[serde(default)]
    pub(crate) partition_key: Option<String>,
}

/// An event of an asset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssetEventResponse {
    pub(crate) id: i64,
    pub(crate) asset_id: i64,
    pub(crate) name: String,
    pub(crate) uri: String,
    pub(crate) group: String,
    pub(crate) extra: RawJson,
    pub(crate) source_task_id: Option<String>,
    pub(crate) source_dag_id: Option<String>,
    pub(crate) source_run_id: Option<String>,
    pub(crate) source_map_index: i32,
    /// Who told it, where no task did.
    pub(crate) source_user_name: Option<String>,
    /// The runs that consumed it.
    pub(crate) created_dagruns: Vec<AssetRunResponse>,
    pub(crate) timestamp: Timestamp,
    pub(crate) partition_key: Option<String>,
}

/// A run that consumed an event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssetRunResponse {
    pub(crate) run_id: String,
    pub(crate) dag_id: String,
    pub(crate) logical_date: Option<Timestamp>,
    pub(crate) start_date: Timestamp,
    pub(crate) end_date: Option<Timestamp>,
    pub(crate) state: &'static str,
    pub(crate) data_interval_start: Option<Timestamp>,
    pub(crate) data_interval_end: Option<Timestamp>,
    pub(crate) partition_key: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssetEventCollection {
    pub(crate) asset_events: Vec<AssetEventResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}

/// An event that waits for a DAG.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueuedEventResponse {
    pub(crate) dag_id: String,
    pub(crate) dag_display_name: String,
    pub(crate) asset_id: i64,
    pub(crate) created_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueuedEventCollection {
    pub(crate) queued_events: Vec<QueuedEventResponse>,
    pub(crate) total_entries: u64,
}
