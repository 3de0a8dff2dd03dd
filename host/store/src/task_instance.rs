//! Task instances: what the scheduler commits of them, what a machine needs to start again, and what people look at.
//!
//! The rows of a commit are applied kind by kind, in the order of [`RunCommit`](crate::RunCommit)'s fields.

use std::sync::Arc;

use jiff::Timestamp;
use model::outcome::{Answer, ResourcesUsed};
use model::{
    DagId, EndKind, Fence, InstanceKey, MapIndex, NodeIdx, RunId, RunKey, ScopeIdx, TaskId, TaskState, TenantScope,
    TryNumber, VersionKey, WorkerId,
};

use crate::NamedValue;
use crate::task_queue::Execution;

/// Rows to insert: one for an unmapped task (`first` is [`MapIndex::NONE`], `count` 1), a range for a mapped one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInstances {
    pub scope: TenantScope,
    pub run: RunKey,
    pub node: NodeIdx,
    pub first: MapIndex,
    pub count: u32,
    pub state: TaskState,
    /// 0 for a state before the first attempt, 1 for `scheduled`.
    pub try_number: TryNumber,
    pub max_tries: u32,
    /// When its wait is over, for an approval that does not wait for ever.
    pub retry_at: Option<Timestamp>,
    /// Why, for a row that begins in an ended state.
    pub reason: Option<Arc<str>>,
    pub at: Timestamp,
}

/// A mapped task whose length has become known, or has grown: the node's length is set and its row with map index −1 goes away,
/// where it has one (for a length of 0 it stays; a [`Transition`] moves it on). Rows follow as [`NewInstances`], perhaps over several commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expansion {
    pub scope: TenantScope,
    pub run: RunKey,
    pub node: NodeIdx,
    pub length: u32,
}

/// Contexts of a level of mapping that one expansion made. Those of mapped tasks outside mapped groups follow from their lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockRow {
    /// The level.
    pub level: ScopeIdx,
    /// The context around them.
    pub parent: u32,
    /// The lowest ordinal, by which the level knows the block.
    pub first: u32,
    /// Items; none for a placeholder.
    pub length: u32,
    /// Position of the first item.
    pub offset: u32,
    /// Items that are still there.
    pub live: u32,
}

/// A block to write: a new one, or what has become of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewBlock {
    pub scope: TenantScope,
    pub run: RunKey,
    pub block: BlockRow,
}

/// What the success of an instance said, as far as a machine needs it to start again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRow {
    pub node: NodeIdx,
    pub map_index: MapIndex,
    pub answer: Answer,
}

/// An answer to write, in the place of an older one of the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAnswer {
    pub scope: TenantScope,
    pub run: RunKey,
    pub answer: AnswerRow,
}

/// An execution that ends because its instance does, or is cleared or marked: its row in the history says that it was cancelled, and
/// its report is stale. Another decision of the same commit gives the instance its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancelled {
    pub scope: TenantScope,
    pub instance: InstanceKey,
    pub fence: Fence,
    /// Why, for people.
    pub message: Arc<str>,
    pub at: Timestamp,
}

/// Instances that wait again, whatever state they have: their values, answers and waits are gone, and their tries count from those
/// that they have had. Their attempts stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    pub scope: TenantScope,
    pub run: RunKey,
    pub node: NodeIdx,
    /// Inclusive; both [`MapIndex::NONE`] for an unmapped instance.
    pub first: MapIndex,
    pub last: MapIndex,
    /// Task state stays.
    pub keeps_state: bool,
}

/// Values of an instance that succeeds without an execution: the answers to an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewValues {
    pub scope: TenantScope,
    pub instance: InstanceKey,
    pub values: Vec<NamedValue>,
    pub at: Timestamp,
}

/// A change of state without an execution: marked by a trigger rule, scheduled, scheduled again; or marked by hand. Instances that become
/// [`TaskState::Removed`] lose their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    pub scope: TenantScope,
    pub run: RunKey,
    pub node: NodeIdx,
    /// Inclusive; both [`MapIndex::NONE`] for an unmapped instance.
    pub first: MapIndex,
    pub last: MapIndex,
    pub to: TaskState,
    /// `None` leaves it.
    pub try_number: Option<TryNumber>,
    /// When its wait is over; `None` clears it.
    pub retry_at: Option<Timestamp>,
    /// Why, for people; `None` clears it.
    pub reason: Option<Arc<str>>,
    pub at: Timestamp,
}

