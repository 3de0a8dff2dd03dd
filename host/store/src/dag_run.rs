//! Runs and their task instances: what the scheduler commits, what it needs to start again, and what people look at.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{
    BackfillId, BundleName, DagId, Digest, Fence, InstanceKey, MapIndex, NodeIdx, RunId, RunKey, RunState, RunType,
    SignalId, TaskId, TaskState, TenantScope, TryNumber, VersionKey,
};

use crate::{
    AnswerRow, AttemptRow, BlockRow, Cancelled, Ended, Expansion, InstanceClaim, InstanceFilter, InstanceRow,
    InstanceSnapshot, NewAnswer, NewAssetEvent, NewBlock, NewEventLog, NewInstances, NewValues, NewWait, Page,
    PageRequest, Reset, StoreError, Transition,
};

/// The instance that triggered a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunParent {
    pub instance: InstanceKey,
    /// How many runs stand above: 1 for a run that a run without a parent triggered.
    pub depth: u32,
}

/// What makes a request to trigger a run one that can be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Unique among the runs of the DAG, as long as the run is kept.
    pub key: Arc<str>,
    /// Of the whole request.
    pub digest: Digest,
}

/// A run to make, with its tasks. Its instances follow as [`NewInstances`] of the same commit.
#[derive(Debug, Clone)]
pub struct NewRun {
    pub scope: TenantScope,
    pub key: RunKey,
    pub dag_id: DagId,
    /// Unique within the DAG.
    pub run_id: RunId,
    pub version: VersionKey,
    pub run_type: RunType,
    pub state: RunState,
    pub conf: Arc<str>,
    pub params: Arc<str>,
    pub note: Option<String>,
    pub triggered_by: String,
    /// Unique within the DAG, where there is one.
    pub logical_date: Option<Timestamp>,
    pub data_interval: Option<(Timestamp, Timestamp)>,
    pub run_after: Timestamp,
    pub queued_at: Timestamp,
    /// It is the newest scheduled one of its DAG, or nobody scheduled it. Stays as it is, whatever runs follow.
    pub is_latest: bool,
    /// JSON object of the variables that its tasks are mapped over, as they were when it was made.
    pub variables: Arc<str>,
    pub parent: Option<RunParent>,
    /// Whose run it is.
    pub backfill: Option<BackfillId>,
    pub idempotency: Option<IdempotencyKey>,
    /// When the state is [`RunState::Running`] from the first row.
    pub started_at: Option<Timestamp>,
    pub nodes: Vec<NewNode>,
}

/// A task of a new run.
#[derive(Debug, Clone)]
pub struct NewNode {
    pub node: NodeIdx,
    pub task_id: TaskId,
    /// Instances, when the task is mapped and its lists are known already.
    pub map_length: Option<u32>,
}

/// A change of a run's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStateChange {
    pub scope: TenantScope,
    pub run: RunKey,
    pub to: RunState,
    /// Why, for people.
    pub reason: Option<Arc<str>>,
    pub at: Timestamp,
}

/// A run that somebody cleared or marked by hand: it is running, its timeout counts from now if it had ended, and it counts as cleared
/// once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reopened {
    pub scope: TenantScope,
    pub run: RunKey,
    /// The version that it has from now on; `None` leaves it. It has the same tasks in the same order.
    pub version: Option<VersionKey>,
    pub at: Timestamp,
}

/// Everything that happened since the last commit, of all runs; one transaction. Applied in the order of the fields, and
/// within a field in order. So what a run decided before somebody cleared or marked it goes into a commit before the one that has
/// the clear or the mark.
#[derive(Debug, Clone, Default)]
pub struct RunCommit {
    pub runs: Vec<NewRun>,
    /// Ends of executions: compare-and-set on (`running`, fence).
    pub ended: Vec<Ended>,
    /// Compare-and-set on the fence: what neither runs nor is queued under it is counted as lost.
    pub cancelled: Vec<Cancelled>,
    pub reopened: Vec<Reopened>,
    /// From any state.
    pub resets: Vec<Reset>,
    /// States that somebody gives by hand, from any state. What is no success any more loses its values and answers.
    pub marks: Vec<Transition>,
    pub expansions: Vec<Expansion>,
    pub blocks: Vec<NewBlock>,
    pub instances: Vec<NewInstances>,
    /// Compare-and-set: rows whose state may not become the target state ([`TaskState::may_become`]), or that run, are left alone and
    /// counted as lost.
    pub transitions: Vec<Transition>,
    pub values: Vec<NewValues>,
    pub answers: Vec<NewAnswer>,
    /// Waits that begin; each takes the place of an older one of the instance.
    pub waits: Vec<NewWait>,
    /// Instances that wait for nothing any more. One that did not wait is no error.
    pub woken: Vec<(TenantScope, InstanceKey)>,
    /// Signals that instances take; each is theirs from then on. One that is taken already is counted as lost.
    pub signals: Vec<TakenSignal>,
    /// Instances that local slots take: compare-and-set on `scheduled`, to `running` under `fence`.
    pub claims: Vec<InstanceClaim>,
    /// Fence of all claims of this commit.
    pub fence: Option<Fence>,
    pub run_states: Vec<RunStateChange>,
    /// Events of assets that the successes among `ended` tell of.
    pub asset_events: Vec<NewAssetEvent>,
    /// What somebody did, for people.
    pub logs: Vec<NewEventLog>,
}

