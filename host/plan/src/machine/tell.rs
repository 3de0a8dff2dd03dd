//! Counting ends: each is told to the tasks downstream, to what is mapped over it, and to the result.

use std::ops::Range;

use model::outcome::Choice;
use model::{NodeIdx, ScopeIdx, TaskState};

use super::{RunMachine, Work};
use crate::node::{Counter, Feed, Link};
use crate::rule::Counts;

impl RunMachine {
    /// Ends instances and tells everybody to whom it may mean something.
    pub(super) fn end_slots(&mut self, idx: NodeIdx, slots: Range<u32>, state: TaskState) {
        let node = self.node_mut(idx);
        let usual = node.usual_try(state);
        // Many at once have never been tried, and their state says so.
        if slots.end - slots.start == 1 || usual > 0 || node.instances.has_attempts() {
            for slot in slots.clone() {
                node.instances.set_tried(slot, node.tried(slot), usual);
            }
        }
        node.instances.set(slots.clone(), state);
        self.tell(idx, slots, state);
    }

    /// What had ended has another end now.
    pub(super) fn end_again(&mut self, idx: NodeIdx, slot: u32, state: TaskState) {
        self.untell(idx, slot);
        self.end_slots(idx, slot..slot + 1, state);
    }

    /// Counts the ends of instances that have just ended.
    pub(super) fn tell(&mut self, idx: NodeIdx, slots: Range<u32>, state: TaskState) {
        let count = slots.end - slots.start;
        #[cfg(test)]
        {
            self.steps += u64::from(count);
        }
        let (scope, links) = (self.node(idx).scope, std::mem::take(&mut self.node_mut(idx).links));
        for link in &links {
            if link.at == ScopeIdx::RUN {
                self.tell_link(idx, *link, 0, slots.clone(), state);
            } else {
                for slot in slots.clone() {
                    let context = self.tree.around(scope, slot, link.at);
                    self.tell_link(idx, *link, context, slot..slot + 1, state);
                }
            }
        }
        self.node_mut(idx).links = links;
        let total = &mut self.node_mut(idx).total;
        let is_news = total.end(state, count);
        let is_complete = total.pending == 0;
        self.unfinished -= u32::from(is_complete);
        let feeds = std::mem::take(&mut self.node_mut(idx).feeds);
        for feed in &feeds {
            if !feed.is_of_instances || self.awaits_items(feed.scope) {
                slots.clone().for_each(|slot| self.tell_feed(idx, *feed, slot));
            }
        }
        self.node_mut(idx).feeds = feeds;
        if is_news {
            self.update_result(idx);
        }
    }

    /// An instance that has ended is pending again for everybody.
    pub(super) fn untell(&mut self, idx: NodeIdx, slot: u32) {
        let (state, scope) = (self.node(idx).instances.state(slot), self.node(idx).scope);
        let links = std::mem::take(&mut self.node_mut(idx).links);
        for link in &links {
            let context = self.tree.around(scope, slot, link.at) as usize;
            let said = self.said(idx, slot, link.to);
            let to = &mut self.nodes[link.to.0 as usize];
            match link.counter {
                Counter::Input(i) => to.inputs[i].counts[context].reopen(state, 1),
                Counter::Setup(i) => to.setups[i].counts[context].reopen(state, 1),
                Counter::Gate(i) => {
                    let gate = &mut to.gates[i].said[context];
                    gate.pending += 1;
                    *if said { &mut gate.open } else { &mut gate.shut } -= 1;
                }
            }
        }
        self.node_mut(idx).links = links;
        let total = &mut self.node_mut(idx).total;
        let was_complete = total.pending == 0;
        total.reopen(state, 1);
        self.unfinished += u32::from(was_complete);
    }

    fn tell_link(&mut self, idx: NodeIdx, link: Link, context: u32, slots: Range<u32>, state: TaskState) {
        let count = slots.end - slots.start;
        let open = match link.counter {
            Counter::Gate(_) => slots.filter(|slot| self.said(idx, *slot, link.to)).count() as u32,
            Counter::Input(_) | Counter::Setup(_) => 0,
        };
        let to = &mut self.nodes[link.to.0 as usize];
        to.sees_removed |= state == TaskState::Removed;
        let is_news = match link.counter {
            Counter::Input(i) => to.inputs[i].counts[context as usize].end(state, count),
            Counter::Setup(i) => to.setups[i].counts[context as usize].end(state, count),
            Counter::Gate(i) => {
                let said = &mut to.gates[i].said[context as usize];
                said.pending -= count;
                said.open += open;
                said.shut += count - open;
                said.pending == 0
            }
        };
        if is_news {
            let within = to.within;
            self.look_at(link.at, context, within, |contexts| Work::Decide { node: link.to, contexts });
        }
    }

    /// Something is to be looked at in every context of `inner` that lies in one of `outer`.
    pub(super) fn look_at(
        &mut self,
        outer: ScopeIdx,
        context: u32,
        inner: ScopeIdx,
        work: impl Fn(Range<u32>) -> Work,
    ) {
        if outer == inner {
            self.work.push(work(context..context + 1));
        } else {
            self.work.extend(self.tree.inside(outer, context, inner).into_iter().map(work));
        }
    }

    /// Whether a branch, short circuit or the like lets a task go on; one that did not succeed does.
    fn said(&self, idx: NodeIdx, slot: u32, to: NodeIdx) -> bool {
        let node = self.node(idx);
        if node.instances.state(slot) != TaskState::Success {
            return true;
        }
        match self.choices.get(&(idx, slot)) {
            None | Some(Choice::All) => true,
            Some(Choice::Only(ids)) if ids.is_empty() => false,
            Some(Choice::Only(ids)) => !self.dag.skipped_by(idx, ids).is_ok_and(|skipped| skipped.contains(&to)),
        }
    }

