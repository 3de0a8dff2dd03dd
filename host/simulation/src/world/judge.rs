//! What must hold at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::limits::task::LOST_EXECUTIONS_MAX;
use model::{EndKind, MapIndex, NodeIdx, TaskState};
use testkit::outcome::Outcome;
use testkit::reference;

use super::Figures;
use super::driver::{Driver, seed_of_run};
use super::profile::LIMITS;
use crate::{Accepted, Ground, invariant};
use upkeep::{RunRows, Snapshot};

pub(super) async fn judge(ground: &Ground, seed: u64, driver: &Driver) -> Figures {
    let snapshot =
        Snapshot::read_all(&ground.store, driver.clients.tenants()).await.expect("the simulated store answers");
    let history = ground.store.history();
    let dags: BTreeMap<_, _> = snapshot.runs.iter().map(|run| (run.row.version, run.dag.clone())).collect();
    let mut broken = invariant::of_rows(&snapshot);
    broken.extend(invariant::i1_trigger_has_one_run(&snapshot, &driver.clients.accepted()));
    broken.extend(invariant::of_history(&history, |version| dags.get(&version).map(Arc::clone)));
    let mut compared = 0;
    for run in snapshot.runs.iter().filter(|run| is_comparable(run)) {
        compared += 1;
        broken.extend(compare(run, seed));
    }
    broken.into_iter().for_each(|it| ground.trace.broken(it));
    let attempts = || snapshot.runs.iter().flat_map(|run| run.attempts.iter().flatten());
    Figures {
        runs: snapshot.runs.len(),
        commits: history.iter().filter(|it| matches!(it, Accepted::Commit { .. })).count(),
        executions: attempts().count(),
        lost_executions: attempts().filter(|it| it.end == EndKind::HostLost).count(),
        crashes: driver.crashes,
        clears: { history.iter() }
            .map(|it| if let Accepted::Commit { commit, .. } = it { commit.reopened.len() } else { 0 })
            .sum(),
        compared,
        taken: history.iter().map(|it| if let Accepted::Taken { work, .. } = it { work.len() } else { 0 }).sum(),
        owned: history.iter().filter(|it| matches!(it, Accepted::Owned { .. })).count(),
        evicted: driver.evicted,
    }
}

/// What is cleared, marked, cancelled or timed out depends on when.
fn is_comparable(run: &RunRows) -> bool {
    let stops = ["timed-out", "cancelled", "marked"];
    let is_stopped = run.row.reason.as_deref().is_some_and(|why| stops.iter().any(|stop| why.starts_with(stop)));
    run.row.state.is_ended() && run.row.clears == 0 && !is_stopped
}

/// The run must have come to what its DAG and the ends of its tries make of it, whatever happened on the way.
fn compare(run: &RunRows, seed: u64) -> Option<String> {
    let exhausted = exhausted(run);
    let outcome = |node: NodeIdx, map_index: MapIndex, try_number: u32| {
        if exhausted.contains(&(node, map_index, try_number)) {
            return Outcome::of_word("fatal");
        }
        Outcome::of_try(seed_of_run(seed, run.row.run_id.as_str()), node, map_index, try_number)
    };
    let expect = reference::final_states(&run.dag, LIMITS.machine.map_length, outcome);
    let found: BTreeMap<(NodeIdx, MapIndex), TaskState> =
        run.instances.iter().map(|it| ((it.node, it.map_index), it.state)).collect();
    let differs = |key: &&(NodeIdx, MapIndex)| expect.get(key) != found.get(key);
    let all: BTreeSet<_> = expect.keys().chain(found.keys()).collect();
    let first = *all.iter().find(|key| differs(key))?;
    let (found, expect) = (found.get(first), expect.get(first));
    Some(format!("run {} came to {found:?} at {first:?}, not to {expect:?}", run.row.run_id))
}

/// Tries that ended because too many of their executions were lost.
fn exhausted(run: &RunRows) -> BTreeSet<(NodeIdx, MapIndex, u32)> {
    let mut lost: BTreeMap<_, u32> = BTreeMap::new();
    for attempt in run.attempts.iter().flatten().filter(|it| it.end == EndKind::HostLost) {
        *lost.entry((attempt.instance.node, attempt.instance.map_index, attempt.try_number.0)).or_default() += 1;
    }
    lost.into_iter().filter(|(_, count)| *count >= LOST_EXECUTIONS_MAX).map(|(key, _)| key).collect()
}
