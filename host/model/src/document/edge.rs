//! Dependencies that carry no data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::MemberId;

/// A dependency that carries no data. A group stands for its first tasks where it is `to`, for its last ones where it is `from`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EdgeDocument {
    pub from: MemberId,
    pub to: MemberId,
    /// What people read at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}
