//! What people ask of a run that is there: to clear or mark instances of it, to end it, or to say why something does not run. [`crate::Scheduler`] takes it; each is one transaction, together with who asked and why.

use jiff::Timestamp;
use model::limits::task::APPROVAL_SIGNAL_PREFIX;
use model::{MapIndex, NodeIdx, PoolName, RunState, TaskId, TaskState, VersionKey};
use plan::Explanation;
use store::StoreError;

use crate::version::VersionError;

mod asked;
mod planned;
mod transfer;
mod why;

pub(crate) use asked::Asked;
pub(crate) use planned::Planned;
pub(crate) use transfer::Transfer;
pub(crate) use why::{explained, lost_executions};

/// Who asks for something, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    pub name: String,
    pub why: Option<String>,
}

/// Instances of one run, by the names that people know. Past and future runs are for the caller to name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Instances {
    /// All tasks where there is none.
    pub tasks: Vec<TaskId>,
    /// Of those tasks; all instances where there is none.
    pub map_indexes: Vec<MapIndex>,
    /// And everything upstream.
    pub upstream: bool,
    /// And everything downstream: inside a common mapped group the matching instances, outside all of them.
    pub downstream: bool,
    pub only_failed: bool,
    pub only_running: bool,
}

/// A clear: the instances wait again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clear {
    pub instances: Instances,
    /// The version that the run has from now on; `None` leaves its own. Where it has other tasks, the run loses those that are gone and
    /// gets those that are new.
    pub version: Option<VersionKey>,
    /// The state that the instances have kept stays.
    pub keeps_state: bool,
}

/// Instances get a state by hand: success, failed or skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub instances: Instances,
    pub to: TaskState,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Clear(Clear),
    Mark(Mark),
    /// Everything that has no other end gets this one, success or failed: for success all instances, for failed what runs; what waits
    /// is skipped. Teardowns then have their turn.
    MarkRun(RunState),
    /// The run fails: what runs is cancelled, what waits is skipped, and teardowns have their turn. A run that fails already, and is only
    /// undone, ends at once.
    Cancel,
}

impl Act {
    /// What it is called in the log of events.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Clear(_) => "clear",
            Self::Mark(_) => "mark",
            Self::MarkRun(_) => "mark_run",
            Self::Cancel => "cancel",
        }
    }
}

/// What changes, or would: ranges of instances, by task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The version that the run has afterwards.
    pub version: VersionKey,
    /// The state that the run comes to: at once, unless teardowns have their turn before.
    pub state: RunState,
    pub instances: Vec<Change>,
}

impl Changes {
    /// How many instances.
    pub fn count(&self) -> u64 {
        self.instances.iter().map(|change| u64::from(change.count())).sum()
    }
}

/// Instances of a task, `first..=last`; both [`MapIndex::NONE`] for one without a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub node: NodeIdx,
    pub task_id: TaskId,
    pub first: MapIndex,
    pub last: MapIndex,
    /// [`TaskState::None`] for what waits again, or is new.
    pub to: TaskState,
}

impl Change {
    /// How many instances.
    pub fn count(&self) -> u32 {
        match (self.first.position(), self.last.position()) {
            (Some(first), Some(last)) => last - first + 1,
            _ => 1,
        }
    }
}

/// The name of the signal that an approval waits for; its payload is the instance's value.
pub fn approval_signal(task_id: &TaskId, map_index: MapIndex) -> String {
    match map_index.position() {
        None => format!("{APPROVAL_SIGNAL_PREFIX}{task_id}"),
        Some(position) => format!("{APPROVAL_SIGNAL_PREFIX}{task_id}[{position}]"),
    }
}

/// Why an instance does not run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    pub task_id: TaskId,
    pub map_index: MapIndex,
    /// As its run knows it; `None` for a run that has not begun.
    pub instance: Option<Explanation>,
    /// What the run does not know, each a reason of its own.
    pub beyond: Vec<Beyond>,
}

/// What keeps an instance from running and is not of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beyond {
    /// The run waits until it may begin.
    RunQueued { run_after: Timestamp },
    /// It takes more slots of its pool than are free.
    Pool { pool: PoolName, slots: u32, taken: u32, wanted: u32 },
    /// There is no such pool.
    NoPool { pool: PoolName },
    /// Instances of the task over all runs of the DAG.
    TaskOverRuns { running: u32, cap: u32 },
    /// Instances of the tenant.
    Tenant { running: u32, cap: u32 },
    /// No worker is there, or none that was heard of lately.
    NoWorker,
    /// All slots are taken.
    NoSlot { slots: u32 },
    /// The server is stopping.
    Draining,
    /// Executions of this attempt were lost; one that was running when its runner died runs alone.
    LostExecutions { lost: u32, suspect: bool },
}

/// Why nothing was done. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ControlError {
    #[error("there is no such run")]
    UnknownRun,
    #[error("the version of the run has no task {0:?}")]
    UnknownTask(TaskId),
    #[error("task {task_id:?} has no instance {map_index}")]
    UnknownInstance { task_id: String, map_index: MapIndex },
    #[error("version {number} has other tasks than the run: {detail}")]
    OtherTasks { version: VersionKey, number: u32, detail: String },
    /// Not every state can be given by hand.
    #[error("an instance cannot be marked {0}; it can be marked success, failed or skipped")]
    NotMarkable(TaskState),
    #[error("a run cannot be marked {0}; it can be marked success or failed")]
    RunNotMarkable(RunState),
    /// The run has ended already.
    #[error("the run has ended already, with {0}")]
    Ended(RunState),
    /// It has no instances yet.
    #[error("the run has not begun; it may not before {run_after}")]
    NotBegun { run_after: Timestamp },
    /// Too many runs are unfinished; try again later.
    #[error("{active} runs are unfinished, at most {max} may be; try again later")]
    Overloaded { active: usize, max: usize },
    /// Another process decides about this tenant's runs.
    #[error("another process decides about the runs of this tenant")]
    NotOwner,
    /// Somebody else changed the run meanwhile; ask again.
    #[error("the run was changed meanwhile; ask again")]
    Overtaken,
    /// The server is stopping.
    #[error("the server is stopping; try again when it is back")]
    Stopping,
    #[error(transparent)]
    Length(#[from] plan::LengthError),
    #[error(transparent)]
    Version(#[from] VersionError),
    #[error(transparent)]
    Store(#[from] StoreError),
}
