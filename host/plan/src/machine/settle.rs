//! Consequences: levels are expanded, trigger rules are evaluated, rows are made and marked, until nothing changes any more.

use std::sync::Arc;

use model::document::TaskKind;
use model::{MapIndex, NodeIdx, ScopeIdx, TaskState, TryNumber};

use super::{Fate, RunMachine, Work};
use crate::node::Said;
use crate::rule::{self, Verdict};
use crate::{Decisions, InsertDecision};

/// What keeps a task from being decided in one of its contexts, or the decision.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Standing {
    /// It is not expanded there.
    Unexpanded,
    /// A branch or short circuit has not ended.
    Gate(NodeIdx),
    /// A setup that it needs has not ended.
    Setup,
    /// Its rule waits for upstream instances.
    Rule,
    /// The run before does not let it run yet.
    Past,
    Decided(Verdict, Option<Arc<str>>),
}

impl RunMachine {
    /// Looks at everything once, upstream first, and makes the rows of tasks that have none.
    pub(crate) fn begin(&mut self) -> Decisions {
        let mut out = Decisions::default();
        self.work.clear();
        self.look_at_everything(&mut out);
        out
    }

    pub(super) fn look_at_everything(&mut self, out: &mut Decisions) {
        let dag = Arc::clone(&self.dag);
        for (scope, at) in dag.scopes() {
            if let Some(parent) = at.parent {
                for context in 0..self.tree.of(parent).count() {
                    self.expand(scope, context, out);
                }
            }
            if self.tree.of(scope).count() > 0 && scope != ScopeIdx::RUN {
                self.give_missing_rows(scope, out);
            }
        }
        self.work_off(out);
        for node in dag.topological_order() {
            for context in 0..self.node(*node).verdicts.len() as u32 {
                self.settle(*node, context, out);
            }
            self.make_first(*node, out);
            // What ended just now may be what a task further down is mapped over.
            self.work_off(out);
        }
        self.come_to_rest(out);
    }

    /// Tasks of an expanded level whose rows were all cleared have them again.
    fn give_missing_rows(&mut self, scope: ScopeIdx, out: &mut Decisions) {
        let nodes = &self.dag.scope(scope).nodes;
        if nodes.iter().any(|node| !self.node(*node).has_positions) && self.has_real_contexts(scope) {
            self.give_rows(scope, out);
        }
    }

    fn has_real_contexts(&self, scope: ScopeIdx) -> bool {
        let contexts = self.tree.of(scope);
        let is_without = contexts.count() == 1
            && contexts.position(0).is_none()
            && std::iter::successors(Some((scope, 0)), |(scope, context)| {
                let parent = self.tree.parent(*scope);
                (parent != ScopeIdx::RUN).then(|| (parent, self.tree.of(*scope).parent(*context)))
            })
            .all(|(scope, context)| self.tree.of(scope).position(context).is_none());
        !is_without
    }

    /// The row of a task that is not mapped, or not expanded yet.
    fn make_first(&mut self, idx: NodeIdx, out: &mut Decisions) {
        let node = self.node(idx);
        if node.has_positions {
            return;
        }
        if node.instances.length() > 0 {
            if node.instances.made() == 0 {
                self.make(idx, 1, out);
            }
        } else if node.summary.is_none() {
            let max_tries = node.tries;
            self.node_mut(idx).summary = Some(TaskState::None);
            out.insert(InsertDecision {
                node: idx,
                first: MapIndex::NONE,
                count: 1,
                state: TaskState::None,
                try_number: TryNumber(0),
                max_tries,
                retry_at: None,
                reason: None,
            });
        }
    }