    /// The end of an instance may tell how long something is, or that an item is there.
    fn tell_feed(&mut self, idx: NodeIdx, feed: Feed, slot: u32) {
        let context = self.tree.around(self.node(idx).scope, slot, feed.at);
        if !feed.is_of_instances {
            let around = self.tree.parent(feed.scope);
            self.look_at(feed.at, context, around, |parents| Work::Expand { scope: feed.scope, parents });
        } else {
            for range in self.contexts_over(idx, slot, feed, context) {
                for scope in self.levels[feed.scope.0 as usize].over_items.clone() {
                    let around = self.tree.parent(scope);
                    for context in range.clone() {
                        self.look_at(feed.scope, context, around, |parents| Work::Expand { scope, parents });
                    }
                }
                for member in self.levels[feed.scope.0 as usize].members.clone() {
                    let of_member = self.node(member).scope;
                    for context in range.clone() {
                        self.look_at(feed.scope, context, of_member, |slots| Work::Land { node: member, slots });
                    }
                }
            }
        }
    }

    /// Somebody has to hear of each item of a level.
    fn awaits_items(&self, scope: ScopeIdx) -> bool {
        !self.levels[scope.0 as usize].over_items.is_empty()
            || self.levels[scope.0 as usize].members.iter().any(|member| self.node(*member).awaits_items)
    }

    /// The expansion of a task, or of something around it, may tell how long something is that is mapped over its instances.
    pub(super) fn tell_expanded(&mut self, scope: ScopeIdx, parent: u32) {
        let around = self.tree.parent(scope);
        for member in self.levels[scope.0 as usize].members.clone() {
            for feed in self.node(member).feeds.clone().into_iter().filter(|feed| feed.is_of_instances) {
                if self.tree.depth(feed.at) > self.tree.depth(around) {
                    continue;
                }
                let context = self.tree.around(around, parent, feed.at);
                let parents_of = self.tree.parent(feed.scope);
                self.look_at(feed.at, context, parents_of, |parents| Work::Expand { scope: feed.scope, parents });
            }
        }
    }

    /// There are so many more contexts of a scope. Whoever counts by them counts, and whoever is decided in them waits.
    pub(super) fn arrive(&mut self, scope: ScopeIdx, count: u32) {
        let level = std::mem::take(&mut self.levels[scope.0 as usize]);
        for (idx, counter) in &level.counted {
            let decider = match counter {
                Counter::Gate(i) => Some(self.node(*idx).gates[*i].decider),
                Counter::Input(_) | Counter::Setup(_) => None,
            };
            let node = self.node_mut(*idx);
            match counter {
                Counter::Input(i) => extend_counts(&mut node.inputs[*i], count),
                Counter::Setup(i) => extend_counts(&mut node.setups[*i], count),
                Counter::Gate(i) => {
                    debug_assert!(decider.is_some());
                    let said = &mut node.gates[*i].said;
                    let pending = crate::node::Said { pending: 1, ..Default::default() };
                    said.resize(said.len() + count as usize, pending);
                }
            }
        }
        for idx in &level.decided {
            let verdicts = &mut self.node_mut(*idx).verdicts;
            verdicts.resize(verdicts.len() + count as usize, crate::rule::Verdict::Wait);
        }
        for idx in &self.dag.scope(scope).nodes {
            self.nodes[idx.0 as usize].instances.grow(count);
        }
        self.levels[scope.0 as usize] = level;
    }

    /// What is counted around an expansion is so much more.
    pub(super) fn count_more(&mut self, scope: ScopeIdx, parent: u32, more: u32) {
        let around = self.tree.parent(scope);
        if more == 0 {
            return;
        }
        for member in self.levels[scope.0 as usize].members.clone() {
            let links = std::mem::take(&mut self.node_mut(member).links);
            for link in links.iter().filter(|link| self.tree.depth(link.at) <= self.tree.depth(around)) {
                let context = self.tree.around(around, parent, link.at) as usize;
                let to = &mut self.nodes[link.to.0 as usize];
                match link.counter {
                    Counter::Input(i) => to.inputs[i].counts[context].pending += more,
                    Counter::Setup(i) => to.setups[i].counts[context].pending += more,
                    Counter::Gate(i) => to.gates[i].said[context].pending += more,
                }
            }
            self.node_mut(member).links = links;
            let total = &mut self.node_mut(member).total;
            let was_complete = total.pending == 0;
            total.pending += more;
            self.unfinished += u32::from(was_complete);
        }
    }

    /// How the upstream instances of a task stand in one of its contexts.
    pub(super) fn counts(&self, idx: NodeIdx, context: u32) -> Counts {
        self.sum(&self.node(idx).inputs, idx, context)
    }

    /// How the setups of a task stand in one of its contexts.
    pub(super) fn setup_counts(&self, idx: NodeIdx, context: u32) -> Counts {
        self.sum(&self.node(idx).setups, idx, context)
    }

    fn sum(&self, inputs: &[crate::node::Input], idx: NodeIdx, context: u32) -> Counts {
        let within = self.node(idx).within;
        inputs.iter().fold(Counts::default(), |sum, input| {
            sum.plus(input.counts[self.tree.around(within, context, input.at) as usize])
        })
    }
}

fn extend_counts(input: &mut crate::node::Input, count: u32) {
    let length = input.counts.len() + count as usize;
    input.counts.resize(length, Counts::pending(input.tasks));
}
