//! Variables.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A variable to make, or what one is to become.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariableBody {
    pub(crate) key: String,
    /// Text is kept as it is, anything else as JSON text.
    pub(crate) value: Value,
    #[serde(default)]
    pub(crate) description: Option<String>,
    /// Not available yet; null.
    #[serde(default)]
    pub(crate) team_name: Option<String>,
}

/// A variable.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VariableResponse {
    pub(crate) key: String,
    /// `***` where the name says that it is secret.
    pub(crate) value: String,
    pub(crate) description: Option<String>,
    pub(crate) is_encrypted: bool,
    pub(crate) team_name: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VariableCollection {
    pub(crate) variables: Vec<VariableResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}
