//! Versions of DAGs.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A version of a DAG.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DagVersionResponse {
    pub(crate) id: Uuid,
    pub(crate) version_number: u32,
    pub(crate) dag_id: String,
    pub(crate) dag_display_name: String,
    pub(crate) bundle_name: Option<String>,
    /// Id of the version of the bundle.
    pub(crate) bundle_version: Option<String>,
    pub(crate) bundle_url: Option<String>,
    pub(crate) created_at: Timestamp,
    /// Digest of component, document and label.
    pub(crate) digest: String,
    /// Digest of the component.
    pub(crate) component: String,
    /// The author's own version string.
    pub(crate) label: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagVersionCollection {
    pub(crate) dag_versions: Vec<DagVersionResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}

/// What differs between two versions of a DAG.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagVersionDiffResponse {
    pub(crate) dag_id: String,
    pub(crate) from_version: u32,
    pub(crate) to_version: u32,
    /// The component, and with it the code of the tasks, is another one.
    pub(crate) component_changed: bool,
    /// In the documents; tasks and other lists of named things are compared by name.
    pub(crate) changes: Vec<DagVersionChangeResponse>,
    /// True where there are more than are told.
    pub(crate) truncated: bool,
}

/// A member that one document has in another way, or alone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagVersionChangeResponse {
    /// `added`, `removed` or `changed`.
    pub(crate) kind: &'static str,
    /// JSON pointer, in which the name of a thing stands for its position.
    pub(crate) path: String,
    /// Null where it was added.
    pub(crate) before: Option<Value>,
    /// Null where it was removed.
    pub(crate) after: Option<Value>,
}
