//! Which of the instances that may start goes first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a task's weight follows from priorities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeightRule {
    /// Its own priority and those of everything downstream: what much depends on goes first.
    #[default]
    Downstream,
    /// Its own priority and those of everything upstream: runs that have come far go first.
    Upstream,
    /// Its own priority.
    Absolute,
}
