//! When a level of mapping can be expanded, to how many contexts, and what that makes.

use std::ops::Range;
use std::sync::Arc;

use model::dag::ScopeOf;
use model::{MapIndex, NodeIdx, ScopeIdx, TaskState};

use super::{RunMachine, Work};
use crate::contexts::Block;
use crate::expand::How;
use crate::rule::Verdict;
use crate::{BlockDecision, Decisions, ExpansionDecision, TransitionDecision};

/// What is known of the length of a level.
pub(super) enum Expansion {
    /// Some source has not ended.
    Wait,
    Length(u32),
    /// There will be no instances, and why.
    Never(Verdict, Arc<str>),
}

/// Why a context is a placeholder.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fate {
    /// There is nothing to map over.
    Empty,
    Never(Verdict, Arc<str>),
    /// It was one, and its sources were cleared.
    Unknown,
}

impl RunMachine {
    /// Looks at all sources of a level in one context of the one around it.
    pub(super) fn expansion(&self, scope: ScopeIdx, parent: u32) -> Expansion {
        let around = self.tree.parent(scope);
        match self.fate_of(around, parent) {
            Some(Fate::Empty) => return Expansion::Length(0),
            Some(Fate::Never(verdict, why)) => return Expansion::Never(verdict, why),
            Some(Fate::Unknown) => return Expansion::Wait,
            None => {}
        }
        if let Some(expansion) = self.halted(scope, parent) {
            return expansion;
        }
        let mapping = self.lengths.of(scope);
        match (self.all_lengths(&mapping.axes, around, parent), mapping.how) {
            (Err(expansion), _) => expansion,
            (Ok(lengths), How::Product) => self.product(scope, parent, &lengths),
            (Ok(lengths), How::Shortest) => self.limited(scope, parent, lengths.into_iter().min().map(u64::from)),
            (Ok(lengths), How::Longest) => self.limited(scope, parent, lengths.into_iter().max().map(u64::from)),
        }
    }

    /// Why a context is a placeholder, or inside one.
    pub(super) fn fate_of(&self, mut scope: ScopeIdx, mut context: u32) -> Option<Fate> {
        while scope != ScopeIdx::RUN {
            let contexts = self.tree.of(scope);
            let parent = contexts.parent(context);
            if contexts.position(context).is_none() {
                return Some(match self.expansion(scope, parent) {
                    Expansion::Never(verdict, why) => Fate::Never(verdict, why),
                    Expansion::Length(0) => Fate::Empty,
                    Expansion::Wait | Expansion::Length(_) => Fate::Unknown,
                });
            }
            (scope, context) = (self.tree.parent(scope), parent);
        }
        None
    }

    fn product(&self, scope: ScopeIdx, parent: u32, lengths: &[u32]) -> Expansion {
        if lengths.contains(&0) {
            return Expansion::Length(0);
        }
        let length = lengths.iter().try_fold(1_u64, |product, length| product.checked_mul(u64::from(*length)));
        self.limited(scope, parent, length)
    }

    /// The number of contexts, compared with the limits before any is made; none where it does not fit 64 bits.
    fn limited(&self, scope: ScopeIdx, parent: u32, length: Option<u64>) -> Expansion {
        let max = self.dag.max_map_length_of(scope).unwrap_or(self.limits.map_length);
        let max = max.min(self.limits.map_length_ceiling).min(i32::MAX.cast_unsigned());
        let what = match self.dag.scope(scope).of {
            ScopeOf::Group(_) => "the group",
            ScopeOf::Task(_) | ScopeOf::Run => "the task",
        };
        let too_large = |what: &str, number: String, max: u64| {
            let why = format!("map-too-large: {what} would have {number} instances; at most {max} are allowed");
            Expansion::Never(Verdict::Fail, why.into())
        };
        let Some(length) = length else {
            return too_large(what, format!("more than {}", u64::MAX), max.into());
        };
        let there = u64::from(self.tree.of(scope).live_length(parent)).max(1);
        let members = self.levels[scope.0 as usize].members.len() as u64;
        let total = self.instances.saturating_add(length.saturating_sub(there).saturating_mul(members));
        match u32::try_from(length) {
            Ok(length) if length <= max && total <= self.limits.instances => Expansion::Length(length),
            Ok(length) if length <= max => too_large("the run", total.to_string(), self.limits.instances),
            _ => too_large(what, length.to_string(), max.into()),
        }
    }

