//! Runs: those to make, what the scheduler needs to start them again, and what people look at.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{
    BackfillId, BundleName, DagId, Digest, InstanceKey, MapIndex, NodeIdx, RunId, RunKey, RunState, RunType, TaskId,
    TaskState, TenantScope, TryNumber, VersionKey,
};

use crate::{
    AnswerRow, AttemptRow, BlockRow, CommitError, InstanceFilter, InstanceRow, InstanceSnapshot, NewEventLog, Page,
    PageRequest, RunCommit, RunCommitted, StoreError,
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

/// A run to make, with its tasks. Its instances follow as [`crate::NewInstances`] of the same commit.
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
    /// What is noted about whoever made it.
    pub log: Option<NewEventLog>,
}

/// A task of a new run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNode {
    pub node: NodeIdx,
    pub task_id: TaskId,
    /// Instances, when the task is mapped and its lists are known already.
    pub map_length: Option<u32>,
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
    /// One of these DAGs.
    pub dag_ids: Vec<DagId>,
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
