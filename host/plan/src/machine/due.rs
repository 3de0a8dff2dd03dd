//! What time brings: tries that are due, waits that are over, slots that did not come in time; and what was waited for.

use std::sync::Arc;

use jiff::Timestamp;
use model::document::{FailureKind, TaskKind};
use model::{MapIndex, NodeIdx, TaskState, TryNumber};

use super::RunMachine;
use crate::retry::{self, Next};
use crate::{Cancelled, Decisions, TransitionDecision};

impl RunMachine {
    /// Ends the run when it is over its timeout; else does what is due.
    pub(super) fn time_passed(&mut self, out: &mut Decisions) {
        if self.doom.is_none() && self.deadline.is_some_and(|deadline| deadline <= self.now) {
            let timeout_ms = self.dag.document().run_timeout_ms.unwrap_or_default();
            self.halt(format!("timed-out: the run took longer than {timeout_ms} ms").into(), out);
        }
        while let Some(&(at, idx, map_index)) = self.due.first()
            && at <= self.now
        {
            self.due.pop_first();
            self.is_due(idx, map_index, out);
        }
        while let Some(&(at, idx, slot)) = self.overdue.first()
            && at <= self.now
        {
            self.overdue.pop_first();
            self.queued_until.remove(&(idx, slot));
            self.ready.remove(idx, slot);
            let timeout_ms = self.node(idx).queued_timeout_ms.unwrap_or_default();
            self.attempt_failed(idx, slot, &format!("queued-timeout: no slot was free for {timeout_ms} ms"), out);
        }
    }

    fn is_due(&mut self, idx: NodeIdx, map_index: MapIndex, out: &mut Decisions) {
        let Some(slot) = self.node(idx).slot(map_index) else { return };
        let attempt = self.node(idx).attempt(slot);
        self.is_awake(idx, slot);
        match self.node(idx).instances.state(slot) {
            TaskState::UpForRetry => {
                self.node_mut(idx).instances.set_attempt(slot, attempt.next());
                self.schedule(idx, slot, Some(attempt.try_number + 1), out);
            }
            TaskState::UpForReschedule | TaskState::Deferred if !attempt.times_out => {
                self.node_mut(idx).instances.set_attempt(slot, attempt.woken());
                self.schedule(idx, slot, None, out);
            }
            state @ (TaskState::UpForReschedule | TaskState::Deferred | TaskState::AwaitingInput) => {
                self.asleep -= u32::from(state == TaskState::AwaitingInput);
                if state == TaskState::UpForReschedule && self.dag.task(idx).soft_fail {
                    return self.skip_sensor(idx, slot, out);
                }
                self.attempt_failed(idx, slot, "timed-out: what it waited for did not come in time", out);
            }
            _ => {}
        }
    }

    fn skip_sensor(&mut self, idx: NodeIdx, slot: u32, out: &mut Decisions) {
        let reason = "timed-out: what the sensor waits for did not come in time";
        self.step(idx, slot, TaskState::Skipped, None, Some(reason.into()), out);
        self.end_slots(idx, slot..slot + 1, TaskState::Skipped);
    }

    /// What a deferred instance waits for is there, or an approval is answered.
    pub(super) fn woken(&mut self, idx: NodeIdx, map_index: MapIndex, out: &mut Decisions) {
        let node = self.nodes.get(idx.0 as usize).and_then(|node| Some((node.slot(map_index)?, node)));
        let Some((slot, node)) = node.filter(|(slot, node)| *slot < node.instances.made()) else { return };
        let state = node.instances.state(slot);
        if !matches!(state, TaskState::UpForReschedule | TaskState::Deferred | TaskState::AwaitingInput) {
            return;
        }
        self.wake(idx, slot);
        if state == TaskState::AwaitingInput {
            self.node_mut(idx).instances.set_value(slot);
            self.step(idx, slot, TaskState::Success, None, None, out);
            self.end_slots(idx, slot..slot + 1, TaskState::Success);
        } else {
            let attempt = self.node(idx).attempt(slot).woken();
            self.node_mut(idx).instances.set_attempt(slot, attempt);
            self.schedule(idx, slot, None, out);
        }
    }

