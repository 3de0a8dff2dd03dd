//! What a version of a DAG was made of.

use serde::Serialize;
use utoipa::ToSchema;

/// The document of a version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagSourceResponse {
    /// The DAG document, as the component told it.
    pub(crate) content: String,
    pub(crate) dag_id: String,
    pub(crate) dag_display_name: String,
    pub(crate) version_number: u32,
}