    /// Follows everything that has changed to its end.
    pub(super) fn come_to_rest(&mut self, out: &mut Decisions) {
        let mut budget = if self.awaits_commit { 0 } else { self.batch };
        loop {
            self.work_off(out);
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
        out.join_expansions();
        self.end_if_over(out);
    }

    pub(super) fn work_off(&mut self, out: &mut Decisions) {
        while let Some(work) = self.work.pop() {
            self.work_on(work, out);
        }
    }

    fn work_on(&mut self, work: Work, out: &mut Decisions) {
        #[cfg(test)]
        {
            self.steps += 1;
        }
        match work {
            Work::Expand { scope, parents } => {
                for parent in parents {
                    if parent < self.tree.of(self.tree.parent(scope)).count() {
                        self.expand(scope, parent, out);
                    }
                }
            }
            Work::Decide { node, contexts } => {
                for context in contexts {
                    if context < self.node(node).verdicts.len() as u32 {
                        self.settle(node, context, out);
                    }
                }
            }
            Work::Land { node, slots } => self.land(node, slots, out),
        }
    }

    /// Decides what becomes of a task in one of its contexts, where that is known now.
    fn settle(&mut self, idx: NodeIdx, context: u32, out: &mut Decisions) {
        if self.node(idx).verdicts[context as usize] != Verdict::Wait {
            return;
        }
        if let Standing::Decided(verdict, why) = self.standing(idx, context) {
            self.decide(idx, context, verdict, why, out);
        }
    }

    /// How a task stands that is not decided yet. The order is that of rank: what stands first is waited for before anything else
    /// is said, so that no order of ends makes another answer.
    pub(super) fn standing(&self, idx: NodeIdx, context: u32) -> Standing {
        let node = self.node(idx);
        if node.is_mapped() && !self.tree.of(node.scope).is_expanded(context) {
            return Standing::Unexpanded;
        }
        let fate = self.fate_of(node.within, context);
        if let Some(Fate::Never(verdict, why)) = fate {
            return Standing::Decided(verdict, Some(why));
        }
        if fate == Some(Fate::Unknown) {
            return Standing::Unexpanded;
        }
        let mut is_empty = fate.is_some();
        if node.is_mapped() {
            let Some(block) = self.tree.of(node.scope).blocks_of(context).last() else { return Standing::Unexpanded };
            if block.length == 0 {
                match self.fate_of(node.scope, block.first) {
                    Some(Fate::Never(verdict, why)) => return Standing::Decided(verdict, Some(why)),
                    Some(Fate::Unknown) => return Standing::Unexpanded,
                    _ => is_empty = true,
                }
            }
        }
        let around = if node.is_mapped() { node.scope } else { node.within };
        let parent =
            if node.is_mapped() || around == ScopeIdx::RUN { context } else { self.tree.of(around).parent(context) };
        if !is_empty && around != ScopeIdx::RUN && self.awaits_list(around, parent) {
            return Standing::Unexpanded;
        }
        let said = |at: ScopeIdx, said: &[Said]| said[self.tree.around(node.within, context, at) as usize];
        if let Some(gate) = node.gates.iter().find(|gate| said(gate.at, &gate.said).is_shut()) {
            return Standing::Decided(Verdict::Skip, Some(self.not_chosen(gate.decider)));
        }
        if let Some(gate) = node.gates.iter().find(|gate| said(gate.at, &gate.said).pending > 0) {
            return Standing::Gate(gate.decider);
        }
        let setups = self.setup_counts(idx, context);
        if node.kind != TaskKind::Teardown {
            if setups.has(&[TaskState::Failed, TaskState::UpstreamFailed]) {
                return Standing::Decided(Verdict::UpstreamFail, self.why_setup(idx, context));
            } else if setups.pending > 0 {
                return Standing::Setup;
            } else if setups.skipped > 0 {
                return Standing::Decided(Verdict::Skip, self.why_setup(idx, context));
            }
        }
        match rule::verdict(node.rule, self.counts(idx, context), setups, None) {
            Verdict::Wait => Standing::Rule,
            Verdict::Run if is_empty => {
                Standing::Decided(Verdict::Skip, Some("no-items: there is nothing to map over".into()))
            }
            Verdict::Run if !node.is_past_met => Standing::Past,
            Verdict::Run => Standing::Decided(Verdict::Run, None),
            verdict => Standing::Decided(verdict, self.why_rule(idx, context)),
        }
    }

    fn not_chosen(&self, decider: NodeIdx) -> Arc<str> {
        let task = self.dag.task(decider);
        let (kind, id) = (task.kind.as_str(), task.task_id.as_str());
        format!("{kind}: task {id:?} did not choose this one").into()
    }

    /// Says which upstream task kept this one from running.
    fn why_rule(&self, idx: NodeIdx, context: u32) -> Option<Arc<str>> {
        let why = self.why_of(idx, context, &self.dag.node(idx).upstream)?;
        Some(format!("{}: {why}", self.node(idx).rule.as_str()).into())
    }

    fn why_setup(&self, idx: NodeIdx, context: u32) -> Option<Arc<str>> {
        let why = self.why_of(idx, context, &self.dag.node(idx).setups)?;
        Some(format!("setup: {why}").into())
    }

    fn why_of(&self, idx: NodeIdx, context: u32, upstream: &[NodeIdx]) -> Option<String> {
        let bad = [TaskState::Failed, TaskState::UpstreamFailed, TaskState::Skipped, TaskState::Removed];
        let within = self.node(idx).within;
        let (state, task) = bad.iter().find_map(|state| {
            let ended_so = |upstream: &NodeIdx| {
                let node = self.node(*upstream);
                if node.total.of(*state) == 0 {
                    return false;
                }
                let at = self.dag.common_scope(node.scope, within);
                if at == ScopeIdx::RUN {
                    return true;
                }
                let around = self.tree.around(within, context, at);
                let mut slots = self.tree.inside(at, around, node.scope).into_iter().flatten();
                slots.any(|slot| node.instances.state(slot) == *state)
            };
            Some((state, upstream.iter().copied().find(ended_so)?))
        })?;
        Some(format!("task {:?} is {state}", self.dag.task(task).task_id.as_str()))
    }

    /// What the run before says has changed.
    pub(super) fn past_met(&mut self, nodes: &[NodeIdx]) {
        for idx in nodes.iter().filter(|idx| (idx.0 as usize) < self.nodes.len()).copied().collect::<Vec<_>>() {
            let node = self.node_mut(idx);
            node.is_past_met = true;
            let contexts = 0..node.verdicts.len() as u32;
            self.work.push(Work::Decide { node: idx, contexts });
        }
    }
}
