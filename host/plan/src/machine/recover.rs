//! A machine from rows. What a row says is taken over without a decision; [`RunMachine::begin`] then carries on: it evaluates
//! the rules of what waits, expands what can be expanded, and makes the rows that are missing.

use jiff::Timestamp;
use model::TaskState;

use super::RunMachine;
use crate::retry::Attempt;
use crate::{SavedInstance, SavedRun};

impl RunMachine {
    pub(crate) fn restore(&mut self, saved: &SavedRun, now: Timestamp) {
        for (node, saved) in self.nodes.iter_mut().zip(&saved.nodes) {
            node.list_length = saved.list_length.filter(|_| !node.is_mapped());
            if let Some(length) = saved.map_length.filter(|_| node.is_mapped()) {
                node.expand(length);
            }
        }
        for instance in &saved.instances {
            self.restore_instance(instance, now);
        }
        for (idx, map_index, try_number) in &saved.prior_tries {
            let node = &mut self.nodes[idx.0 as usize];
            let slot = if node.is_mapped() { map_index.position() } else { Some(0) };
            let Some(slot) = slot else { continue };
            let has_row = (node.has_positions() || !node.is_mapped()) && slot < node.instances.made();
            if !has_row {
                let max_tries = try_number.0.saturating_add(node.tries);
                let attempt = Attempt { try_number: try_number.0, max_tries, lost: 0, suspect: false };
                node.instances.set_attempt(slot, attempt);
            }
        }
        for (idx, node) in self.dag.indices().zip(&self.nodes).filter(|(_, node)| node.has_positions()) {
            self.instances += u64::from(node.instances.length()) - 1;
            if node.instances.made() < node.instances.length() {
                self.unmade.push_back(idx);
            }
        }
        self.count_ends();
    }

    fn restore_instance(&mut self, saved: &SavedInstance, now: Timestamp) {
        let node = &mut self.nodes[saved.node.0 as usize];
        let Some(slot) = node.slot(saved.map_index) else { return };
        node.instances.make(node.instances.made().max(slot + 1));
        let try_number = saved.try_number.0;
        let state = match saved.state {
            TaskState::Queued => TaskState::Scheduled,
            state => state,
        };
        node.instances.set(slot..slot + 1, state);
        match state {
            TaskState::Scheduled => self.ready.add(saved.node, slot..slot + 1),
            TaskState::Running => {
                self.running.insert((saved.node, saved.map_index), saved.fence);
                self.ready.started(saved.node);
            }
            TaskState::UpForRetry => {
                self.retries.insert((saved.retry_at.unwrap_or(now), saved.node, saved.map_index));
            }
            TaskState::None | TaskState::Queued => {}
            TaskState::Success
            | TaskState::Failed
            | TaskState::Skipped
            | TaskState::UpstreamFailed
            | TaskState::Removed => {
                if saved.has_value {
                    node.instances.set_value(slot);
                }
                return;
            }
        }
        let attempt =
            Attempt { try_number, max_tries: saved.max_tries, lost: saved.lost_executions, suspect: saved.suspect };
        if attempt != node.attempt(slot) {
            node.instances.set_attempt(slot, attempt);
        }
    }

    /// Tells every task how its upstream instances ended, and what that makes of the result.
    fn count_ends(&mut self) {
        for idx in self.dag.indices() {
            let instances = &self.nodes[idx.0 as usize].instances;
            let (seen, is_complete) = (instances.seen(), instances.is_complete());
            self.unfinished -= u32::from(is_complete);
            for &downstream in &self.dag.node(idx).downstream {
                let upstream = &mut self.nodes[downstream.0 as usize].upstream;
                upstream.seen.add(seen);
                upstream.pending -= u32::from(is_complete);
            }
        }
        for idx in self.dag.indices() {
            self.update_result(idx);
        }
    }
}
