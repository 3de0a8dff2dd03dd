//! Runs and their task instances: what the scheduler commits, what it needs to start again, and what people look at.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use model::outcome::ResourcesUsed;
use model::{
    BundleName, DagId, EndKind, Fence, InstanceKey, MapIndex, NodeIdx, RunId, RunKey, RunState, RunType, TaskId,
    TaskState, TenantScope, TryNumber, VersionKey, WorkerId,
};

use crate::task_queue::Execution;
use crate::{NamedValue, NewAssetEvent, Page, PageRequest, StoreError};

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
    pub logical_date: Option<Timestamp>,
    pub data_interval: Option<(Timestamp, Timestamp)>,
    pub run_after: Timestamp,
    pub queued_at: Timestamp,
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
    /// Why, for a row that begins in an ended state.
    pub reason: Option<Arc<str>>,
    pub at: Timestamp,
}

/// A mapped task whose length has become known: the node's length is set and its row with map index −1 goes away (for a length
/// of 0 it stays; a [`Transition`] moves it on). Rows follow as [`NewInstances`], perhaps over several commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expansion {
    pub scope: TenantScope,
    pub run: RunKey,
    pub node: NodeIdx,
    pub length: u32,
}

/// A change of state without an execution: marked by a trigger rule, scheduled, scheduled again.
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
    /// Why, for people; `None` clears it.
    pub reason: Option<Arc<str>>,
    pub at: Timestamp,
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
    /// Success, Skipped, Failed, UpForRetry; Scheduled after a lost host.
    pub to: TaskState,
    /// For [`TaskState::UpForRetry`].
    pub retry_at: Option<Timestamp>,
    /// Executions of this attempt that were lost so far.
    pub lost_executions: u32,
    pub suspect: bool,
    pub xcoms: Vec<NamedValue>,
    pub has_value: bool,
    pub list_length: Option<u32>,
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

/// Everything that happened since the last commit, of all runs; one transaction. Applied in the order of the fields, and
/// within a field in order.
#[derive(Debug, Clone, Default)]
pub struct RunCommit {
    pub runs: Vec<NewRun>,
    /// Ends of executions: compare-and-set on (`running`, fence).
    pub ended: Vec<Ended>,
    pub expansions: Vec<Expansion>,
    pub instances: Vec<NewInstances>,
    /// Compare-and-set: rows that are running or in the target state already are left alone and counted as lost.
    pub transitions: Vec<Transition>,
    /// Instances that local slots take: compare-and-set on `scheduled`, to `running` under `fence`.
    pub claims: Vec<InstanceClaim>,
    /// Fence of all claims of this commit.
    pub fence: Option<Fence>,
    pub run_states: Vec<RunStateChange>,
    /// Events of assets that the successes among `ended` tell of.
    pub asset_events: Vec<NewAssetEvent>,
}

/// A claim to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceClaim {
    pub scope: TenantScope,
    pub instance: InstanceKey,
    pub worker: WorkerId,
    pub at: Timestamp,
}

/// What a commit did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunCommitted {
    /// New runs whose run id the DAG has already; nothing of theirs was written.
    pub duplicate_runs: Vec<RunKey>,
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

/// What a run's machine needs to start again.
#[derive(Debug, Clone)]
pub struct RunSnapshot {
    pub run: RunRow,
    pub nodes: Vec<NodeRow>,
    /// By node, then map index.
    pub instances: Vec<InstanceSnapshot>,
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

/// An instance, as short as a machine needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceSnapshot {
    pub node: NodeIdx,
    pub map_index: MapIndex,
    pub state: TaskState,
    pub try_number: TryNumber,
    pub max_tries: u32,
    pub fence: Fence,
    pub retry_at: Option<Timestamp>,
    pub lost_executions: u32,
    pub suspect: bool,
    pub has_value: bool,
    /// When the current execution was claimed.
    pub started_at: Option<Timestamp>,
}

/// What a clear did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleared {
    pub instances: u64,
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

/// Which runs. Empty lists do not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    pub dag_id: Option<DagId>,
    pub states: Vec<RunState>,
    pub run_types: Vec<RunType>,
    /// SQL `LIKE` pattern over the run id.
    pub run_id_pattern: Option<String>,
    pub version_number: Option<u32>,
    /// Inclusive lower and upper bounds.
    pub run_after: (Option<Timestamp>, Option<Timestamp>),
    pub started_at: (Option<Timestamp>, Option<Timestamp>),
    pub ended_at: (Option<Timestamp>, Option<Timestamp>),
    pub logical_date: (Option<Timestamp>, Option<Timestamp>),
    pub order: RunOrder,
    pub descending: bool,
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
    pub descending: bool,
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

    /// Everything about one run.
    async fn run_snapshot(&self, scope: TenantScope, run: RunKey) -> Result<Option<RunSnapshot>, StoreError>;

    /// Clears a run in one transaction: the run is `running` again, its instances (all of them, or those that failed or
    /// could not run because of a failure or of the run's end) wait again, their values and state are gone; a mapped task that
    /// is cleared as a whole forgets its length. Attempts stay. A running instance loses its fence, and its execution's row
    /// says that it was cancelled.
    async fn run_clear(
        &self,
        scope: TenantScope,
        run: RunKey,
        only_failed: bool,
        now: Timestamp,
    ) -> Result<Cleared, StoreError>;
}

/// Runs, for people.
#[async_trait]
pub trait RunReader: Send + Sync {
    /// One run.
    async fn run_fetch(&self, scope: TenantScope, dag_id: &DagId, run_id: &RunId)
    -> Result<Option<RunRow>, StoreError>;

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
