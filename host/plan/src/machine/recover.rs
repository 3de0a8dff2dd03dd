//! A machine from rows. What a row says is taken over without a decision; [`RunMachine::begin`] then carries on: it evaluates
//! the rules of what waits, expands what can be expanded, and makes the rows that are missing.

use std::sync::Arc;

use jiff::Timestamp;
use model::{MapIndex, NodeIdx, ScopeIdx, TaskState};

use super::RunMachine;
use crate::contexts::Block;
use crate::retry::Attempt;
use crate::{SavedInstance, SavedRun};

impl RunMachine {
    pub(crate) fn restore(&mut self, saved: &SavedRun, now: Timestamp) {
        self.now = now;
        let scopes: Vec<_> = self.dag.scopes().map(|(scope, _)| scope).filter(|it| *it != ScopeIdx::RUN).collect();
        for scope in scopes {
            self.restore_contexts(scope, saved);
        }
        for instance in &saved.instances {
            self.restore_instance(instance);
        }
        for (idx, map_index, try_number) in &saved.prior_tries {
            let node = &mut self.nodes[idx.0 as usize];
            let slot = if node.scope == ScopeIdx::RUN { Some(0) } else { map_index.position() };
            let Some(slot) = slot else { continue };
            let has_row = (node.has_positions || node.scope == ScopeIdx::RUN) && slot < node.instances.made();
            if !has_row {
                let attempt = Attempt::new(try_number.0, try_number.0.saturating_add(node.tries));
                node.instances.set_attempt(slot, attempt);
            }
        }
        self.restore_answers(saved);
        for idx in self.dag.indices() {
            let node = self.node(idx);
            if node.has_positions && node.instances.made() < node.instances.length() {
                self.unmade.push_back(idx);
            }
        }
        self.count_ends();
        self.work.clear();
        let failed = |idx: &NodeIdx| self.node(*idx).instances.first_in(TaskState::Failed).map(|slot| (*idx, slot));
        let failed = self.dag.indices().filter_map(|idx| failed(&idx));
        let fails_fast = { failed }.find_map(|(idx, slot)| self.fails_fast(idx, self.node(idx).map_index(slot)));
        self.doom = saved.doom.clone().or(fails_fast);
        if let Some(reason) = self.doom.clone() {
            self.restore_halt(&reason);
        }
    }

    /// What is not expanded in a run that is being undone never will be.
    fn restore_halt(&mut self, reason: &Arc<str>) {
        let scopes: Vec<_> = self.dag.scopes().filter_map(|(scope, at)| Some((scope, at.parent?))).collect();
        for (scope, around) in scopes {
            for parent in 0..self.tree.of(around).count() {
                if self.tree.of(scope).blocks_of(parent).all(|block| block.length == 0) {
                    self.halted.insert((scope, parent), Arc::clone(reason));
                }
            }
        }
    }

    /// The contexts of a level: those that were saved, those that follow from lengths, or the placeholder of rows without positions
    /// that have all ended. Where every task of it was cleared as a whole, it is expanded again.
    fn restore_contexts(&mut self, scope: ScopeIdx, saved: &SavedRun) {
        let members = self.levels[scope.0 as usize].members.clone();
        let length_of = |node: &NodeIdx| saved.nodes[node.0 as usize].map_length.filter(|length| *length > 0);
        let blocks: Vec<_> = saved.blocks.iter().filter(|it| it.scope == scope).map(|it| it.block).collect();
        // A group whose tasks are all mapped has contexts before any of its tasks has rows with positions.
        if !blocks.is_empty() || members.iter().any(|node| length_of(node).is_some()) {
            let direct = self.dag.scope(scope).nodes.iter().filter_map(length_of).max();
            let is_first_level = self.tree.depth(scope) == 1;
            match direct {
                Some(length) if is_first_level && blocks.iter().all(|block| block.first > 0) => {
                    let length = blocks.first().map_or(length, |block| block.first);
                    self.restore_block(scope, Block { parent: 0, first: 0, length, offset: 0, live: length });
                }
                _ => {}
            }
            blocks.into_iter().for_each(|block| self.restore_block(scope, block));
            for node in &self.dag.scope(scope).nodes {
                self.nodes[node.0 as usize].has_positions = length_of(node).is_some();
            }
        } else {
            self.restore_placeholder(scope, &members, saved);
        }
    }

