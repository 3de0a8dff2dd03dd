//! What dashboards ask beside the nouns: sums, and lists of what Waft has none of.

use indexmap::IndexMap;
use serde::Serialize;
use utoipa::ToSchema;

/// Runs of a DAG by state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagStatsResponse {
    pub(crate) dag_id: String,
    pub(crate) dag_display_name: String,
    pub(crate) stats: Vec<DagStatsStateResponse>,
}

/// Runs in a state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagStatsStateResponse {
    pub(crate) state: &'static str,
    /// Exact up to 10,000.
    pub(crate) count: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagStatsCollection {
    pub(crate) dags: Vec<DagStatsResponse>,
    pub(crate) total_entries: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagTagCollection {
    pub(crate) tags: Vec<String>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}

/// Nothing, under the name that Airflow gives it.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct DagWarningCollection {
    pub(crate) dag_warnings: Vec<IndexMap<String, String>>,
    pub(crate) total_entries: u64,
}

/// Nothing: what an upload gets wrong is told to whoever uploads, and changes nothing.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ImportErrorCollection {
    pub(crate) import_errors: Vec<IndexMap<String, String>>,
    pub(crate) total_entries: u64,
}

/// Nothing: `/monitor/health` tells how the parts of the server are.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct JobCollection {
    pub(crate) jobs: Vec<IndexMap<String, String>>,
    pub(crate) total_entries: u64,
}

/// Nothing: what an operator sets stands in `waft.toml`, and is not told.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ConfigResponse {
    pub(crate) sections: Vec<IndexMap<String, String>>,
}

/// Nothing: assets have one name.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct AssetAliasCollection {
    pub(crate) asset_aliases: Vec<IndexMap<String, String>>,
    pub(crate) total_entries: u64,
}

/// Nothing: tasks name no pages of other services.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ExtraLinkCollection {
    pub(crate) extra_links: IndexMap<String, String>,
    pub(crate) total_entries: u64,
}

/// Nothing: there are no packages of operators.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ProviderCollection {
    pub(crate) providers: Vec<IndexMap<String, String>>,
    pub(crate) total_entries: u64,
}

/// Nothing: the server loads no code of others.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct PluginCollection {
    pub(crate) plugins: Vec<IndexMap<String, String>>,
    pub(crate) total_entries: u64,
}

/// Nothing, likewise.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct PluginImportErrorCollection {
    pub(crate) import_errors: Vec<IndexMap<String, String>>,
    pub(crate) total_entries: u64,
}
