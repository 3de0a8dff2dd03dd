//! What is to be cleared or marked, and what that comes to.

use model::{MapIndex, NodeIdx};

/// Instances that somebody names. Which runs are meant, past and future ones too, is for the caller to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// All tasks where there is none.
    pub tasks: Vec<NodeIdx>,
    /// Of those tasks; all instances where there is none.
    pub map_indexes: Vec<MapIndex>,
    /// And everything upstream.
    pub upstream: bool,
    /// And everything downstream: inside a common mapped group the matching instances, outside all of them.
    pub downstream: bool,
    pub only_failed: bool,
    pub only_running: bool,
}

/// Instances of a task, `first..=last`; both [`MapIndex::NONE`] for a row without a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selected {
    pub node: NodeIdx,
    pub first: MapIndex,
    pub last: MapIndex,
}

/// What marking comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marking {
    /// Instances that get the state.
    pub marked: Vec<Selected>,
    /// Instances downstream that could not run for a failure, and may now.
    pub cleared: Vec<Selected>,
}

/// What somebody wants a whole run to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Everything but teardowns has succeeded; those then have their turn.
    Success,
    /// It fails: what runs has failed and what waits is skipped, but for teardowns, which have their turn.
    Failed,
    /// As failed, and teardowns end too.
    Stopped,
}

/// Why nothing can be selected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    #[error("the DAG has no task number {}", .0.0)]
    UnknownTask(NodeIdx),
    #[error("task {task_id:?} has no instance {map_index}")]
    UnknownInstance { task_id: String, map_index: MapIndex },
}
