//! The end of an execution, and the tries that follow a failed one.

use jiff::Timestamp;
use model::outcome::End;
use model::{MapIndex, NodeIdx, TaskState, TryNumber};

use super::{RunMachine, later};
use crate::retry::{self, Next};
use crate::{Decisions, EndDecision, TransitionDecision};

impl RunMachine {
    /// The execution held the instance's current fence.
    #[expect(clippy::too_many_arguments, reason = "the parts of one event")]
    pub(super) fn execution_ended(
        &mut self,
        idx: NodeIdx,
        map_index: MapIndex,
        end: &End,
        has_value: bool,
        list_length: Option<u32>,
        now: Timestamp,
        out: &mut Decisions,
    ) {
        self.running.remove(&(idx, map_index));
        self.ready.stopped(idx);
        let node = &mut self.nodes[idx.0 as usize];
        let slot = node.slot(map_index).expect("what runs has a slot");
        let attempt = node.attempt(slot);
        let mut decision =
            EndDecision { to: TaskState::Scheduled, retry_at: None, lost_executions: 0, suspect: false, reason: None };
        match retry::next(self.dag.task(idx), idx, map_index, attempt, end) {
            Next::Again { lost, suspect } => {
                node.instances.set_attempt(slot, retry::Attempt { lost, suspect, ..attempt });
                node.instances.set(slot..slot + 1, TaskState::Scheduled);
                self.ready.add(idx, slot..slot + 1);
                decision.lost_executions = lost;
                decision.suspect = suspect;
            }
            Next::Retry { delay_ms } => {
                let retry_at = later(now, delay_ms);
                node.instances.set_attempt(slot, retry::Attempt { lost: 0, suspect: false, ..attempt });
                node.instances.set(slot..slot + 1, TaskState::UpForRetry);
                self.retries.insert((retry_at, idx, map_index));
                decision.to = TaskState::UpForRetry;
                decision.retry_at = Some(retry_at);
            }
            Next::Ended(state) => {
                if state == TaskState::Success {
                    node.list_length = list_length.filter(|_| !node.is_mapped());
                    if has_value {
                        node.instances.set_value(slot);
                    }
                }
                decision.to = state;
                decision.lost_executions = attempt.lost;
                decision.suspect = attempt.suspect;
                if let End::HostLost { .. } = end {
                    decision.lost_executions += 1;
                    decision.reason = Some(
                        format!("infra-exhausted: {} executions of this attempt were lost", decision.lost_executions)
                            .into(),
                    );
                }
                self.end_slots(idx, slot..slot + 1, state);
            }
        }
        out.ended = Some(decision);
    }

    /// Ends the run when it is over its timeout; else schedules the tries that are due.
    pub(super) fn time_passed(&mut self, now: Timestamp, out: &mut Decisions) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            let timeout_ms = self.dag.document().run_timeout_ms.unwrap_or_default();
            return self.stop(format!("timed-out: the run took longer than {timeout_ms} ms").into(), out);
        }
        while let Some(&(at, idx, map_index)) = self.retries.first()
            && at <= now
        {
            self.retries.pop_first();
            let node = self.node_mut(idx);
            let slot = node.slot(map_index).expect("what is tried again has a slot");
            let mut attempt = node.attempt(slot);
            attempt.try_number += 1;
            node.instances.set_attempt(slot, attempt);
            node.instances.set(slot..slot + 1, TaskState::Scheduled);
            self.ready.add(idx, slot..slot + 1);
            out.transition(TransitionDecision {
                node: idx,
                first: map_index,
                last: map_index,
                to: TaskState::Scheduled,
                try_number: Some(TryNumber(attempt.try_number)),
                reason: None,
            });
        }
    }
}
