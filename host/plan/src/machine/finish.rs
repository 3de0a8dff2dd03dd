//! The end of a run, and its result.

use std::sync::Arc;

use model::{MapIndex, NodeIdx, RunState, ScopeIdx, TaskState};

use super::{ResultStatus, RunMachine};
use crate::node::Node;
use crate::{Decisions, RunEnd};

/// Ends that fail a run when a leaf has one.
const FAILURES: [TaskState; 2] = [TaskState::Failed, TaskState::UpstreamFailed];
/// Ends with which a result cannot come.
const NOT_SUCCESS: [TaskState; 4] =
    [TaskState::Failed, TaskState::UpstreamFailed, TaskState::Skipped, TaskState::Removed];

impl RunMachine {
    /// Ends the run when nothing is unfinished, or what is can never run.
    pub(super) fn end_if_over(&mut self, out: &mut Decisions) {
        if self.state.is_ended() {
            return;
        }
        if self.unfinished > 0 {
            let may_go_on = !self.ready.is_empty()
                || !self.running.is_empty()
                || !self.due.is_empty()
                || self.asleep > 0
                || !self.unmade.is_empty()
                || self.nodes.iter().any(|node| !node.is_past_met && !node.is_complete());
            if !may_go_on {
                self.stop("deadlock: what is unfinished can never run".into(), out);
            }
            return;
        }
        if let Some(reason) = self.doom.clone() {
            self.result_at_end();
            return self.end(RunState::Failed, Some(reason), out);
        }
        let leaves = self.dag.indices().filter(|node| self.dag.node(*node).is_leaf);
        let failed = { leaves }.find(|leaf| self.node(*leaf).total.has(&FAILURES));
        match failed {
            None => {
                if self.results_pending == 0 {
                    self.result = ResultStatus::Available;
                }
                self.end(RunState::Success, None, out);
            }
            Some(leaf) => {
                let (node, map_index) = self.cause(leaf);
                self.result_impossible(node, map_index);
                let task = self.dag.task(node).task_id.as_str();
                let at = map_index.position().map(|position| format!(" at index {position}")).unwrap_or_default();
                self.end(RunState::Failed, Some(format!("task {task:?} failed{at}").into()), out);
            }
        }
    }

    /// A run that fails for another reason than a leaf has its result nevertheless, where that is there.
    pub(super) fn result_at_end(&mut self) {
        if self.result != ResultStatus::Pending {
            return;
        }
        let is_all = self.dag.result().is_empty();
        let broken = self.dag.indices().find(|node| match self.node(*node) {
            node if is_all => node.total.has(&NOT_SUCCESS),
            node => node.is_result && !self.has_gone_well(node),
        });
        match broken {
            Some(node) => {
                let (node, map_index) = self.cause(node);
                self.result_impossible(node, map_index);
            }
            None => self.result = ResultStatus::Available,
        }
    }

    pub(super) fn end(&mut self, state: RunState, reason: Option<Arc<str>>, out: &mut Decisions) {
        self.state = state;
        out.run_end = Some(RunEnd { state, reason });
    }

    /// Keeps the result's status up to date after an end in `idx`.
    pub(super) fn update_result(&mut self, idx: NodeIdx) {
        let node = self.node(idx);
        if !node.is_result || self.result != ResultStatus::Pending {
            return;
        }
        let is_complete = node.is_complete();
        if !self.has_gone_well(node) {
            let (node, map_index) = self.cause(idx);
            self.result_impossible(node, map_index);
        } else if is_complete {
            self.results_pending -= 1;
            if self.results_pending == 0 {
                self.result = ResultStatus::Available;
            }
        }
    }

    pub(super) fn result_impossible(&mut self, node: NodeIdx, map_index: MapIndex) {
        if self.result == ResultStatus::Pending {
            self.result = ResultStatus::Impossible { node, map_index };
        }
    }

    /// The instance because of which a task did not end well: a failed one if there is any, else the first that was skipped.
    pub(super) fn cause(&self, mut idx: NodeIdx) -> (NodeIdx, MapIndex) {
        loop {
            let node = self.node(idx);
            if let Some(slot) = node.instances.first_in(TaskState::Failed) {
                return (idx, node.map_index(slot));
            }
            let upstream = |states: &[TaskState]| {
                let upstream = self.dag.node(idx).upstream.iter().copied();
                { upstream }.find(|upstream| self.node(*upstream).total.has(states))
            };
            let next = if node.total.upstream_failed > 0 {
                upstream(&FAILURES[..1]).or_else(|| upstream(&FAILURES[1..]))
            } else {
                upstream(&[TaskState::Skipped])
            };
            match next {
                Some(upstream) => idx = upstream,
                None => {
                    let slot = NOT_SUCCESS.iter().find_map(|state| node.instances.first_in(*state));
                    return (idx, node.map_index(slot.unwrap_or(0)));
                }
            }
        }
    }

    /// No instance of a result task has ended in a way that keeps the result from coming. The result of a task that is mapped over
    /// nothing is the empty list, unless a failure kept it from running.
    pub(super) fn has_gone_well(&self, node: &Node) -> bool {
        let is_empty = node.scope != ScopeIdx::RUN
            && !node.has_positions
            && node.instances.length() == 1
            && self.fate_of(node.scope, 0) == Some(super::Fate::Empty);
        let bad = if is_empty { &FAILURES[..] } else { &NOT_SUCCESS[..] };
        !node.total.has(bad)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::Value;

    use crate::tests::LIMITS;
    use crate::{Event, Given, RunContext, RunMachine, lengths_at_start};

    #[test]
    fn what_can_never_run_ends_the_run() {
        let dag = std::sync::Arc::new(testkit::dag::dag("a -> b"));
        let nothing = Given { conf: &Value::Null, params: &Value::Null, variables: &Value::Null };
        let lengths = lengths_at_start(&dag, nothing).unwrap();
        let (mut machine, _) = RunMachine::start(dag, &lengths, RunContext::default(), LIMITS, Timestamp::UNIX_EPOCH);
        machine.ready.clear();
        let end = machine.on(Event::Tick, Timestamp::UNIX_EPOCH).run_end.unwrap();
        assert_eq!(end.reason.as_deref(), Some("deadlock: what is unfinished can never run"));
    }
}
