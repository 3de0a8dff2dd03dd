//! Everything unfinished ends at once, because the run is cancelled, over its timeout, or to fail fast.

use std::sync::Arc;

use model::document::TaskKind;
use model::{MapIndex, NodeIdx, ScopeIdx, TaskState, TryNumber};

use super::expansion::Expansion;
use super::{RunMachine, Work};
use crate::rule::Verdict;
use crate::{Decisions, InsertDecision, TransitionDecision};

impl RunMachine {
    /// Fails the run now: what runs has failed, what waits is skipped. Everything is written in one commit, rows that are not made
    /// yet too, so that a crash cannot bring half of the run back. Executions that run are forgotten, and what they report is stale.
    pub(super) fn stop(&mut self, reason: Arc<str>, out: &mut Decisions) {
        self.doom = None;
        for idx in self.dag.indices() {
            self.stop_node(idx, &reason, out);
        }
        self.work.clear();
        self.unmade.clear();
        self.result_at_end();
        self.end(model::RunState::Failed, Some(reason), out);
    }

    /// The run fails, but what its setups have made is undone first: as [`Self::stop`], for everything but teardowns.
    pub(super) fn halt(&mut self, reason: Arc<str>, out: &mut Decisions) {
        self.doom = Some(Arc::clone(&reason));
        out.doom = Some(Arc::clone(&reason));
        self.never_expand(&reason);
        for idx in self.dag.indices() {
            if self.dag.task(idx).kind != TaskKind::Teardown {
                self.stop_node(idx, &reason, out);
            }
        }
    }

    /// Whatever is not expanded will not be.
    pub(super) fn never_expand(&mut self, reason: &Arc<str>) {
        let scopes: Vec<_> = self.dag.scopes().filter_map(|(scope, at)| Some((scope, at.parent?))).collect();
        for (scope, parent) in scopes {
            for context in 0..self.tree.of(parent).count() {
                if !self.tree.of(scope).is_expanded(context) {
                    self.halted.insert((scope, context), Arc::clone(reason));
                    self.work.push(Work::Expand { scope, parents: context..context + 1 });
                }
            }
        }
    }

    /// What a halt says of a level that was not expanded before it.
    pub(super) fn halted(&self, scope: ScopeIdx, parent: u32) -> Option<Expansion> {
        let reason = self.halted.get(&(scope, parent))?;
        Some(Expansion::Never(Verdict::Skip, Arc::clone(reason)))
    }

    /// At the first final failure the run fails, where its author wants it so.
    pub(super) fn fail_fast(&mut self, idx: NodeIdx, map_index: MapIndex, out: &mut Decisions) {
        if let Some(reason) = self.fails_fast(idx, map_index)
            && self.doom.is_none()
        {
            self.halt(reason, out);
        }
    }

    /// Why the failure of an instance fails the run at once; nothing where it does not.
    pub(super) fn fails_fast(&self, idx: NodeIdx, map_index: MapIndex) -> Option<Arc<str>> {
        let task = self.dag.task(idx);
        let is_ignored = task.kind == TaskKind::Teardown && !task.on_failure_fail_run;
        if !self.dag.document().fail_fast || is_ignored {
            return None;
        }
        let at = map_index.position().map(|position| format!(" at index {position}")).unwrap_or_default();
        Some(format!("fail-fast: task {:?} failed{at}", task.task_id.as_str()).into())
    }

    fn stop_node(&mut self, idx: NodeIdx, reason: &Arc<str>, out: &mut Decisions) {
        if self.node(idx).instances.length() == 0 {
            return self.stop_summary(idx, reason, out);
        }
        let made = self.node(idx).instances.made();
        for slot in 0..made {
            let state = self.node(idx).instances.state(slot);
            let to = match state {
                state if state.is_ended() => continue,
                TaskState::Running => TaskState::Failed,
                _ => TaskState::Skipped,
            };
            self.let_go(idx, slot, out);
            let map_index = self.node(idx).map_index(slot);
            let decision = TransitionDecision {
                node: idx,
                first: map_index,
                last: map_index,
                to,
                try_number: None,
                retry_at: None,
                reason: Some(Arc::clone(reason)),
            };
            match to {
                // The scheduler writes these with the ends of their executions, so each stands alone.
                TaskState::Failed => out.transitions.push(decision),
                _ => out.transition(decision),
            }
            self.end_slots(idx, slot..slot + 1, to);
        }
        self.make_marked(idx, TaskState::Skipped, reason, out);
    }

    /// Makes the rows that are missing, in an ended state.
    pub(super) fn make_marked(&mut self, idx: NodeIdx, state: TaskState, reason: &Arc<str>, out: &mut Decisions) {
        let (made, length) = (self.node(idx).instances.made(), self.node(idx).instances.length());
        self.node_mut(idx).instances.make(length);
        for slot in made..length {
            let attempt = self.node(idx).attempt(slot);
            out.insert(InsertDecision {
                node: idx,
                first: self.node(idx).map_index(slot),
                count: 1,
                state,
                try_number: TryNumber(attempt.try_number),
                max_tries: attempt.max_tries,
                retry_at: None,
                reason: Some(Arc::clone(reason)),
            });
            self.end_slots(idx, slot..slot + 1, state);
        }
        self.unmade.retain(|node| *node != idx);
    }

    /// The row of a task that has no instances yet. Where the run goes on, its expansion ends it.
    fn stop_summary(&mut self, idx: NodeIdx, reason: &Arc<str>, out: &mut Decisions) {
        if self.doom.is_some() || self.node(idx).summary != Some(TaskState::None) {
            return;
        }
        let node = self.node_mut(idx);
        node.summary = Some(TaskState::Skipped);
        node.total.end(TaskState::Skipped, 1);
        self.unfinished -= 1;
        out.transition(TransitionDecision {
            node: idx,
            first: MapIndex::NONE,
            last: MapIndex::NONE,
            to: TaskState::Skipped,
            try_number: None,
            retry_at: None,
            reason: Some(Arc::clone(reason)),
        });
    }
}