    /// Expands a level in one context of the one around it, or makes it longer or shorter than it was, where that is known now.
    pub(super) fn expand(&mut self, scope: ScopeIdx, parent: u32, out: &mut Decisions) {
        if self.is_gone(self.tree.parent(scope), parent) {
            return;
        }
        let expansion = self.expansion(scope, parent);
        if !self.tree.of(scope).is_expanded(parent) {
            match expansion {
                Expansion::Wait => {}
                Expansion::Length(0) => self.add_placeholder(scope, parent, true, out),
                Expansion::Length(length) => self.add_contexts(scope, parent, length, 0, out),
                Expansion::Never(..) => self.add_placeholder(scope, parent, false, out),
            }
            return;
        }
        match expansion {
            Expansion::Wait => return,
            Expansion::Length(length) => self.resize(scope, parent, length, out),
            Expansion::Never(..) => {}
        }
        let placeholders = self.tree.of(scope).blocks_of(parent).filter(|block| block.length == 0);
        for context in placeholders.map(|block| block.first).collect::<Vec<_>>() {
            self.decide_inside(scope, parent, context..context + 1);
            self.tell_expanded(scope, parent);
        }
        if self.lengths.of(scope).has_lists() {
            let blocks: Vec<_> =
                self.tree.of(scope).blocks_of(parent).filter(|block| block.live > 0).copied().collect();
            for block in blocks {
                let contexts = block.first..block.first + block.live;
                self.measure_items(scope, contexts.clone());
                self.decide_inside(scope, parent, contexts);
            }
        }
    }

    /// Items that were there before may have other lengths now.
    fn measure_items(&mut self, scope: ScopeIdx, contexts: Range<u32>) {
        for inner in self.levels[scope.0 as usize].over_items.clone() {
            let around = self.tree.parent(inner);
            for context in contexts.clone() {
                self.look_at(scope, context, around, |parents| Work::Expand { scope: inner, parents });
            }
        }
    }

    /// A context that is no longer part of the run, or lies in one.
    pub(super) fn is_gone(&self, mut scope: ScopeIdx, mut context: u32) -> bool {
        while scope != ScopeIdx::RUN {
            if !self.tree.of(scope).is_live(context) {
                return true;
            }
            (context, scope) = (self.tree.of(scope).parent(context), self.tree.parent(scope));
        }
        false
    }

    /// What waits in contexts whose sources were cleared may be decided now.
    fn decide_inside(&mut self, scope: ScopeIdx, parent: u32, contexts: Range<u32>) {
        if let ScopeOf::Task(node) = self.dag.scope(scope).of {
            return self.work.push(Work::Decide { node, contexts: parent..parent + 1 });
        }
        for idx in self.levels[scope.0 as usize].members.clone() {
            let within = self.node(idx).within;
            if within == scope {
                self.work.push(Work::Decide { node: idx, contexts: contexts.clone() });
            } else if self.dag.common_scope(within, scope) == scope {
                for context in contexts.clone() {
                    self.look_at(scope, context, within, |contexts| Work::Decide { node: idx, contexts });
                }
            }
        }
    }

    /// A list that a level is mapped over, or one around it, was cleared and is not there again: which of its items will be there, and
    /// what they are, is not known.
    pub(super) fn awaits_list(&self, mut scope: ScopeIdx, mut parent: u32) -> bool {
        loop {
            let around = self.tree.parent(scope);
            if self.lengths.of(scope).axes.iter().any(|axis| self.awaits_list_of(axis, around, parent)) {
                return true;
            }
            if around == ScopeIdx::RUN {
                return false;
            }
            (scope, parent) = (around, self.tree.of(around).parent(parent));
        }
    }

    fn resize(&mut self, scope: ScopeIdx, parent: u32, length: u32, out: &mut Decisions) {
        let there = self.tree.of(scope).live_length(parent);
        if length < there {
            return self.shrink(scope, parent, length, out);
        }
        if length == there {
            return;
        }
        let is_placeholder = there == 0 && self.tree.of(scope).blocks_of(parent).all(|block| block.length == 0);
        if is_placeholder && self.is_without_positions(scope, parent) {
            self.retract(scope);
            return self.add_contexts(scope, parent, length, 0, out);
        }
        if is_placeholder {
            let placeholders: Vec<_> = self.tree.of(scope).blocks_of(parent).map(|block| block.first).collect();
            placeholders.into_iter().for_each(|context| self.remove(scope, context, out));
        }
        let offset = self.tree.of(scope).blocks_of(parent).map(|block| block.offset + block.length).max().unwrap_or(0);
        // Positions that were there before and are gone come back as new contexts.
        self.add_contexts(scope, parent, length - there, there.min(offset), out);
    }

