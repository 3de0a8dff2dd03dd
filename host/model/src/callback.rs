//! Callbacks: names that the `notify` export of the DAG's component is called with when something has happened. Each call is
//! sandboxed work like a task, with attempts and a log of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Entrypoint;

/// What a DAG wants to hear about its runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DagCallbacks {
    /// A run ended in success.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_success: Vec<Entrypoint>,
    /// A run failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_failure: Vec<Entrypoint>,
    /// A run had not ended by its deadline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_deadline_missed: Vec<Entrypoint>,
}

/// What a task wants to hear about its instances.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskCallbacks {
    /// An instance ended in success.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_success: Vec<Entrypoint>,
    /// An instance failed for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_failure: Vec<Entrypoint>,
    /// An attempt failed and will be tried again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_retry: Vec<Entrypoint>,
    /// The body of an instance answered that it is not needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_skipped: Vec<Entrypoint>,
}
