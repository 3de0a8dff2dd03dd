//! The end of an execution, and what follows from a failed one.

use model::document::FailureKind;
use model::limits::task::POKE_INTERVAL_DEFAULT_MS;
use model::outcome::{Answer, Choice, End, WakeOn};
use model::{MapIndex, NodeIdx, TaskState};

use super::{RunMachine, later};
use crate::retry::{self, Attempt, Next};
use crate::{AnswerDecision, Decisions, EndDecision};

impl RunMachine {
    /// The execution held the instance's current fence.
    pub(super) fn execution_ended(
        &mut self,
        idx: NodeIdx,
        map_index: MapIndex,
        end: &End,
        has_value: bool,
        answer: Answer,
        out: &mut Decisions,
    ) {
        self.running.remove(&(idx, map_index));
        self.ready.stopped(idx);
        let slot = self.node(idx).slot(map_index).expect("what runs has a slot");
        let attempt = self.node(idx).attempt(slot);
        let mut decision = EndDecision {
            to: TaskState::Scheduled,
            retry_at: None,
            since: None,
            times_out: false,
            lost_executions: attempt.lost,
            suspect: attempt.suspect,
            reason: None,
        };
        let next = retry::next(self.dag.task(idx), self.which(idx, map_index), attempt, end);
        let next = match next {
            Next::Ended(TaskState::Success) => match self.take_answer(idx, slot, has_value, answer, out) {
                Ok(()) => next,
                Err(reason) => {
                    decision.reason = Some(reason.into());
                    Next::Ended(TaskState::Failed)
                }
            },
            Next::Wait => self.wait(idx, slot, attempt, end, &mut decision),
            next => next,
        };
        match next {
            Next::Again { lost, suspect } => {
                decision.lost_executions = lost;
                decision.suspect = suspect;
                let node = self.node_mut(idx);
                node.instances.set_attempt(slot, Attempt { lost, suspect, ..attempt });
                node.instances.set(slot..slot + 1, TaskState::Scheduled);
                self.queue(idx, slot..slot + 1);
            }
            Next::Wait => {}
            Next::Retry { delay_ms } => {
                decision.retry_at = Some(self.retry_later(idx, slot, attempt, delay_ms));
                decision.to = TaskState::UpForRetry;
                (decision.lost_executions, decision.suspect) = (0, false);
            }
            Next::Ended(state) => {
                decision.to = state;
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
        let to = decision.to;
        out.ended = Some(decision);
        if to == TaskState::Failed {
            self.fail_fast(idx, map_index, out);
        }
    }

    /// Another try, later.
    pub(super) fn retry_later(&mut self, idx: NodeIdx, slot: u32, attempt: Attempt, delay_ms: u64) -> jiff::Timestamp {
        let due = later(self.now, delay_ms);
        let map_index = self.node(idx).map_index(slot);
        let node = self.node_mut(idx);
        let attempt = Attempt { due: Some(due), ..Attempt::new(attempt.try_number, attempt.max_tries) };
        node.instances.set_attempt(slot, attempt);
        node.instances.set(slot..slot + 1, TaskState::UpForRetry);
        self.due.insert((due, idx, map_index));
        due
    }

    /// Keeps what a success said; or says why the answer is none.
    fn take_answer(
        &mut self,
        idx: NodeIdx,
        slot: u32,
        has_value: bool,
        answer: Answer,
        out: &mut Decisions,
    ) -> Result<(), String> {
        let graph = self.dag.node(idx);
        let choice = answer.choice.filter(|_| self.dag.task(idx).is_decider());
        if let Some(Choice::Only(ids)) = &choice
            && let Err(unknown) = self.dag.skipped_by(idx, ids)
        {
            let task = self.dag.task(idx).task_id.as_str();
            return Err(format!(
                "unknown-choice: {unknown:?} is no task or group directly downstream of {task:?}",
                unknown = unknown.as_str()
            ));
        }
        let list_length = answer.list_length.filter(|_| graph.gives_list);
        let item_lengths = answer.item_lengths.filter(|_| graph.gives_list_of_lists);
        let map_index = self.node(idx).map_index(slot);
        let instances = &mut self.node_mut(idx).instances;
        if has_value {
            instances.set_value(slot);
        }
        instances.set_list(slot, list_length, item_lengths.clone().map(Into::into));
        if let Some(choice) = &choice {
            self.choices.insert((idx, slot), choice.clone());
        }
        let answer = Answer { choice, list_length, item_lengths };
        if answer != Answer::default() {
            out.answers.push(AnswerDecision { node: idx, map_index, answer });
        }
        Ok(())
    }

    /// The attempt goes on without a worker, unless it has done so for too long.
    fn wait(&mut self, idx: NodeIdx, slot: u32, attempt: Attempt, end: &End, decision: &mut EndDecision) -> Next {
        let task = self.dag.task(idx);
        let since = attempt.since.unwrap_or(self.now);
        let ends_at = task.timeout_ms.map(|timeout_ms| later(since, timeout_ms));
        let (to, due, times_out) = match end {
            End::Deferred { wake } => {
                let until = match wake.on {
                    WakeOn::Until { at_us } => jiff::Timestamp::from_microsecond(at_us).ok(),
                    WakeOn::Asset(_) | WakeOn::Signal(_) | WakeOn::DagRun(_) => None,
                };
                // The author's own timeout of the wait stands for that of the task.
                let ends_at = wake.timeout_ms.map(|timeout_ms| later(self.now, timeout_ms)).or(ends_at);
                match (until, ends_at) {
                    (Some(until), Some(end)) if end < until => (TaskState::Deferred, Some(end), true),
                    (Some(until), _) => (TaskState::Deferred, Some(until), false),
                    (None, end) => (TaskState::Deferred, end, end.is_some()),
                }
            }
            _ => {
                let asked = later(self.now, task.poke_interval_ms.unwrap_or(POKE_INTERVAL_DEFAULT_MS));
                match ends_at {
                    Some(end) if end <= self.now => return self.sensor_timed_out(idx, slot, attempt, decision),
                    Some(end) if end < asked => (TaskState::UpForReschedule, Some(end), true),
                    _ => (TaskState::UpForReschedule, Some(asked), false),
                }
            }
        };
        let attempt = Attempt { since: Some(since), due, times_out, lost: 0, suspect: false, ..attempt };
        let node = self.node_mut(idx);
        node.instances.set_attempt(slot, attempt);
        node.instances.set(slot..slot + 1, to);
        self.sleep(idx, slot);
        decision.to = to;
        decision.retry_at = due;
        decision.since = Some(since);
        decision.times_out = times_out;
        (decision.lost_executions, decision.suspect) = (0, false);
        Next::Wait
    }

    fn sensor_timed_out(&self, idx: NodeIdx, slot: u32, attempt: Attempt, decision: &mut EndDecision) -> Next {
        let task = self.dag.task(idx);
        decision.reason = Some("timed-out: what the sensor waits for did not come in time".into());
        if task.soft_fail {
            return Next::Ended(TaskState::Skipped);
        }
        let which = self.which(idx, self.node(idx).map_index(slot));
        retry::failed(task, which, attempt, FailureKind::TimedOut, None)
    }
}
