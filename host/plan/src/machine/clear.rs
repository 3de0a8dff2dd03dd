//! Clearing and marking by hand. A clear makes instances wait again; what they were mapped over, and what is downstream of them, stays
//! as it is unless it is cleared too.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use model::document::TaskKind;
use model::{NodeIdx, RunState, TaskState};

use super::settle::Standing;
use super::{ResultStatus, RunMachine, Work};
use crate::retry::Attempt;
use crate::rule::Verdict;
use crate::{Decisions, Ending, Marking, ResetDecision, Selected, TransitionDecision};

impl RunMachine {
    /// Makes instances wait again, as [`Self::select_for_clear`] names them, and carries on. A run that has ended runs again, and its
    /// timeout counts from now. Costs what is cleared.
    pub fn clear(&mut self, selected: &[Selected], now: Timestamp) -> Decisions {
        let mut out = Decisions::default();
        self.run_again(now);
        self.clear_selected(selected, &mut out);
        self.recount_result();
        self.come_to_rest(&mut out);
        out
    }

    /// As [`Self::clear`], for a run that goes on under another version: tasks that have no rows yet have some from now on.
    pub fn adopt(&mut self, selected: &[Selected], now: Timestamp) -> Decisions {
        let mut out = Decisions::default();
        self.run_again(now);
        self.clear_selected(selected, &mut out);
        self.recount_result();
        self.work_off(&mut out);
        self.look_at_everything(&mut out);
        out
    }

    /// Gives instances a state, as [`Self::select_for_mark`] names them, and carries on. What runs is cancelled.
    pub fn mark(&mut self, marking: &Marking, to: TaskState, reason: &str, now: Timestamp) -> Decisions {
        let mut out = Decisions::default();
        self.run_again(now);
        let reason: Arc<str> = reason.into();
        for selected in &marking.marked {
            for slot in self.slots_of(selected) {
                self.mark_slot(selected.node, slot, to, &reason, &mut out);
            }
        }
        self.clear_selected(&marking.cleared, &mut out);
        self.recount_result();
        self.come_to_rest(&mut out);
        out
    }

    /// Gives the whole run an end, as [`Self::select_for_run`] says it. What is not expanded will not be.
    pub fn end_run(&mut self, ending: Ending, reason: &str, now: Timestamp) -> Decisions {
        let mut out = Decisions::default();
        self.run_again(now);
        let reason: Arc<str> = reason.into();
        match ending {
            Ending::Success => self.succeed(&reason, &mut out),
            Ending::Failed if self.unfinished > 0 => {
                self.recount_result();
                self.halt(reason, &mut out);
                self.come_to_rest(&mut out);
            }
            Ending::Failed | Ending::Stopped => {
                self.result = ResultStatus::Pending;
                self.stop(reason, &mut out);
            }
        }
        out
    }

    fn succeed(&mut self, reason: &Arc<str>, out: &mut Decisions) {
        self.never_expand(reason);
        for idx in self.dag.indices().filter(|idx| self.dag.task(*idx).kind != TaskKind::Teardown).collect::<Vec<_>>() {
            let made = self.node(idx).instances.made();
            for slot in 0..made {
                if !matches!(self.node(idx).instances.state(slot), TaskState::Success | TaskState::Removed) {
                    self.mark_slot(idx, slot, TaskState::Success, reason, out);
                }
            }
            self.make_marked(idx, TaskState::Success, reason, out);
        }
        self.recount_result();
        self.come_to_rest(out);
    }

    fn run_again(&mut self, now: Timestamp) {
        self.now = now;
        if self.state.is_ended() {
            self.deadline = self.dag.document().run_timeout_ms.map(|timeout_ms| super::later(now, timeout_ms));
            self.state = RunState::Running;
        }
        self.doom = None;
        self.halted.clear();
    }

    fn slots_of(&self, selected: &Selected) -> Range<u32> {
        let slot = |map_index| self.nodes.get(selected.node.0 as usize).and_then(|node| node.slot(map_index));
        match (slot(selected.first), slot(selected.last)) {
            (Some(first), Some(last)) => first..(last + 1).min(self.node(selected.node).instances.made()),
            _ => 0..0,
        }
    }

    fn clear_selected(&mut self, selected: &[Selected], out: &mut Decisions) {
        let mut cleared = Vec::with_capacity(selected.len());
        for selected in selected {
            let slots = self.slots_of(selected);
            if slots.is_empty() {
                continue;
            }
            let idx = selected.node;
            let mut contexts = BTreeSet::new();
            for slot in slots.clone() {
                self.reset(idx, slot, out);
                let node = self.node(idx);
                contexts.insert(if node.is_mapped() { self.tree.of(node.scope).parent(slot) } else { slot });
            }
            let node = self.node(idx);
            let (first, last) = (node.map_index(slots.start), node.map_index(slots.end - 1));
            out.resets.push(ResetDecision { node: idx, first, last });
            cleared.push((idx, slots, contexts));
        }
        // What is upstream may have been cleared too, so this is asked when all of it is.
        for (idx, slots, contexts) in cleared {
            for context in contexts {
                let before = self.node(idx).verdicts[context as usize];
                self.undecide(idx, context);
                match self.standing(idx, context) {
                    // Nothing is new for the others of the context, however many there are.
                    Standing::Decided(Verdict::Run, _) if before == Verdict::Run => {
                        self.node_mut(idx).verdicts[context as usize] = Verdict::Run;
                        self.work.push(Work::Land { node: idx, slots: slots.clone() });
                    }
                    _ => self.work.push(Work::Decide { node: idx, contexts: context..context + 1 }),
                }
            }
        }
    }

    /// The instance waits again, at the tries that it has had.
    fn reset(&mut self, idx: NodeIdx, slot: u32, out: &mut Decisions) {
        let tried = self.node(idx).tried(slot);
        self.let_go(idx, slot, out);
        if self.node(idx).instances.state(slot).is_ended() {
            self.untell(idx, slot);
        }
        self.choices.remove(&(idx, slot));
        let node = self.node_mut(idx);
        let tries = node.tries;
        node.instances.reset(slot);
        node.instances.set_attempt(slot, Attempt::new(tried, tried.saturating_add(tries)));
    }

    fn mark_slot(&mut self, idx: NodeIdx, slot: u32, to: TaskState, reason: &Arc<str>, out: &mut Decisions) {
        let map_index = self.node(idx).map_index(slot);
        let state = self.node(idx).instances.state(slot);
        self.let_go(idx, slot, out);
        let decision = TransitionDecision {
            node: idx,
            first: map_index,
            last: map_index,
            to,
            try_number: None,
            retry_at: None,
            reason: Some(Arc::clone(reason)),
        };
        out.marks.push(decision);
        if state.is_ended() {
            self.untell(idx, slot);
        }
        if to != TaskState::Success {
            self.choices.remove(&(idx, slot));
            self.node_mut(idx).instances.forget(slot);
        }
        self.end_slots(idx, slot..slot + 1, to);
    }

    /// What may come again is pending again.
    fn recount_result(&mut self) {
        self.result = ResultStatus::Pending;
        let results: Vec<_> = self.dag.result().to_vec();
        self.results_pending = results.len() as u32;
        for idx in results {
            self.update_result(idx);
        }
    }
}
