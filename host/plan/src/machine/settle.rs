//! Consequences: trigger rules are evaluated, rows are made and marked, until nothing changes any more.

use std::ops::Range;
use std::sync::Arc;

use model::document::TaskKind;
use model::{NodeIdx, TaskState, TryNumber};

use super::RunMachine;
use super::expansion::Expansion;
use crate::retry::Attempt;
use crate::rule::{self, Verdict};
use crate::{Decisions, ExpansionDecision, InsertDecision, TransitionDecision};

/// Where a verdict takes an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Landing {
    Wait,
    Ready,
    /// Nothing to run: it has succeeded.
    Done,
    /// The instance that it is mapped over left nothing to run with.
    NoItem,
    /// The whole task does not run.
    Marked(TaskState),
}

/// How a landing is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Insert,
    Transition,
}

impl RunMachine {
    /// Looks at every task once, upstream first, and makes the rows of those that have none.
    pub(crate) fn begin(&mut self) -> Decisions {
        let mut out = Decisions::default();
        let dag = Arc::clone(&self.dag);
        for node in dag.topological_order() {
            self.settle(*node, &mut out);
            if !self.node(*node).has_positions() && self.node(*node).instances.made() == 0 {
                self.make(*node, 1, &mut out);
            }
        }
        self.come_to_rest(&mut out);
        out
    }

    /// Follows everything that has changed to its end.
    pub(super) fn come_to_rest(&mut self, out: &mut Decisions) {
        let mut budget = if self.awaits_commit { 0 } else { self.batch };
        loop {
            while let Some(node) = self.unsettled.pop() {
                self.settle(node, out);
            }
            let Some(&node) = self.unmade.front() else { break };
            if budget == 0 {
                break;
            }
            let instances = &self.node(node).instances;
            let missing = instances.length() - instances.made();
            let count = missing.min(budget);
            if count == missing {
                self.unmade.pop_front();
            }
            budget -= count;
            self.make(node, count, out);
        }
        if !self.unmade.is_empty() && !self.awaits_commit {
            self.awaits_commit = true;
            out.more_after_commit = true;
        }
        self.end_if_over(out);
    }

    /// Expands the task and decides what becomes of it, where that is known now.
    fn settle(&mut self, idx: NodeIdx, out: &mut Decisions) {
        if self.node(idx).verdict != Verdict::Wait || self.node(idx).instances.is_complete() {
            return;
        }
        if self.node(idx).is_mapped() && self.node(idx).map_length.is_none() {
            match self.expansion(idx) {
                // Rules are for instances, and there are none yet.
                Expansion::Wait => return,
                Expansion::Length(length) => self.expand(idx, length, out),
                Expansion::Never(verdict, why) => return self.decide(idx, verdict, Some(why), out),
            }
        }
        let node = self.node(idx);
        match rule::verdict(node.rule, node.upstream) {
            Verdict::Wait => {}
            Verdict::Run if node.map_length == Some(0) => {
                self.decide(idx, Verdict::Skip, Some("no-items: there is nothing to map over".into()), out);
            }
            Verdict::Run => self.decide(idx, Verdict::Run, None, out),
            verdict => self.decide(idx, verdict, self.why(idx), out),
        }
    }

    /// Says which upstream task kept this one from running.
    fn why(&self, idx: NodeIdx) -> Option<Arc<str>> {
        let bad = [TaskState::Failed, TaskState::UpstreamFailed, TaskState::Skipped, TaskState::Removed];
        let (state, task) = bad.iter().find_map(|state| {
            let upstream = self.dag.node(idx).upstream.iter();
            let task = upstream.copied().find(|upstream| self.node(*upstream).instances.seen().contains(*state))?;
            Some((state, self.dag.task(task)))
        })?;
        Some(format!("{}: task {:?} is {state}", self.node(idx).rule.as_str(), task.task_id.as_str()).into())
    }

    fn expand(&mut self, idx: NodeIdx, length: u32, out: &mut Decisions) {
        self.node_mut(idx).expand(length);
        out.expansions.push(ExpansionDecision { node: idx, length });
        if length > 0 {
            self.instances += u64::from(length) - 1;
            self.unmade.push_back(idx);
        }
        // Tasks that are mapped over this one can be expanded now.
        self.unsettled.extend(&self.dag.node(idx).downstream);
    }

