//! Brings instances to where the verdict of their task wants them, as few ranges as possible.

use std::ops::Range;
use std::sync::Arc;

use model::document::{TaskKind, TriggerRule};
use model::outcome::{Answer, Choice};
use model::{NodeIdx, TaskState, TryNumber};

use super::items::Item;
use super::{RunMachine, later};
use crate::retry::Attempt;
use crate::rule::{self, Verdict};
use crate::{AnswerDecision, Decisions, InsertDecision, TransitionDecision};

/// Where a verdict takes an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Landing {
    Wait,
    Ready,
    /// Nothing to run: it has succeeded.
    Done,
    /// Somebody is asked.
    Ask,
    /// The instance that it is mapped over left nothing to run with.
    NoItem,
    /// It does not run, for the reason that was said in this context.
    Marked(TaskState, u32),
}

/// How a landing is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Insert,
    Transition,
}

impl RunMachine {
    pub(super) fn decide(
        &mut self,
        idx: NodeIdx,
        context: u32,
        verdict: Verdict,
        why: Option<Arc<str>>,
        out: &mut Decisions,
    ) {
        let node = self.node_mut(idx);
        node.verdicts[context as usize] = verdict;
        if let Some(why) = why {
            node.whys.insert(context, why);
        }
        if node.is_mapped() {
            let scope = node.scope;
            let blocks: Vec<_> = self.tree.of(scope).blocks_of(context).map(|block| block.contexts()).collect();
            blocks.into_iter().for_each(|slots| self.land(idx, slots, out));
        } else {
            self.land(idx, context..context + 1, out);
        }
    }

    /// Lands those of the slots that are made and still wait.
    pub(super) fn land(&mut self, idx: NodeIdx, slots: Range<u32>, out: &mut Decisions) {
        let made = self.node(idx).instances.made();
        self.land_as(idx, slots.start.min(made)..slots.end.min(made), Write::Transition, out);
    }

    /// Makes the next `count` rows of a task, in the states in which verdicts want them.
    pub(super) fn make(&mut self, idx: NodeIdx, count: u32, out: &mut Decisions) {
        let instances = &mut self.node_mut(idx).instances;
        let first = instances.made();
        instances.make(first + count);
        self.land_as(idx, first..first + count, Write::Insert, out);
    }

    fn land_as(&mut self, idx: NodeIdx, slots: Range<u32>, write: Write, out: &mut Decisions) {
        #[cfg(test)]
        {
            self.steps += u64::from(slots.end.saturating_sub(slots.start));
        }
        let mut slot = slots.start;
        while slot < slots.end {
            if self.node(idx).instances.state(slot) != TaskState::None {
                slot += 1;
                continue;
            }
            let alike = (self.landing(idx, slot), self.node(idx).attempt(slot));
            let first = slot;
            slot += 1;
            while slot < slots.end
                && self.node(idx).instances.state(slot) == TaskState::None
                && self.is_alike(alike.0, self.landing(idx, slot), idx)
                && self.node(idx).attempt(slot) == alike.1
            {
                slot += 1;
            }
            let (landing, attempt) = alike;
            self.land_alike(idx, first..slot, landing, attempt, write, out);
        }
    }

    /// Two landings that are written in one range: reasons are the same too.
    fn is_alike(&self, a: Landing, b: Landing, idx: NodeIdx) -> bool {
        match (a, b) {
            (Landing::Marked(a, of_a), Landing::Marked(b, of_b)) => {
                let whys = &self.node(idx).whys;
                a == b && (of_a == of_b || whys.get(&of_a) == whys.get(&of_b))
            }
            (a, b) => a == b,
        }
    }

    fn landing(&self, idx: NodeIdx, slot: u32) -> Landing {
        let node = self.node(idx);
        let context = if node.is_mapped() { self.tree.of(node.scope).parent(slot) } else { slot };
        let marked = |state| Landing::Marked(state, context);
        if self.tree.is_shrunk() && self.is_gone(node.scope, slot) {
            return marked(TaskState::Removed);
        }
        match node.verdicts[context as usize] {
            Verdict::Wait => Landing::Wait,
            Verdict::Skip => marked(TaskState::Skipped),
            Verdict::UpstreamFail => marked(TaskState::UpstreamFailed),
            Verdict::Fail => marked(TaskState::Failed),
            Verdict::Remove => marked(TaskState::Removed),
            Verdict::Run if self.is_removed(idx, context, slot) => marked(TaskState::Removed),
            Verdict::Run => match self.item(node.scope, slot) {
                Item::Missing => Landing::NoItem,
                Item::Pending => Landing::Wait,
                Item::There => match node.kind {
                    TaskKind::Empty | TaskKind::LatestOnly => Landing::Done,
                    TaskKind::Approval => Landing::Ask,
                    _ => Landing::Ready,
                },
            },
        }
    }

