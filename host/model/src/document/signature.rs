//! Types of a body.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_default;
use crate::id::Key;
use crate::types::Type;

/// Types of a body's arguments and result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Types by argument name, in the order of the body's parameters. An argument that is not here does not exist.
    pub args: IndexMap<Key, ArgType>,
    pub result: Type,
}

/// Type of one argument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArgType {
    #[serde(rename = "type")]
    pub ty: Type,
    /// May be left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optional: bool,
}
