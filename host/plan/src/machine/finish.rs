//! The end of a run, and its result.

use std::sync::Arc;

use model::{MapIndex, NodeIdx, RunState, TaskState, TryNumber};

use super::{ResultStatus, RunMachine};
use crate::node::Node;
use crate::{Decisions, InsertDecision, RunEnd, TransitionDecision};

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
            let may_go_on = self.ready.available() > 0
                || !self.running.is_empty()
                || !self.retries.is_empty()
                || !self.unmade.is_empty();
            if !may_go_on {
                self.stop("deadlock: what is unfinished can never run".into(), out);
            }
            return;
        }
        let leaves = self.dag.indices().filter(|node| self.dag.node(*node).downstream.is_empty());
        let failed = { leaves }.find(|leaf| self.node(*leaf).instances.seen().any(&FAILURES));
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

    fn end(&mut self, state: RunState, reason: Option<Arc<str>>, out: &mut Decisions) {
        self.state = state;
        out.run_end = Some(RunEnd { state, reason });
    }

    /// Fails the run now: what runs has failed, what waits is skipped. Everything is written in one commit, rows that are not made
    /// yet too, so that a crash cannot bring half of the run back. Executions that run are forgotten, and what they report is stale.
    pub(super) fn stop(&mut self, reason: Arc<str>, out: &mut Decisions) {
        self.ready.clear();
        self.retries.clear();
        self.unmade.clear();
        self.running.clear();
        for idx in self.dag.indices() {
            self.stop_node(idx, &reason, out);
        }
        self.unsettled.clear();
        if self.result == ResultStatus::Pending {
            let is_all = self.dag.result().is_empty();
            let broken = self.dag.indices().find(|node| match self.node(*node) {
                node if is_all => node.instances.seen().any(&NOT_SUCCESS),
                node => node.is_result && !has_gone_well(node),
            });
            match broken {
                Some(node) => {
                    let (node, map_index) = self.cause(node);
                    self.result_impossible(node, map_index);
                }
                None => self.result = ResultStatus::Available,
            }
        }
        self.end(RunState::Failed, Some(reason), out);
    }

    fn stop_node(&mut self, idx: NodeIdx, reason: &Arc<str>, out: &mut Decisions) {
        let node = self.node_mut(idx);
        let made = node.instances.made();
        for slot in 0..made {
            let to = match node.instances.state(slot) {
                state if state.is_ended() => continue,
                TaskState::Running => TaskState::Failed,
                _ => TaskState::Skipped,
            };
            node.instances.set(slot..slot + 1, to);
            let map_index = node.map_index(slot);
            let decision = TransitionDecision {
                node: idx,
                first: map_index,
                last: map_index,
                to,
                try_number: None,
                reason: Some(Arc::clone(reason)),
            };
            match to {
                // The scheduler writes these with the ends of their executions, so each stands alone.
                TaskState::Failed => out.transitions.push(decision),
                _ => out.transition(decision),
            }
        }
        let length = node.instances.length();
        node.instances.make(length);
        for slot in made..length {
            let attempt = node.attempt(slot);
            node.instances.set(slot..slot + 1, TaskState::Skipped);
            out.insert(InsertDecision {
                node: idx,
                first: node.map_index(slot),
                count: 1,
                state: TaskState::Skipped,
                try_number: TryNumber(attempt.try_number),
                max_tries: attempt.max_tries,
                reason: Some(Arc::clone(reason)),
            });
        }
    }

    /// Keeps the result's status up to date after an end in `idx`.
    pub(super) fn update_result(&mut self, idx: NodeIdx) {
        let node = self.node(idx);
        if !node.is_result || self.result != ResultStatus::Pending {
            return;
        }
        let is_complete = node.instances.is_complete();
        if !has_gone_well(node) {
            let (node, map_index) = self.cause(idx);
            self.result_impossible(node, map_index);
        } else if is_complete {
            self.results_pending -= 1;
            if self.results_pending == 0 {
                self.result = ResultStatus::Available;
            }
        }
    }

    fn result_impossible(&mut self, node: NodeIdx, map_index: MapIndex) {
        if self.result == ResultStatus::Pending {
            self.result = ResultStatus::Impossible { node, map_index };
        }
    }

    /// The instance because of which a task did not end well: a failed one if there is any, else the first that was skipped.
    fn cause(&self, mut idx: NodeIdx) -> (NodeIdx, MapIndex) {
        loop {
            let node = self.node(idx);
            if let Some(slot) = node.instances.first_in(TaskState::Failed) {
                return (idx, node.map_index(slot));
            }
            let upstream = |states: &[TaskState]| {
                let upstream = self.dag.node(idx).upstream.iter().copied();
                { upstream }.find(|upstream| self.node(*upstream).instances.seen().any(states))
            };
            let next = if node.instances.seen().contains(TaskState::UpstreamFailed) {
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
}

/// No instance of a result task has ended in a way that keeps the result from coming. The result of a task that is mapped over
/// nothing is the empty list, unless a failure kept it from running.
fn has_gone_well(node: &Node) -> bool {
    let bad = if node.map_length == Some(0) { &FAILURES[..] } else { &NOT_SUCCESS[..] };
    !node.instances.seen().any(bad)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::Value;

    use crate::tests::LIMITS;
    use crate::{Event, RunMachine, lengths_at_start};

    #[test]
    fn what_can_never_run_ends_the_run() {
        let dag = std::sync::Arc::new(testkit::dag::dag("a -> b"));
        let lengths = lengths_at_start(&dag, &Value::Null, &Value::Null).unwrap();
        let (mut machine, _) = RunMachine::start(dag, &lengths, LIMITS, Timestamp::UNIX_EPOCH);
        machine.ready.clear();
        let end = machine.on(Event::Tick, Timestamp::UNIX_EPOCH).run_end.unwrap();
        assert_eq!(end.reason.as_deref(), Some("deadlock: what is unfinished can never run"));
    }
}