/// The states from which [`RunCommit::transitions`](crate::RunCommit) lead to a state, each between spaces: for statements to look in.
pub fn states_before(to: TaskState) -> String {
    let before = TaskState::ALL.iter().filter(|from| **from != TaskState::Running && from.may_become(to));
    before.fold(" ".to_owned(), |text, from| text + from.as_str() + " ")
}

/// The end of an execution under its fence. Writes the attempt's row, the instance's next state and, when that is
/// [`TaskState::Success`], the values.
#[derive(Debug, Clone)]
pub struct Ended {
    pub scope: TenantScope,
    pub instance: InstanceKey,
    pub try_number: TryNumber,
    pub fence: Fence,
    pub execution: Execution,
    /// Success, Skipped, Failed, UpForRetry, UpForReschedule, Deferred; Scheduled after a lost host.
    pub to: TaskState,
    /// When its wait is over; what is deferred may have none.
    pub retry_at: Option<Timestamp>,
    /// When the attempt first waited without a worker.
    pub since: Option<Timestamp>,
    /// What is due at `retry_at` is the end of the attempt.
    pub times_out: bool,
    /// Why the instance has this state, where the end of the execution does not say it.
    pub reason: Option<Arc<str>>,
    /// Executions of this attempt that were lost so far.
    pub lost_executions: u32,
    pub suspect: bool,
    pub xcoms: Vec<NamedValue>,
    pub has_value: bool,
    pub list_length: Option<u32>,
}

/// A claim to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceClaim {
    pub scope: TenantScope,
    pub instance: InstanceKey,
    pub worker: WorkerId,
    pub at: Timestamp,
}

/// An instance, as short as a machine needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceSnapshot {
    pub node: NodeIdx,
    pub map_index: MapIndex,
    pub state: TaskState,
    pub try_number: TryNumber,
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
    /// When the current execution was claimed.
    pub started_at: Option<Timestamp>,
}

/// An instance, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceRow {
    pub key: InstanceKey,
    pub dag_id: DagId,
    pub run_id: RunId,
    pub task_id: TaskId,
    pub state: TaskState,
    pub reason: Option<String>,
    pub try_number: TryNumber,
    pub max_tries: u32,
    /// The task's length, when it is mapped and expanded.
    pub map_length: Option<u32>,
    pub version: VersionKey,
    pub version_number: u32,
    pub worker: Option<WorkerId>,
    pub run_after: Timestamp,
    pub logical_date: Option<Timestamp>,
    pub scheduled_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub retry_at: Option<Timestamp>,
}

/// One execution of one attempt that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRow {
    pub instance: InstanceKey,
    pub try_number: TryNumber,
    pub fence: Fence,
    pub version: VersionKey,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub end: EndKind,
    pub message: Option<String>,
    pub used: ResourcesUsed,
}

/// Which instances. Empty lists do not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceFilter {
    pub dag_id: Option<DagId>,
    pub run: Option<RunKey>,
    pub task_ids: Vec<TaskId>,
    pub states: Vec<TaskState>,
    pub map_indexes: Vec<MapIndex>,
    /// Mapped instances only, or summary and unmapped ones only.
    pub mapped: Option<bool>,
    pub try_numbers: Vec<TryNumber>,
    /// Inclusive lower and upper bounds.
    pub started_at: (Option<Timestamp>, Option<Timestamp>),
    pub ended_at: (Option<Timestamp>, Option<Timestamp>),
    /// From start to end, in microseconds.
    pub duration_us: (Option<i64>, Option<i64>),
    /// Of their runs.
    pub of_runs: OfRuns,
    pub descending: bool,
    /// What follows this instance.
    pub after: Option<InstanceKey>,
}

/// Which instances, by their runs. What is `None` does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfRuns {
    pub version_number: Option<u32>,
    /// One of these DAGs, and of these runs; empty lists do not filter.
    pub dag_ids: Vec<DagId>,
    pub run_ids: Vec<RunId>,
    /// SQL `LIKE` patterns over ids.
    pub dag_id_pattern: Option<String>,
    pub run_id_pattern: Option<String>,
    /// Inclusive lower and upper bounds.
    pub run_after: (Option<Timestamp>, Option<Timestamp>),
    pub logical_date: (Option<Timestamp>, Option<Timestamp>),
}