/// A signal that an instance takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenSignal {
    pub scope: TenantScope,
    pub signal: SignalId,
    pub instance: InstanceKey,
}

/// What a commit did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunCommitted {
    /// New runs of which nothing was written, because the DAG has a run already that they may not stand beside.
    pub duplicate_runs: Vec<DuplicateRun>,
}

/// A new run that was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateRun {
    pub run: RunKey,
    pub kind: DuplicateKind,
    /// The run that is there.
    pub existing: RunId,
}

impl NewRun {
    /// What this run shares with another one that it may not.
    pub fn in_the_way(&self, other: &Self) -> Option<DuplicateKind> {
        let is_of_dag = (self.scope, &self.dag_id) == (other.scope, &other.dag_id);
        let is_same_request = match (&self.idempotency, &other.idempotency) {
            (Some(request), Some(before)) => request.key == before.key,
            _ => false,
        };
        if is_of_dag && is_same_request {
            Some(DuplicateKind::IdempotencyKey)
        } else if (is_of_dag && self.run_id == other.run_id) || (self.scope, self.key) == (other.scope, other.key) {
            Some(DuplicateKind::RunId)
        } else if is_of_dag && self.logical_date.is_some() && self.logical_date == other.logical_date {
            Some(DuplicateKind::LogicalDate)
        } else {
            None
        }
    }
}

impl DuplicateRun {
    /// As an error of a method that makes this run alone.
    pub fn conflict(&self) -> StoreError {
        let what = match self.kind {
            DuplicateKind::RunId => "run",
            DuplicateKind::LogicalDate => "run with this logical date,",
            DuplicateKind::IdempotencyKey => "run of this idempotency key,",
        };
        StoreError::Conflict { what, name: self.existing.to_string(), why: "exists already" }
    }
}

/// What two runs of a DAG may not share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DuplicateKind {
    RunId,
    LogicalDate,
    IdempotencyKey,
}

/// Why a commit did nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// Rows of these runs were not as the commit expected: somebody else changed them. Nothing was written; drop what is
    /// known about these runs, read them again, and commit the rest.
    #[error("rows of {} runs were changed by somebody else", .0.len())]
    Overtaken(Vec<RunKey>),
    /// The database failed; nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a run's machine needs to start again, or to be asked about a run that has ended.
#[derive(Debug, Clone)]
pub struct RunSnapshot {
    pub run: RunRow,
    pub nodes: Vec<NodeRow>,
    /// By node, then map index.
    pub instances: Vec<InstanceSnapshot>,
    /// By level, then `first`.
    pub blocks: Vec<BlockRow>,
    /// By node, then map index.
    pub answers: Vec<AnswerRow>,
    /// Highest try number of each instance in the attempts' rows, for instances that have no row now (their task was
    /// cleared before it was expanded again).
    pub prior_tries: Vec<(NodeIdx, MapIndex, TryNumber)>,
}

/// A task of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    pub node: NodeIdx,
    pub task_id: TaskId,
    /// Instances, once a mapped task is expanded.
    pub map_length: Option<u32>,
    /// Length of the list that an unmapped task returned.
    pub list_length: Option<u32>,
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    pub scope: TenantScope,
    pub key: RunKey,
    pub dag_id: DagId,
    pub run_id: RunId,
    pub version: VersionKey,
    pub version_number: u32,
    pub bundle: BundleName,
    pub run_type: RunType,
    pub state: RunState,
    pub reason: Option<String>,
    pub conf: Arc<str>,
    pub params: Arc<str>,
    pub note: Option<String>,
    pub triggered_by: String,
    pub logical_date: Option<Timestamp>,
    pub data_interval: Option<(Timestamp, Timestamp)>,
    pub run_after: Timestamp,
    pub queued_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// How often the run was cleared.
    pub clears: u32,
    /// It was the newest scheduled one of its DAG when it was made, or nobody scheduled it.
    pub is_latest: bool,
    /// JSON object of the variables that its tasks are mapped over.
    pub variables: Arc<str>,
    pub parent: Option<RunParent>,
    pub backfill: Option<BackfillId>,
}

