//! What the run before says of tasks that depend on it. The rows tell: they are asked when a run begins, and whenever another run of
//! its DAG has changed.

use std::collections::{BTreeMap, BTreeSet};

use model::{Dag, DagId, NodeIdx, RunKey, TenantScope};
use store::RunBefore;
use tracing::warn;

use super::{REREAD_PAUSE, RunLoop};
use crate::active::{RunHandle, depends_on_past};
use crate::cycle::Cycle;
use plan::Event;

/// Runs that wait for the run before.
#[derive(Debug, Default)]
pub(super) struct Pasts {
    waiting: BTreeMap<(TenantScope, DagId), BTreeSet<RunKey>>,
    must_ask: BTreeSet<RunHandle>,
    /// What the rows have said.
    met: Vec<(RunKey, Vec<NodeIdx>)>,
}

impl Pasts {
    pub(super) fn has_news(&self) -> bool {
        !self.met.is_empty()
    }

    pub(super) fn forget(&mut self, run: RunHandle, dag_id: &DagId) {
        let key = (run.0, dag_id.clone());
        if let Some(waiting) = self.waiting.get_mut(&key) {
            waiting.remove(&run.1);
            if waiting.is_empty() {
                self.waiting.remove(&key);
            }
        }
        self.must_ask.remove(&run);
    }

    /// A run that others wait for may be gone.
    pub(super) fn doubt(&mut self) {
        let waiting = self.waiting.iter().flat_map(|((scope, _), runs)| runs.iter().map(|run| (*scope, *run)));
        self.must_ask.extend(waiting);
    }

    /// A run of the DAG has changed.
    pub(super) fn has_changed(&mut self, run: RunHandle, dag_id: &DagId) {
        if self.waiting.is_empty() {
            return;
        }
        if let Some(waiting) = self.waiting.get(&(run.0, dag_id.clone())) {
            self.must_ask.extend(waiting.iter().filter(|it| **it != run.1).map(|it| (run.0, *it)));
        }
    }
}

impl RunLoop {
    /// A run begins that may have to wait.
    pub(super) fn begin_past(&mut self, run: RunHandle) {
        let Some(active) = self.active.get(&run.1).filter(|active| depends_on_past(&active.claimed.dag)) else {
            return;
        };
        if active.machine.awaiting_past().next().is_some() {
            self.pasts.waiting.entry((run.0, active.claimed.dag_id.clone())).or_default().insert(run.1);
            self.pasts.must_ask.insert(run);
        }
    }

    /// Lets tasks run that the run before has let run.
    pub(super) fn past_met(&mut self, cycle: &mut Cycle) {
        for (run, nodes) in std::mem::take(&mut self.pasts.met) {
            self.event(cycle, run, Event::PastMet { nodes });
        }
    }

    /// Asks the rows; what they say is dealt with in the next cycle.
    pub(super) async fn ask_past(&mut self) {
        if self.parts.clock.monotonic() < self.ask_after {
            return;
        }
        while let Some(handle @ (scope, run)) = self.pasts.must_ask.first().copied() {
            let before = match self.parts.runs.run_before(scope, run).await {
                Ok(before) => before,
                Err(error) => {
                    warn!(%run, %error, "cannot ask for the run before yet");
                    self.ask_after = self.parts.clock.monotonic() + REREAD_PAUSE;
                    return;
                }
            };
            self.pasts.must_ask.remove(&handle);
            let Some(active) = self.active.get(&run) else { continue };
            let is_met = |node: &NodeIdx| lets_run(&active.claimed.dag, *node, before.as_ref());
            let nodes: Vec<_> = active.machine.awaiting_past().filter(is_met).collect();
            if !nodes.is_empty() {
                self.pasts.met.push((run, nodes));
            }
        }
    }

    /// Something is still to be asked, but not before this.
    pub(super) fn next_ask(&self) -> Option<std::time::Duration> {
        let must_ask = !self.pasts.must_ask.is_empty() || self.waits.must_look();
        must_ask.then_some(self.ask_after)
    }
}

/// A task that the run before did not have lets run.
fn lets_run(dag: &Dag, node: NodeIdx, before: Option<&RunBefore>) -> bool {
    let Some(before) = before else { return true };
    let is_met = |node: NodeIdx| {
        let task_id = &dag.task(node).task_id;
        before.tasks.iter().find(|task| task.task_id == *task_id).is_none_or(|task| task.is_met)
    };
    let waits_for_more = dag.task(node).wait_for_downstream;
    is_met(node) && (!waits_for_more || dag.node(node).downstream.iter().all(|downstream| is_met(*downstream)))
}
