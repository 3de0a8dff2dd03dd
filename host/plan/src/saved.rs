//! A run as its rows tell it, from which a machine starts again.

use std::sync::Arc;

use jiff::Timestamp;
use model::{Fence, MapIndex, NodeIdx, TaskState, TryNumber};

use crate::{AnswerDecision, BlockDecision};

/// Everything that a machine needs. The scheduler makes it of the store's rows.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedRun {
    pub started_at: Timestamp,
    /// Why the run fails when what its setups have made is undone.
    pub doom: Option<Arc<str>>,
    /// By node, all of them.
    pub nodes: Vec<SavedNode>,
    /// By scope, then `first`.
    pub blocks: Vec<BlockDecision>,
    /// By node, then map index.
    pub instances: Vec<SavedInstance>,
    pub answers: Vec<AnswerDecision>,
    /// Highest try number of instances that have no row now.
    pub prior_tries: Vec<(NodeIdx, MapIndex, TryNumber)>,
}

/// A task of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavedNode {
    /// Instances, once a mapped task is expanded.
    pub map_length: Option<u32>,
    /// Length of the list that an unmapped task returned.
    pub list_length: Option<u32>,
}

/// An instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavedInstance {
    pub node: NodeIdx,
    pub map_index: MapIndex,
    pub state: TaskState,
    pub try_number: TryNumber,
    /// Number of the last try that the author grants, counted from the last clear.
    pub max_tries: u32,
    pub fence: Fence,
    /// When its wait is over.
    pub retry_at: Option<Timestamp>,
    /// When the attempt first waited without a worker.
    pub since: Option<Timestamp>,
    /// What is due at `retry_at` is the end of the attempt.
    pub times_out: bool,
    pub lost_executions: u32,
    pub suspect: bool,
    pub has_value: bool,
}