/// The run before another one of its DAG, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunBefore {
    pub key: RunKey,
    pub run_id: RunId,
    pub state: RunState,
    /// All of its tasks, by node.
    pub tasks: Vec<TaskBefore>,
}

/// A task of the run before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskBefore {
    pub task_id: TaskId,
    /// It has instances, and all of them have ended as success or skipped, or are no longer part of the run.
    pub is_met: bool,
}

/// A run that a request made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedRun {
    pub run: RunKey,
    pub run_id: RunId,
    /// Of the request.
    pub digest: Digest,
}

/// Which runs. Empty lists do not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    pub dag_id: Option<DagId>,
    pub states: Vec<RunState>,
    pub run_types: Vec<RunType>,
    /// SQL `LIKE` pattern over the run id.
    pub run_id_pattern: Option<String>,
    /// The same over the id of the DAG.
    pub dag_id_pattern: Option<String>,
    /// A text that stands in the conf as it was sent.
    pub conf_contains: Option<String>,
    pub version_number: Option<u32>,
    /// Inclusive lower and upper bounds.
    pub run_after: (Option<Timestamp>, Option<Timestamp>),
    pub started_at: (Option<Timestamp>, Option<Timestamp>),
    pub ended_at: (Option<Timestamp>, Option<Timestamp>),
    pub logical_date: (Option<Timestamp>, Option<Timestamp>),
    /// From start to end, in microseconds.
    pub duration_us: (Option<i64>, Option<i64>),
    pub order: RunOrder,
    pub descending: bool,
    /// What follows this run, in the order of keys.
    pub after: Option<RunKey>,
}

/// By what runs are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunOrder {
    /// The order in which they were made.
    #[default]
    Key,
    RunAfter,
    StartedAt,
    EndedAt,
    LogicalDate,
    RunId,
    State,
}

/// Runs, for the scheduler that owns them.
#[async_trait]
pub trait RunStore: Send + Sync {
    /// Applies everything in one transaction, or nothing.
    async fn commit(&self, commit: RunCommit) -> Result<RunCommitted, CommitError>;

    /// Raises the cluster epoch and gives the new one, so that every fence of before is stale.
    async fn epoch_advance(&self) -> Result<u32, StoreError>;

    /// Tenants that have unfinished runs.
    async fn tenants_with_work(&self) -> Result<Vec<TenantScope>, StoreError>;

    /// Unfinished runs of a tenant, oldest first, after `after`.
    async fn runs_unfinished(
        &self,
        scope: TenantScope,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunKey>, StoreError>;

    /// Everything about one run, ended or not.
    async fn run_snapshot(&self, scope: TenantScope, run: RunKey) -> Result<Option<RunSnapshot>, StoreError>;

    /// The run before a run of the same DAG: by logical date where it has one, else by the time after which it may run. Runs of
    /// backfills count for runs of the same backfill only. `None` for the first run.
    async fn run_before(&self, scope: TenantScope, run: RunKey) -> Result<Option<RunBefore>, StoreError>;
}

/// Runs, for people.
#[async_trait]
pub trait RunReader: Send + Sync {
    /// One run.
    async fn run_fetch(&self, scope: TenantScope, dag_id: &DagId, run_id: &RunId)
    -> Result<Option<RunRow>, StoreError>;

    /// The run that a request with this idempotency key made.
    async fn run_of_request(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        key: &str,
    ) -> Result<Option<RequestedRun>, StoreError>;

    /// Runs.
    async fn run_list(
        &self,
        scope: TenantScope,
        filter: &RunFilter,
        page: PageRequest,
    ) -> Result<Page<RunRow>, StoreError>;

    /// Tasks of a run.
    async fn node_list(&self, scope: TenantScope, run: RunKey) -> Result<Vec<NodeRow>, StoreError>;

    /// Instances.
    async fn instance_list(
        &self,
        scope: TenantScope,
        filter: &InstanceFilter,
        page: PageRequest,
    ) -> Result<Page<InstanceRow>, StoreError>;

    /// Counts of a run's instances by task and state.
    async fn instance_counts(
        &self,
        scope: TenantScope,
        run: RunKey,
    ) -> Result<Vec<(NodeIdx, TaskState, u64)>, StoreError>;

    /// Executions of an instance, oldest first.
    async fn attempt_list(&self, scope: TenantScope, instance: InstanceKey) -> Result<Vec<AttemptRow>, StoreError>;
}