    fn decide(&mut self, idx: NodeIdx, verdict: Verdict, why: Option<Arc<str>>, out: &mut Decisions) {
        let node = self.node_mut(idx);
        node.verdict = verdict;
        node.why = why;
        let made = node.instances.made();
        self.land(idx, 0..made, Write::Transition, out);
    }

    /// Makes the next `count` rows of a task, in the states in which the verdict wants them.
    fn make(&mut self, idx: NodeIdx, count: u32, out: &mut Decisions) {
        let instances = &mut self.node_mut(idx).instances;
        let first = instances.made();
        instances.make(first + count);
        self.land(idx, first..first + count, Write::Insert, out);
    }

    /// Brings those of the slots that still wait to where the verdict wants them, as few ranges as possible.
    fn land(&mut self, idx: NodeIdx, slots: Range<u32>, write: Write, out: &mut Decisions) {
        let mut slot = slots.start;
        while slot < slots.end {
            if self.node(idx).instances.state(slot) != TaskState::None {
                slot += 1;
                continue;
            }
            let alike = (self.landing(idx, slot), self.node(idx).attempt(slot));
            let first = slot;
            while slot < slots.end
                && self.node(idx).instances.state(slot) == TaskState::None
                && (self.landing(idx, slot), self.node(idx).attempt(slot)) == alike
            {
                slot += 1;
            }
            let (landing, attempt) = alike;
            self.land_alike(idx, first..slot, landing, attempt, write, out);
        }
    }

    fn landing(&self, idx: NodeIdx, slot: u32) -> Landing {
        match self.node(idx).verdict {
            Verdict::Wait => Landing::Wait,
            Verdict::Skip => Landing::Marked(TaskState::Skipped),
            Verdict::UpstreamFail => Landing::Marked(TaskState::UpstreamFailed),
            Verdict::Fail => Landing::Marked(TaskState::Failed),
            Verdict::Run if !self.has_items(idx, slot) => Landing::NoItem,
            Verdict::Run => match self.node(idx).kind {
                TaskKind::Task => Landing::Ready,
                TaskKind::Empty => Landing::Done,
            },
        }
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
        let node = self.node_mut(idx);
        let (state, reason) = match landing {
            Landing::Wait => (TaskState::None, None),
            Landing::Ready => (TaskState::Scheduled, None),
            Landing::Done => (TaskState::Success, None),
            Landing::NoItem => {
                (TaskState::Skipped, Some("no-item: what this instance is mapped over left no value".into()))
            }
            Landing::Marked(state) => (state, node.why.clone()),
        };
        if landing == Landing::Ready {
            attempt.try_number += 1;
            if attempt != (Attempt { try_number: 1, max_tries: node.tries, lost: 0, suspect: false }) {
                slots.clone().for_each(|slot| node.instances.set_attempt(slot, attempt));
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
                reason,
            }),
            Write::Transition if landing == Landing::Wait => {}
            Write::Transition => out.transition(TransitionDecision {
                node: idx,
                first,
                last: node.map_index(slots.end - 1),
                to: state,
                try_number: (landing == Landing::Ready).then_some(TryNumber(attempt.try_number)),
                reason,
            }),
        }
        if landing == Landing::Ready {
            node.instances.set(slots.clone(), state);
            self.ready.add(idx, slots);
        } else if landing != Landing::Wait {
            self.end_slots(idx, slots, state);
        }
    }

    /// Ends instances and tells the tasks downstream what that may mean to them.
    pub(super) fn end_slots(&mut self, idx: NodeIdx, slots: Range<u32>, state: TaskState) {
        let instances = &mut self.node_mut(idx).instances;
        let is_news = instances.set(slots, state);
        let is_complete = instances.is_complete();
        if !is_news && !is_complete {
            return;
        }
        self.unfinished -= u32::from(is_complete);
        for &downstream in &self.dag.node(idx).downstream {
            let upstream = &mut self.nodes[downstream.0 as usize].upstream;
            upstream.seen.insert(state);
            upstream.pending -= u32::from(is_complete);
            self.unsettled.push(downstream);
        }
        self.update_result(idx);
    }
}