    /// Nothing in it, or around it, has positions: its rows are those without.
    fn is_without_positions(&self, scope: ScopeIdx, parent: u32) -> bool {
        let (mut around, mut context) = (self.tree.parent(scope), parent);
        while around != ScopeIdx::RUN {
            if self.tree.of(around).position(context).is_some() {
                return false;
            }
            context = self.tree.of(around).parent(context);
            around = self.tree.parent(around);
        }
        true
    }

    fn add_contexts(&mut self, scope: ScopeIdx, parent: u32, length: u32, offset: u32, out: &mut Decisions) {
        let members = self.levels[scope.0 as usize].members.len() as u64;
        let is_first = !self.tree.of(scope).is_expanded(parent);
        // What is expanded was counted as one.
        let more = length - u32::from(is_first);
        self.instances += u64::from(more) * members;
        let block = Block { parent, first: self.tree.of(scope).count(), length, offset, live: length };
        self.add(scope, block, more, out);
        self.give_rows(scope, out);
        if !is_first {
            self.decide_again(scope, parent);
        }
    }

    fn add_placeholder(&mut self, scope: ScopeIdx, parent: u32, is_known: bool, out: &mut Decisions) {
        let block = Block { parent, first: self.tree.of(scope).count(), length: 0, offset: 0, live: 0 };
        let is_without_positions = self.is_without_positions(scope, parent);
        if is_without_positions {
            self.tree.of_mut(scope).add(block);
            self.arrived(scope, block);
            for idx in self.dag.scope(scope).nodes.clone() {
                if is_known {
                    out.expansions.push(ExpansionDecision { node: idx, length: 0 });
                }
                self.adopt_summary(idx);
            }
        } else {
            self.add(scope, block, 0, out);
            self.give_rows(scope, out);
        }
    }

    /// The row without a position is that of the placeholder.
    fn adopt_summary(&mut self, idx: NodeIdx) {
        let node = self.node_mut(idx);
        let Some(state) = node.summary.take() else { return };
        node.instances.make(1);
        node.instances.set(0..1, state);
        if state.is_ended() {
            self.tell(idx, 0..1, state);
        }
    }

    fn add(&mut self, scope: ScopeIdx, block: Block, more: u32, out: &mut Decisions) {
        self.count_more(scope, block.parent, more);
        self.tree.of_mut(scope).add(block);
        self.arrived(scope, block);
        self.tell_block(scope, block, out);
    }

    fn tell_block(&self, scope: ScopeIdx, block: Block, out: &mut Decisions) {
        let is_first = block.first == 0 && block.live == block.length;
        let is_told_by_length =
            self.tree.depth(scope) == 1 && matches!(self.dag.scope(scope).of, ScopeOf::Task(_)) && is_first;
        if !is_told_by_length {
            out.blocks.push(BlockDecision { scope, block });
        }
    }

    /// Everything that depends on new contexts is looked at.
    pub(super) fn arrived(&mut self, scope: ScopeIdx, block: Block) {
        let contexts = block.contexts();
        self.arrive(scope, contexts.end - contexts.start);
        for child in &self.dag.scope(scope).children {
            self.work.push(Work::Expand { scope: *child, parents: contexts.clone() });
        }
        for node in &self.levels[scope.0 as usize].decided {
            self.work.push(Work::Decide { node: *node, contexts: contexts.clone() });
        }
        if let ScopeOf::Task(node) = self.dag.scope(scope).of {
            self.work.push(Work::Decide { node, contexts: block.parent..block.parent + 1 });
        }
        self.tell_expanded(scope, block.parent);
    }

