//! Commits: everything that schedulers write about runs, in one transaction.

use std::sync::Arc;

use jiff::Timestamp;
use model::{Fence, InstanceKey, RunId, RunKey, RunState, SignalId, TenantScope, VersionKey};

use crate::{
    Cancelled, DeadlineMet, Ended, Expansion, InstanceClaim, NewAnswer, NewAssetEvent, NewBlock, NewCallback,
    NewEventLog, NewInstances, NewNode, NewRun, NewValues, NewWait, Reset, StoreError, Transition,
};

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
    /// The version that it has from now on; `None` leaves it.
    pub version: Option<VersionKey>,
    /// Tasks that the version has and the run had not, under numbers that are new. Where the version's levels of mapping are others
    /// too, blocks are written anew, and those of before go.
    pub tasks: Option<Vec<NewNode>>,
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
    /// Compare-and-set: rows whose state may not become the target state ([`TaskState::may_become`](model::TaskState::may_become)), or that run, are left alone and
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
    /// Deadlines that are not missed any more; before the callbacks that begin.
    pub deadlines_met: Vec<DeadlineMet>,
    /// What runs owe from now on.
    pub callbacks: Vec<NewCallback>,
    /// What somebody did, for people.
    pub logs: Vec<NewEventLog>,
}

impl RunCommit {
    /// What is noted about people, with what is noted about who made its runs.
    pub fn entries(&self) -> impl Iterator<Item = &NewEventLog> {
        self.runs.iter().filter_map(|run| run.log.as_ref()).chain(&self.logs)
    }
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
