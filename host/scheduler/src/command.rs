//! What the loop is asked to do.

use std::sync::Arc;

use jiff::Timestamp;
use model::{BackfillId, MapIndex, RunId, RunKey, RunType, ShardId, TaskId, TenantScope, WorkerId};
use plan::Lengths;
use store::{
    EventRow, IdempotencyKey, NewEventLog, Ownership, Report, RunParent, StoreError, WorkOrder, WorkerRegistration,
};
use tokio::sync::{mpsc, oneshot};

use crate::by_hand::{Act, Asker, Changes, ControlError, Explained};
use crate::given::Given;
use crate::recovery::Recovered;
use crate::version::Version;

/// A run to start.
#[derive(Debug, Clone)]
pub struct NewTrigger {
    /// Chosen by the caller, who may watch the run before it exists.
    pub key: RunKey,
    pub run_id: RunId,
    pub version: Arc<Version>,
    pub run_type: RunType,
    /// JSON object as the caller sent it.
    pub conf: Arc<str>,
    /// JSON object, defaults filled in and checked.
    pub params: Arc<str>,
    pub note: Option<String>,
    pub triggered_by: String,
    pub logical_date: Option<Timestamp>,
    pub data_interval: Option<(Timestamp, Timestamp)>,
    pub run_after: Timestamp,
    /// It is the newest scheduled one of its DAG, or nobody scheduled it.
    pub is_latest: bool,
    /// The instance that triggers it.
    pub parent: Option<RunParent>,
    pub backfill: Option<BackfillId>,
    pub idempotency: Option<IdempotencyKey>,
    /// What is noted about whoever asks for it.
    pub log: Option<NewEventLog>,
}

/// Why a run did not start. Nothing of it was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TriggerError {
    /// The DAG has a run with this id.
    #[error("the DAG has a run {:?} already; choose another run id or leave it out", .0.as_str())]
    Duplicate(RunId),
    /// It has a run of this logical date.
    #[error("the DAG has a run of this logical date already: {:?}; choose another date or leave it out", .0.as_str())]
    DuplicateDate(RunId),
    /// This request was made before.
    #[error("this request has made the run {:?} already", .0.as_str())]
    DuplicateRequest(RunId),
    /// Runs trigger runs that trigger runs.
    #[error("runs are triggered by runs {depth} deep, at most {max} may be")]
    TooDeep { depth: u32, max: u32 },
    /// Something that a task maps over is no list.
    #[error(transparent)]
    Length(#[from] plan::LengthError),
    /// Too many runs are unfinished; try again later.
    #[error("{active} runs are unfinished, at most {max} may be; try again later")]
    Overloaded { active: usize, max: usize },
    /// Another process decides about this tenant's runs.
    #[error("another process decides about the runs of this tenant")]
    NotOwner,
    /// The server is stopping.
    #[error("the server is stopping; try again when it is back")]
    Stopping,
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(crate) type Reply<T, E> = oneshot::Sender<Result<T, E>>;

pub(crate) enum Command {
    Trigger {
        trigger: Box<NewTrigger>,
        given: Given,
        lengths: Lengths,
        reply: Reply<(), TriggerError>,
    },
    Act {
        scope: TenantScope,
        run: RunKey,
        act: Act,
        asker: Asker,
        is_dry_run: bool,
        reply: Reply<Changes, ControlError>,
    },
    /// Pools may have changed, and events of assets come.
    Poked,
    /// Something may be there that instances of this run wait for.
    Met {
        scope: TenantScope,
        run: RunKey,
    },
    Explain {
        scope: TenantScope,
        run: RunKey,
        task_id: TaskId,
        map_index: MapIndex,
        reply: Reply<Explained, ControlError>,
    },
    /// An unfinished run of before the start, or of a shard that was taken under this epoch.
    Recovered {
        recovered: Recovered,
        epoch: u32,
    },
    /// All runs of one reading were sent.
    ReadingEnded,
    Register {
        registration: WorkerRegistration,
        orders: mpsc::UnboundedSender<WorkOrder>,
    },
    /// The answer holds the reports of runs that another process owns.
    Report {
        worker: WorkerId,
        reports: Vec<Report>,
        reply: Reply<Vec<Report>, StoreError>,
    },
    Heartbeat {
        worker: WorkerId,
    },
    /// The worker wants slots for what is offered to everybody, or for callbacks; the answer, once there are any, says how many it has.
    Reserve {
        worker: WorkerId,
        most: u32,
        reply: oneshot::Sender<u32>,
    },
    /// It needs so many of them no more.
    Unreserve {
        worker: WorkerId,
        slots: u32,
    },
    /// The lease was renewed; all workers of the cluster have so many slots.
    Beat {
        slots: u32,
    },
    /// These shards are this process's; the answer comes when the loop decides about them.
    Own {
        ownership: Ownership,
        shards: Vec<ShardId>,
        reply: oneshot::Sender<()>,
    },
    /// These are not any more.
    Depose {
        shards: Vec<ShardId>,
    },
    /// Give these up.
    Release {
        shards: Vec<ShardId>,
        reply: oneshot::Sender<()>,
    },
    /// What waits for the owner of shards; the answer is true when all of it is dealt with.
    Events {
        events: Vec<EventRow>,
        reply: oneshot::Sender<bool>,
    },
    /// Give out no more work and tell the workers.
    Drain,
    /// Return as soon as nothing is held or `now` is set.
    Stop {
        reply: oneshot::Sender<()>,
    },
}