    /// The tasks whose instances are contexts of this level have rows with positions.
    pub(super) fn give_rows(&mut self, scope: ScopeIdx, out: &mut Decisions) {
        for idx in self.dag.scope(scope).nodes.clone() {
            let node = self.node_mut(idx);
            node.has_positions = true;
            if node.summary.take().is_some() {
                // It may have been decided just now; then it is not made at all.
                out.inserts.retain(|it| it.node != idx || it.first != MapIndex::NONE);
            }
            let node = self.node(idx);
            out.expansions.push(ExpansionDecision { node: idx, length: node.instances.length() });
            if node.instances.made() < node.instances.length() && !self.unmade.contains(&idx) {
                self.unmade.push_back(idx);
            }
        }
    }

    /// A placeholder of rows without positions is one no more.
    fn retract(&mut self, scope: ScopeIdx) {
        for idx in self.levels[scope.0 as usize].members.clone() {
            if self.node(idx).instances.length() == 1 {
                if self.node(idx).instances.state(0).is_ended() {
                    self.untell(idx, 0);
                }
                self.node_mut(idx).instances.clear();
            }
        }
        let scopes: Vec<_> = self.dag.scopes().map(|(scope, _)| scope).collect();
        for inner in scopes {
            if self.dag.common_scope(inner, scope) == scope {
                self.forget_contexts(inner);
            }
        }
        if let ScopeOf::Task(node) = self.dag.scope(scope).of {
            self.undecide(node, 0);
        }
    }

    fn forget_contexts(&mut self, scope: ScopeIdx) {
        self.tree.of_mut(scope).clear();
        let level = std::mem::take(&mut self.levels[scope.0 as usize]);
        for (idx, counter) in &level.counted {
            let node = self.node_mut(*idx);
            match counter {
                crate::node::Counter::Input(i) => node.inputs[*i].counts.clear(),
                crate::node::Counter::Setup(i) => node.setups[*i].counts.clear(),
                crate::node::Counter::Gate(i) => node.gates[*i].said.clear(),
            }
        }
        for idx in &level.decided {
            let node = self.node_mut(*idx);
            node.verdicts.clear();
            node.whys.clear();
        }
        self.levels[scope.0 as usize] = level;
    }

    /// A mapped task that has got more instances decides about them too.
    fn decide_again(&mut self, scope: ScopeIdx, parent: u32) {
        if let ScopeOf::Task(node) = self.dag.scope(scope).of {
            self.undecide(node, parent);
            self.work.push(Work::Decide { node, contexts: parent..parent + 1 });
        }
    }

    pub(super) fn undecide(&mut self, idx: NodeIdx, context: u32) {
        let node = self.node_mut(idx);
        node.verdicts[context as usize] = Verdict::Wait;
        node.whys.remove(&context);
    }

    /// The surplus is no longer part of the run.
    fn shrink(&mut self, scope: ScopeIdx, parent: u32, length: u32, out: &mut Decisions) {
        for block in self.tree.of_mut(scope).shrink(parent, length) {
            self.tell_block(scope, block, out);
            for context in block.first + block.live..block.first + block.length {
                self.remove(scope, context, out);
            }
        }
        self.tell_expanded(scope, parent);
    }

    /// Whatever lies in a context is removed.
    fn remove(&mut self, scope: ScopeIdx, context: u32, out: &mut Decisions) {
        let reason: Arc<str> = "removed: what this was mapped over is no longer there".into();
        for idx in self.levels[scope.0 as usize].members.clone() {
            let of_node = self.node(idx).scope;
            for slot in self.tree.inside(scope, context, of_node).into_iter().flatten() {
                self.remove_slot(idx, slot, &reason, out);
            }
        }
    }

    fn remove_slot(&mut self, idx: NodeIdx, slot: u32, reason: &Arc<str>, out: &mut Decisions) {
        if slot >= self.node(idx).instances.made() {
            return;
        }
        let state = self.node(idx).instances.state(slot);
        if state == TaskState::Removed {
            return;
        }
        self.let_go(idx, slot, out);
        let map_index = self.node(idx).map_index(slot);
        let decision = TransitionDecision {
            node: idx,
            first: map_index,
            last: map_index,
            to: TaskState::Removed,
            try_number: None,
            retry_at: None,
            reason: Some(Arc::clone(reason)),
        };
        if state == TaskState::Running {
            out.transitions.push(decision)
        } else {
            out.transition(decision)
        }
        if state.is_ended() {
            self.end_again(idx, slot, TaskState::Removed);
        } else {
            self.end_slots(idx, slot..slot + 1, TaskState::Removed);
        }
    }
}
