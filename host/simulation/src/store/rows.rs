//! What the database holds. Rows of a run stand together, so that a commit copies only the runs that it changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use model::limits::http::TOTAL_ENTRIES_MAX;
use model::{
    AttemptToken, DagId, Digest, Fence, InstanceKey, MapIndex, NodeIdx, RunId, RunKey, TaskState, TenantScope,
    TryNumber, WorkerId,
};
use store::{
    AttemptRow, InstanceSnapshot, NodeRow, Page, PageRequest, RunCommit, RunRow, StoreError, TokenRow, XcomRow,
};

use super::catalog::Bundles;

/// A database. Clones are connections to the same one.
#[derive(Debug, Clone, Default)]
pub struct SimStore(Arc<Mutex<Tables>>);

impl SimStore {
    /// Every write that was taken, in order.
    pub fn history(&self) -> Vec<Accepted> {
        self.tables().history.clone()
    }

    /// Whether a claim under the token's fence, or a later one, was taken. A clear may have made other rows of what was claimed.
    pub(crate) fn was_claimed(&self, scope: TenantScope, token: AttemptToken) -> bool {
        let tables = self.tables();
        tables.runs.get(&(scope, token.instance.run)).is_some_and(|run| {
            let row = run.instances.get(&(token.instance.node, token.instance.map_index));
            run.row.clears > 0 || row.is_some_and(|row| row.short.fence >= token.fence)
        })
    }

    /// Whether an execution runs and may write.
    pub(crate) fn is_running(&self, scope: TenantScope, token: AttemptToken) -> bool {
        let tables = self.tables();
        let run = tables.runs.get(&(scope, token.instance.run));
        run.is_some_and(|run| run.is_running(token.instance, token.try_number, token.fence))
    }

    /// The run with this key.
    pub(crate) fn run(&self, scope: TenantScope, run: RunKey) -> Option<RunRow> {
        self.tables().runs.get(&(scope, run)).map(|run| run.row.clone())
    }

    /// Runs that have not ended.
    pub(crate) fn unfinished(&self, scope: TenantScope) -> Vec<RunId> {
        let tables = self.tables();
        let unfinished = tables.runs_of(scope).filter(|run| !run.row.state.is_ended());
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
    Commit(Arc<RunCommit>),
    Clear {
        scope: TenantScope,
        run: RunKey,
        only_failed: bool,
    },
    Epoch(u32),
}

#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) epoch: u32,
    pub(crate) bundles: Bundles,
    pub(crate) runs: BTreeMap<(TenantScope, RunKey), Run>,
    pub(crate) tokens: BTreeMap<Digest, TokenRow>,
    pub(crate) history: Vec<Accepted>,
}

/// One run with everything of its.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) row: RunRow,
    pub(crate) nodes: BTreeMap<NodeIdx, NodeRow>,
    pub(crate) instances: BTreeMap<(NodeIdx, MapIndex), Instance>,
    pub(crate) attempts: BTreeMap<(NodeIdx, MapIndex, TryNumber, Fence), AttemptRow>,
    pub(crate) xcoms: BTreeMap<(NodeIdx, MapIndex, String), XcomRow>,
    pub(crate) states: BTreeMap<(NodeIdx, MapIndex, String), StateRow>,
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
    /// Runs of a tenant, by key.
    pub(crate) fn runs_of(&self, scope: TenantScope) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |((of, _), _)| *of == scope).map(|(_, run)| run)
    }

    pub(crate) fn has_run_id(&self, run: &store::NewRun) -> bool {
        let is_same = |row: &RunRow| (&row.dag_id, &row.run_id) == (&run.dag_id, &run.run_id);
        self.runs_of(run.scope).any(|it| is_same(&it.row))
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