    /// Fewer upstream instances are left than would be needed for this one.
    fn is_removed(&self, idx: NodeIdx, context: u32, slot: u32) -> bool {
        let node = self.node(idx);
        if !node.sees_removed || node.rule != TriggerRule::AllSuccess || !node.is_mapped() {
            return false;
        }
        let index = self.tree.of(node.scope).position(slot);
        let (counts, setups) = (self.counts(idx, context), self.setup_counts(idx, context));
        rule::verdict(node.rule, counts, setups, index) == Verdict::Remove
    }

    fn land_alike(
        &mut self,
        idx: NodeIdx,
        slots: Range<u32>,
        landing: Landing,
        mut attempt: Attempt,
        write: Write,
        out: &mut Decisions,
    ) {
        let timeout_ms = self.dag.task(idx).timeout_ms.filter(|_| landing == Landing::Ask);
        let due = timeout_ms.map(|timeout_ms| later(self.now, timeout_ms));
        let is_held = landing == Landing::Wait && self.node(idx).verdicts.contains(&Verdict::Run);
        let node = self.node_mut(idx);
        node.awaits_items |= is_held;
        let (state, reason) = match landing {
            Landing::Wait => (TaskState::None, None),
            Landing::Ready => (TaskState::Scheduled, None),
            Landing::Ask => (TaskState::AwaitingInput, None),
            Landing::Done => (TaskState::Success, None),
            Landing::NoItem => {
                (TaskState::Skipped, Some("no-item: what this instance is mapped over left no value".into()))
            }
            Landing::Marked(state, context) => (state, node.whys.get(&context).cloned()),
        };
        let begins = matches!(landing, Landing::Ready | Landing::Ask);
        if begins {
            attempt = Attempt { due, times_out: due.is_some(), ..attempt.next() };
            if attempt != Attempt::new(1, node.tries) {
                slots.clone().for_each(|slot| node.instances.set_attempt(slot, attempt));
            } else if node.instances.has_attempts() {
                slots.clone().for_each(|slot| node.instances.forget_attempt(slot));
            }
        }
        let first = node.map_index(slots.start);
        match write {
            Write::Insert => out.insert(InsertDecision {
                node: idx,
                first,
                count: slots.end - slots.start,
                state,
                try_number: TryNumber(attempt.try_number),
                max_tries: attempt.max_tries,
                retry_at: due,
                reason,
            }),
            Write::Transition if landing == Landing::Wait => {}
            Write::Transition => out.transition(TransitionDecision {
                node: idx,
                first,
                last: node.map_index(slots.end - 1),
                to: state,
                try_number: begins.then_some(TryNumber(attempt.try_number)),
                retry_at: due,
                reason,
            }),
        }
        match landing {
            Landing::Wait => {}
            Landing::Ready => {
                node.instances.set(slots.clone(), state);
                self.queue(idx, slots);
            }
            Landing::Ask => {
                node.instances.set(slots.clone(), state);
                for slot in slots {
                    self.sleep(idx, slot);
                }
            }
            Landing::Done | Landing::NoItem | Landing::Marked(..) => {
                if landing == Landing::Done {
                    self.answer_of_host(idx, slots.clone(), out);
                }
                self.end_slots(idx, slots, state);
            }
        }
    }

    /// What a task says that runs no body.
    fn answer_of_host(&mut self, idx: NodeIdx, slots: Range<u32>, out: &mut Decisions) {
        if self.node(idx).kind != TaskKind::LatestOnly || self.context.is_latest {
            return;
        }
        for slot in slots {
            let choice = Choice::Only(Vec::new());
            self.choices.insert((idx, slot), choice.clone());
            let answer = Answer { choice: Some(choice), ..Answer::default() };
            out.answers.push(AnswerDecision { node: idx, map_index: self.node(idx).map_index(slot), answer });
        }
    }

    /// These may start; where the author says so, not for ever.
    pub(super) fn queue(&mut self, idx: NodeIdx, slots: Range<u32>) {
        if let Some(timeout_ms) = self.node(idx).queued_timeout_ms {
            let until = later(self.now, timeout_ms);
            for slot in slots.clone() {
                self.overdue.insert((until, idx, slot));
                self.queued_until.insert((idx, slot), until);
            }
        }
        self.ready.add(idx, slots);
    }
}
