//! What the database holds. Rows of a run stand together, so that a commit copies only the runs that it changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use clock::Sim;
use jiff::{SignedDuration, Timestamp};
use model::callback::CallbackState;
use model::limits::http::TOTAL_ENTRIES_MAX;
use model::outcome::Answer;
use model::{
    AttemptToken, BackfillId, DagId, Digest, EventLogId, Fence, InstanceKey, MapIndex, NodeIdx, RunId, RunKey,
    ScopeIdx, ServerId, ShardId, TaskState, TenantScope, TryNumber, WorkerId,
};
use store::{
    AttemptRow, BlockRow, CallbackRow, ConnectionRow, EventLogRow, IdempotencyKey, InstanceSnapshot, NewWait, NodeRow,
    Offer, Ownership, Page, PageRequest, PoolRow, RunCommit, RunRow, ScheduleState, SignalRow, StoreError, TokenRow,
    VariableRow, XcomRow,
};

use super::asset::Assets;
use super::backfill::Backfill;
use super::catalog::Bundles;
use super::cluster::Cluster;
use super::named::Named;

/// A database. Clones are connections to the same one.
#[derive(Debug, Clone)]
pub struct SimStore(Arc<Mutex<Tables>>);

impl SimStore {
    /// An empty database; its own clock goes as that one does, until it jumps.
    pub fn new(clock: Sim) -> Self {
        let tables = Tables {
            epoch: 0,
            bundles: Bundles::default(),
            runs: BTreeMap::new(),
            tokens: BTreeMap::new(),
            schedules: BTreeMap::new(),
            backfills: BTreeMap::new(),
            assets: Assets::default(),
            variables: Named::new(),
            connections: Named::new(),
            pools: Named::new(),
            logs: BTreeMap::new(),
            numbers: 0,
            cluster: Cluster::new(clock),
            history: Vec::new(),
        };
        Self(Arc::new(Mutex::new(tables)))
    }

    /// Every write that was taken, in order.
    pub fn history(&self) -> Vec<Accepted> {
        self.tables().history.clone()
    }

    /// Whether a claim under the token's fence, or a later one, was taken. A clear may have made other rows of what was claimed.
    pub(crate) fn was_claimed(&self, scope: TenantScope, token: AttemptToken) -> bool {
        let tables = self.tables();
        tables.runs.get(&(scope, token.instance.run)).is_some_and(|run| {
            if token.instance.node == NodeIdx::CALLBACK {
                return run.callback(token).is_some_and(|row| row.fence >= token.fence);
            }
            let row = run.instances.get(&(token.instance.node, token.instance.map_index));
            run.row.clears > 0 || row.is_some_and(|row| row.short.fence >= token.fence)
        })
    }

    /// Whether the database waits for the end of an execution from this worker. Where processes share it, what a server took is
    /// known; what the server claimed for itself may belong to others by now.
    pub(crate) fn is_unreported(&self, worker: WorkerId, scope: TenantScope, token: AttemptToken) -> bool {
        let tables = self.tables();
        if token.instance.node == NodeIdx::CALLBACK {
            let run = tables.runs.get(&(scope, token.instance.run));
            let row = run.and_then(|run| run.callback(token));
            return row.is_some_and(|row| (row.state, row.fence) == (CallbackState::Running, token.fence));
        }
        let is_shared = tables.cluster.is_used();
        if is_shared {
            let work = tables.cluster.work.get(&(scope, token.instance));
            return work.is_some_and(|work| {
                let is_here =
                    work.holder.is_some_and(|holder| holder.worker() == worker && !tables.cluster.is_gone(holder));
                work.fence == token.fence && is_here
            });
        }
        let run = tables.runs.get(&(scope, token.instance.run));
        run.is_some_and(|run| run.is_running(token.instance, token.try_number, token.fence))
    }

    /// The database's own clock jumps.
    pub fn jump(&self, by: SignedDuration) {
        self.tables().cluster.ahead += by;
    }

    /// Events that wait for owners, and executions that are offered or held.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let tables = self.tables();
        (tables.cluster.events.len(), tables.cluster.work.len())
    }

    /// The run with this key.
    pub(crate) fn run(&self, scope: TenantScope, run: RunKey) -> Option<RunRow> {
        self.tables().runs.get(&(scope, run)).map(|run| run.row.clone())
    }

    /// Runs that have not ended, of all tenants.
    pub(crate) fn unfinished(&self) -> Vec<RunId> {
        let tables = self.tables();
        let unfinished = tables.runs.values().filter(|run| !run.row.state.is_ended());
        unfinished.map(|run| run.row.run_id.clone()).collect()
    }

    pub(crate) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().expect("no panic while the lock is held")
    }
}

