//! Errors (RFC 9457).

use serde::Serialize;
use utoipa::ToSchema;

/// Why a request was refused. `detail` is also where Airflow's clients look.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemDetails {
    /// `urn:waft:error:` and a stable slug; each has a page in the docs.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The same for all errors of this type.
    pub(crate) title: String,
    pub(crate) status: u16,
    /// What is wrong and where, for people.
    pub(crate) detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// All that is wrong with what was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<ProblemItem>,
}

/// One thing that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemItem {
    /// `error`, or `warning` for what does not refuse the request by itself.
    pub(crate) severity: &'static str,
    /// A stable slug.
    pub(crate) code: String,
    /// RFC 6901 pointer into what was sent, or the name of a query parameter; empty where the whole is meant.
    pub(crate) path: String,
    pub(crate) message: String,
}
