//! Connections.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A connection to make, or what one is to become. `***` for what is secret leaves it as it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionBody {
    pub(crate) connection_id: String,
    pub(crate) conn_type: String,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) host: Option<String>,
    #[serde(default)]
    pub(crate) login: Option<String>,
    #[serde(default)]
    pub(crate) schema: Option<String>,
    #[serde(default)]
    pub(crate) port: Option<u16>,
    #[serde(default)]
    pub(crate) password: Option<String>,
    /// JSON text as a rule.
    #[serde(default)]
    pub(crate) extra: Option<String>,
    /// Not available yet; null.
    #[serde(default)]
    pub(crate) team_name: Option<String>,
}

/// A connection, without its secrets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionResponse {
    pub(crate) connection_id: String,
    pub(crate) conn_type: String,
    pub(crate) description: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) login: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) port: Option<u16>,
    /// `***` where there is one.
    pub(crate) password: Option<&'static str>,
    pub(crate) extra: Option<String>,
    pub(crate) team_name: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionCollection {
    pub(crate) connections: Vec<ConnectionResponse>,
    /// Exact up to 10,000; a longer list says 10,000. Read on until a page is not full.
    pub(crate) total_entries: u64,
}