/// A write that was taken.
#[derive(Debug, Clone)]
pub enum Accepted {
    /// A commit, without what belonged to runs that existed already.
    Commit {
        commit: Arc<RunCommit>,
        /// Where processes share the database; `None` there for a run that somebody else made.
        owner: Option<Ownership>,
        offers: Vec<Offer>,
    },
    Epoch(u32),
    /// A server owns shards from now on.
    Owned {
        server: ServerId,
        epoch: u32,
        shards: Vec<ShardId>,
    },
    /// What a server owns it owns anew since an epoch: its commits of before come too late.
    Kept {
        server: ServerId,
        epoch: u32,
    },
    /// A server owns these no more.
    Released {
        server: ServerId,
        shards: Vec<ShardId>,
    },
    /// A server has left, or was evicted.
    Gone(ServerId),
    /// A worker has taken offers.
    Taken {
        server: ServerId,
        work: Vec<(TenantScope, AttemptToken)>,
    },
}

#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) epoch: u32,
    pub(crate) bundles: Bundles,
    pub(crate) runs: BTreeMap<(TenantScope, RunKey), Run>,
    pub(crate) tokens: BTreeMap<Digest, TokenRow>,
    pub(crate) schedules: BTreeMap<(TenantScope, DagId), ScheduleState>,
    pub(crate) backfills: BTreeMap<BackfillId, Backfill>,
    pub(crate) assets: Assets,
    pub(crate) variables: Named<String, VariableRow>,
    pub(crate) connections: Named<String, ConnectionRow>,
    pub(crate) pools: Named<String, PoolRow>,
    pub(crate) logs: BTreeMap<EventLogId, EventLogRow>,
    /// The number that was given last.
    numbers: i64,
    pub(crate) cluster: Cluster,
    pub(crate) history: Vec<Accepted>,
}

/// One run with everything of its.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) row: RunRow,
    /// Whether the result of an unfinished run is there, as its owner told.
    pub(crate) result: Option<bool>,
    pub(crate) nodes: BTreeMap<NodeIdx, NodeRow>,
    pub(crate) instances: BTreeMap<(NodeIdx, MapIndex), Instance>,
    pub(crate) attempts: BTreeMap<(NodeIdx, MapIndex, TryNumber, Fence), AttemptRow>,
    pub(crate) xcoms: BTreeMap<(NodeIdx, MapIndex, String), XcomRow>,
    pub(crate) states: BTreeMap<(NodeIdx, MapIndex, String), StateRow>,
    pub(crate) blocks: BTreeMap<(ScopeIdx, u32), BlockRow>,
    pub(crate) answers: BTreeMap<(NodeIdx, MapIndex), Answer>,
    pub(crate) waits: BTreeMap<(NodeIdx, MapIndex), NewWait>,
    /// In the order in which they came.
    pub(crate) signals: Vec<SignalRow>,
    pub(crate) callbacks: BTreeMap<u32, CallbackRow>,
    pub(crate) callbacks_left_out: u64,
    /// The request that made it.
    pub(crate) request: Option<IdempotencyKey>,
}

#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) short: InstanceSnapshot,
    /// Tries of before the last clear.
    pub(crate) tries_before: u32,
    pub(crate) reason: Option<String>,
    pub(crate) worker: Option<WorkerId>,
    pub(crate) scheduled_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(crate) struct StateRow {
    pub(crate) value: String,
    pub(crate) expires_at: Option<Timestamp>,
}

impl Tables {
    /// A number that no row has.
    pub(crate) fn next_number(&mut self) -> i64 {
        self.numbers += 1;
        self.numbers
    }

    /// Runs of a tenant, by key.
    pub(crate) fn runs_of(&self, scope: TenantScope) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |((of, _), _)| *of == scope).map(|(_, run)| run)
    }
}

impl Run {
    pub(crate) fn of_node<T>(rows: &BTreeMap<(NodeIdx, MapIndex), T>, node: NodeIdx) -> impl Iterator<Item = &T> {
        rows.range((node, MapIndex::NONE)..=(node, MapIndex::at(u32::MAX))).map(|(_, row)| row)
    }

    /// Whether the attempt's execution is the one that runs.
    pub(crate) fn is_running(&self, instance: InstanceKey, try_number: TryNumber, fence: Fence) -> bool {
        self.instances.get(&(instance.node, instance.map_index)).is_some_and(|row| {
            let short = &row.short;
            (short.state, short.try_number, short.fence) == (TaskState::Running, try_number, fence)
        })
    }

    /// The callback that a claim is about: its number stands where a map index does.
    fn callback(&self, token: AttemptToken) -> Option<&CallbackRow> {
        self.callbacks.get(&token.instance.map_index.position()?)
    }

    pub(crate) fn dag_id(&self) -> &DagId {
        &self.row.dag_id
    }
}

/// As exact as a column keeps a time.
pub(crate) fn micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// A text as every database keeps it.
pub(crate) fn kept(text: &str) -> String {
    store::storable(text).into_owned()
}

/// A count as every database keeps it.
pub(crate) fn kept_count(count: u64) -> u64 {
    store::storable_count(count).unsigned_abs()
}

/// The part of a list that was asked for.
pub(crate) fn page<T>(rows: Vec<T>, page: PageRequest) -> Page<T> {
    let total = (rows.len() as u64).min(TOTAL_ENTRIES_MAX);
    Page { rows: rows.into_iter().skip(page.offset as usize).take(page.limit as usize).collect(), total }
}

pub(crate) fn unavailable(detail: &str) -> StoreError {
    StoreError::Unavailable { detail: detail.to_owned() }
}
