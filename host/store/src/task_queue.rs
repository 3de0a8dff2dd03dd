//! What passes between a worker and whoever gives it work.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use model::outcome::{Answer, EmittedEvent, End, ResourcesUsed, Woken};
use model::{AttemptToken, Dag, DagId, Digest, Place, RunId, RunKey, TenantScope, VersionKey, WorkerId};

use crate::{NamedValue, StoreError, StoredValue};

/// A worker that offers its slots.
#[derive(Debug, Clone)]
pub struct WorkerRegistration {
    pub worker: WorkerId,
    /// Instances that it holds at a time.
    pub slots: u32,
}

/// What the instances of one run share.
#[derive(Debug)]
pub struct ClaimedRun {
    pub scope: TenantScope,
    pub key: RunKey,
    pub dag_id: DagId,
    pub run_id: RunId,
    pub version: VersionKey,
    pub component: Digest,
    pub dag: Arc<Dag>,
    /// JSON object as the caller sent it.
    pub conf: Arc<str>,
    /// JSON object, defaults filled in.
    pub params: Arc<str>,
    pub logical_date: Option<Timestamp>,
    pub data_interval: Option<(Timestamp, Timestamp)>,
    /// How often the run was cleared; what was read before a clear may not stand any more.
    pub clears: u32,
}

/// The right to run one execution. Its row says `running` under the token's fence already.
#[derive(Debug, Clone)]
pub struct Claim {
    pub run: Arc<ClaimedRun>,
    pub token: AttemptToken,
    /// Where the instance stands in what its task is mapped over.
    pub place: Place,
    /// It was running when its last runner died, so it must run alone.
    pub suspect: bool,
    pub claimed_at: Timestamp,
    /// What has woken the attempt last, where it was deferred.
    pub woken: Option<Arc<Woken>>,
    /// Not a body but `callbacks.notify` is called, with this JSON object: `callback` names the callback. The token's node may be
    /// none of the DAG; its report is that of a task without a value.
    pub notify: Option<Arc<str>>,
}

/// How one execution went; for the attempt's row.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub end: End,
    pub used: ResourcesUsed,
}

/// The end of one execution, as its worker saw it.
#[derive(Debug, Clone)]
pub struct Report {
    pub scope: TenantScope,
    pub token: AttemptToken,
    pub execution: Execution,
    /// Visible from the commit that makes the attempt a success; dropped if it does not.
    pub xcoms: Vec<NamedValue>,
    /// True when `return_value` is among them.
    pub has_value: bool,
    /// What a success says besides its value.
    pub answer: Answer,
    /// Events of its outlets, in the order in which the body told them; empty unless it is a success.
    pub asset_events: Vec<EmittedEvent>,
}

impl Report {
    /// Bytes of the values that go into rows with it; those in blobs are elsewhere.
    pub fn value_bytes(&self) -> usize {
        let bytes = self.xcoms.iter().map(|named| match &named.value {
            StoredValue::Inline(text) => text.len(),
            StoredValue::Blob { .. } => 0,
        });
        bytes.sum()
    }
}

/// What a worker is told.
#[derive(Debug, Clone)]
pub enum WorkOrder {
    /// Run these.
    Run(Vec<Claim>),
    /// End these; their reports change nothing any more.
    Cancel(Vec<AttemptToken>),
    /// Take no more; report what runs, then go.
    Drain,
}

/// Where a worker gets its work. One implementation gives out what the scheduler in the same process has just committed,
/// the other claims from a shared database.
#[async_trait]
pub trait TaskQueue: Send + Sync {
    /// Announces a worker and its slots.
    async fn worker_register(&self, registration: WorkerRegistration) -> Result<(), StoreError>;

    /// Waits for the next order. Never hands out more than the worker's free slots: a slot is taken by a claim and freed by
    /// its report. `None` when there will be no more.
    async fn next(&self, worker: WorkerId) -> Option<WorkOrder>;

    /// Reports ends; returns when they are durable. A report whose fence is stale changes nothing and is no error.
    async fn report(&self, worker: WorkerId, reports: Vec<Report>) -> Result<(), StoreError>;

    /// Keeps the leases of everything that the worker holds.
    async fn heartbeat(&self, worker: WorkerId) -> Result<(), StoreError>;
}