    /// An instance waits for a time, or for something that is no time.
    pub(super) fn sleep(&mut self, idx: NodeIdx, slot: u32) {
        if self.node(idx).instances.state(slot) == TaskState::Deferred {
            *self.deferred.entry(idx).or_insert(0) += 1;
        }
        let (attempt, map_index) = (self.node(idx).attempt(slot), self.node(idx).map_index(slot));
        if let Some(due) = attempt.due {
            self.due.insert((due, idx, map_index));
        }
        let is_for_time = attempt.due.is_some() && self.node(idx).kind != TaskKind::Approval;
        self.asleep += u32::from(!is_for_time);
    }

    /// An instance waits no more.
    fn wake(&mut self, idx: NodeIdx, slot: u32) {
        self.is_awake(idx, slot);
        let (attempt, map_index) = (self.node(idx).attempt(slot), self.node(idx).map_index(slot));
        if let Some(due) = attempt.due {
            self.due.remove(&(due, idx, map_index));
        }
        let is_for_time = attempt.due.is_some() && self.node(idx).kind != TaskKind::Approval;
        self.asleep -= u32::from(!is_for_time);
    }

    /// Before its state says so.
    fn is_awake(&mut self, idx: NodeIdx, slot: u32) {
        if self.node(idx).instances.state(slot) != TaskState::Deferred {
            return;
        }
        if let Some(deferred) = self.deferred.get_mut(&idx) {
            *deferred -= 1;
            if *deferred == 0 {
                self.deferred.remove(&idx);
            }
        }
    }

    fn schedule(&mut self, idx: NodeIdx, slot: u32, try_number: Option<u32>, out: &mut Decisions) {
        self.step(idx, slot, TaskState::Scheduled, try_number, None, out);
        self.node_mut(idx).instances.set(slot..slot + 1, TaskState::Scheduled);
        self.queue(idx, slot..slot + 1);
    }

    /// An attempt failed while nothing ran.
    fn attempt_failed(&mut self, idx: NodeIdx, slot: u32, reason: &str, out: &mut Decisions) {
        let (attempt, map_index) = (self.node(idx).attempt(slot), self.node(idx).map_index(slot));
        let which = self.which(idx, map_index);
        match retry::failed(self.dag.task(idx), which, attempt, FailureKind::TimedOut, None) {
            Next::Retry { delay_ms } if self.node(idx).kind != TaskKind::Approval => {
                let due = self.retry_later(idx, slot, attempt, delay_ms);
                self.write(idx, slot, TaskState::UpForRetry, None, Some(due), Some(reason.into()), out);
            }
            _ => {
                self.step(idx, slot, TaskState::Failed, None, Some(reason.into()), out);
                self.end_slots(idx, slot..slot + 1, TaskState::Failed);
                self.fail_fast(idx, map_index, out);
            }
        }
    }

    fn step(
        &self,
        idx: NodeIdx,
        slot: u32,
        to: TaskState,
        try_number: Option<u32>,
        reason: Option<Arc<str>>,
        out: &mut Decisions,
    ) {
        self.write(idx, slot, to, try_number, None, reason, out);
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one decision")]
    fn write(
        &self,
        idx: NodeIdx,
        slot: u32,
        to: TaskState,
        try_number: Option<u32>,
        retry_at: Option<Timestamp>,
        reason: Option<Arc<str>>,
        out: &mut Decisions,
    ) {
        let map_index = self.node(idx).map_index(slot);
        out.transition(TransitionDecision {
            node: idx,
            first: map_index,
            last: map_index,
            to,
            try_number: try_number.map(TryNumber),
            retry_at,
            reason,
        });
    }

    /// Whatever an unended instance holds or waits for: a slot, a time, an execution.
    pub(super) fn let_go(&mut self, idx: NodeIdx, slot: u32, out: &mut Decisions) {
        let map_index = self.node(idx).map_index(slot);
        match self.node(idx).instances.state(slot) {
            TaskState::Scheduled => {
                self.ready.remove(idx, slot);
                if let Some(until) = self.queued_until.remove(&(idx, slot)) {
                    self.overdue.remove(&(until, idx, slot));
                }
            }
            TaskState::Running => {
                if let Some(fence) = self.running.remove(&(idx, map_index)) {
                    self.ready.stopped(idx);
                    out.cancelled.push(Cancelled { node: idx, map_index, fence });
                }
            }
            TaskState::UpForRetry => {
                if let Some(due) = self.node(idx).attempt(slot).due {
                    self.due.remove(&(due, idx, map_index));
                }
            }
            TaskState::UpForReschedule | TaskState::Deferred | TaskState::AwaitingInput => self.wake(idx, slot),
            _ => {}
        }
    }
}