    fn restore_placeholder(&mut self, scope: ScopeIdx, members: &[NodeIdx], saved: &SavedRun) {
        let around = self.tree.parent(scope);
        let is_in_placeholder =
            around != ScopeIdx::RUN && self.tree.of(around).count() == 1 && self.tree.of(around).position(0).is_none();
        let rows = saved.instances.iter().filter(|row| members.contains(&row.node));
        let mut count = 0;
        let have_all_ended = { rows }.all(|row| {
            count += 1;
            row.state.is_ended() && row.map_index == MapIndex::NONE
        });
        let is_placeholder = around == ScopeIdx::RUN && have_all_ended && count == members.len();
        if is_placeholder || is_in_placeholder {
            self.restore_block(scope, Block { parent: 0, first: 0, length: 0, offset: 0, live: 0 });
        }
    }

    fn restore_block(&mut self, scope: ScopeIdx, block: Block) {
        if block.parent >= self.tree.of(self.tree.parent(scope)).count() {
            return;
        }
        let contexts = block.contexts();
        let count = contexts.end - contexts.start;
        let more = if self.tree.of(scope).is_expanded(block.parent) { block.length } else { count - 1 };
        self.count_more(scope, block.parent, more);
        self.instances += u64::from(more) * self.levels[scope.0 as usize].members.len() as u64;
        let first = self.tree.of(scope).count();
        self.tree.of_mut(scope).add(Block { first, ..block });
        self.arrive(scope, count);
    }

    fn restore_instance(&mut self, saved: &SavedInstance) {
        let node = &mut self.nodes[saved.node.0 as usize];
        let Some(slot) = node.slot(saved.map_index) else {
            if saved.map_index == MapIndex::NONE && !node.has_positions {
                node.summary = Some(saved.state);
            }
            return;
        };
        if node.scope != ScopeIdx::RUN && !node.has_positions && self.tree.of(node.scope).position(0).is_some() {
            // The level is expanded, but all rows of this task were cleared.
            node.summary = Some(saved.state);
            return;
        }
        node.instances.make(node.instances.made().max(slot + 1));
        let state = match saved.state {
            TaskState::Queued => TaskState::Scheduled,
            state => state,
        };
        node.instances.set(slot..slot + 1, state);
        if saved.has_value {
            node.instances.set_value(slot);
        }
        if state.is_ended() {
            let usual = node.usual_try(state);
            node.instances.set_tried(slot, saved.try_number.0, usual);
        }
        let due = match state {
            TaskState::UpForRetry | TaskState::UpForReschedule => Some(saved.retry_at.unwrap_or(self.now)),
            TaskState::Deferred | TaskState::AwaitingInput => saved.retry_at,
            _ => None,
        };
        let attempt = Attempt {
            lost: saved.lost_executions,
            suspect: saved.suspect,
            since: saved.since,
            due,
            times_out: saved.times_out,
            ..Attempt::new(saved.try_number.0, saved.max_tries)
        };
        if !state.is_ended() && attempt != node.attempt(slot) {
            node.instances.set_attempt(slot, attempt);
        }
        match state {
            TaskState::Scheduled => self.queue(saved.node, slot..slot + 1),
            TaskState::Running => {
                self.running.insert((saved.node, saved.map_index), saved.fence);
                self.ready.started(saved.node);
            }
            TaskState::UpForRetry => _ = due.map(|due| self.due.insert((due, saved.node, saved.map_index))),
            TaskState::UpForReschedule | TaskState::Deferred | TaskState::AwaitingInput => {
                self.sleep(saved.node, slot);
            }
            _ => {}
        }
    }

    fn restore_answers(&mut self, saved: &SavedRun) {
        for idx in self.dag.indices() {
            let length = saved.nodes[idx.0 as usize].list_length;
            let node = self.node_mut(idx);
            if node.scope == ScopeIdx::RUN && node.instances.state(0) == TaskState::Success {
                node.instances.set_list(0, length, None);
            }
        }
        for answer in &saved.answers {
            let Some(node) = self.nodes.get_mut(answer.node.0 as usize) else { continue };
            let Some(slot) = node.slot(answer.map_index) else { continue };
            if node.instances.state(slot) != TaskState::Success {
                continue;
            }
            let model::outcome::Answer { choice, list_length, item_lengths } = answer.answer.clone();
            if let Some(choice) = choice {
                self.choices.insert((answer.node, slot), choice);
            }
            if list_length.is_some() {
                node.instances.set_list(slot, list_length, item_lengths.map(Into::into));
            }
        }
    }

    /// Tells every task how its upstream instances ended, and what that makes of the result.
    fn count_ends(&mut self) {
        for idx in self.dag.indices() {
            let made = self.node(idx).instances.made();
            let mut slot = 0;
            while slot < made {
                let state = self.node(idx).instances.state(slot);
                let first = slot;
                while slot < made && self.node(idx).instances.state(slot) == state {
                    slot += 1;
                }
                if state.is_ended() {
                    self.tell(idx, first..slot, state);
                }
            }
        }
    }
}
