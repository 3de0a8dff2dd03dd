//! Callbacks: names that the `notify` export of the DAG's component is called with when something has happened. Each call is
//! sandboxed work like a task, with attempts and a log of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Entrypoint;
use crate::state::states;

states! {
    /// What has happened, as a callback is told.
    CallbackEvent {
        /// A run or an instance ended in success.
        Success = "success",
        /// It failed for good.
        Failure = "failure",
        /// An attempt failed and will be tried again.
        Retry = "retry",
        /// The body of an instance answered that it is not needed.
        Skipped = "skipped",
        /// A run had not ended by its deadline.
        DeadlineMissed = "deadline_missed",
    }
}

states! {
    /// How far a callback is.
    CallbackState {
        /// Its time has not come, or nobody has begun it yet; whoever has a free slot then moves it on.
        Waiting = "waiting",
        /// A worker has begun it; its end, or the end of its lease, moves it on.
        Running = "running",
        /// Ended: it was heard.
        Success = "success",
        /// Ended: its attempts are spent, or the failure said not to try again.
        Failed = "failed",
    }
}

impl CallbackState {
    /// Nothing moves it on any more.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Success | Self::Failed)
    }
}

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
