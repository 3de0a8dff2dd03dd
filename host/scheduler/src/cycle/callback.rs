//! What a run owes its callbacks for what its machine has decided: an entry of the commit for each name that the document gives.
//!
//! A body that answers that it is not needed is told of, an instance that is passed over is not. What people mark by hand is their own
//! doing, and nobody is told of it, but of the end of the run that follows.

use std::sync::Arc;

use jiff::Timestamp;
use model::callback::CallbackEvent;
use model::document::TaskDocument;
use model::outcome::End;
use model::{Entrypoint, MapIndex, NodeIdx, RunState, TaskState, TryNumber};
use plan::timetable::deadline;
use plan::{Decisions, RunEnd};
use store::{CallbackSubject, ClaimedRun, DeadlineMet, NewCallback, Report};

use super::Cycle;
use super::decided::indexes;

impl Cycle {
    /// Callbacks of instances and of the run's end; `report` is what the machine decided about.
    pub(crate) fn callbacks(&mut self, run: &ClaimedRun, decisions: &Decisions, report: Option<&Report>) {
        if let Some((end, report)) = decisions.ended.as_ref().zip(report) {
            let token = report.token;
            if let Some((event, names)) = owed(run, token.instance.node, end.to, true) {
                let message = end.reason.clone().or_else(|| message_of(&report.execution.end));
                let subject = subject(token.instance.node, token.instance.map_index, token.try_number);
                self.owe(run, subject, event, names, message.as_ref());
            }
        }
        let none = TryNumber(0);
        let inserted = decisions.inserts.iter().map(|it| {
            let last = it.first.position().map_or(MapIndex::NONE, |first| MapIndex::at(first + it.count.max(1) - 1));
            (it.node, it.first, last, it.state, it.try_number, &it.reason)
        });
        let moved = decisions.transitions.iter();
        let moved = moved.map(|it| (it.node, it.first, it.last, it.to, it.try_number.unwrap_or(none), &it.reason));
        for (node, first, last, to, try_number, reason) in inserted.chain(moved) {
            if let Some((event, names)) = owed(run, node, to, false) {
                for map_index in indexes(first, last) {
                    self.owe(run, subject(node, map_index, try_number), event, names, reason.as_ref());
                }
            }
        }
        if let Some(end) = &decisions.run_end {
            self.run_callbacks(run, end);
        }
    }

    fn run_callbacks(&mut self, run: &ClaimedRun, end: &RunEnd) {
        let document = run.dag.document();
        let callbacks = &document.callbacks;
        if document.deadline.is_some() && !callbacks.on_deadline_missed.is_empty() {
            self.commit.deadlines_met.push(DeadlineMet { scope: run.scope, run: run.key, at: self.now });
        }
        let (event, names) = match end.state {
            RunState::Success => (CallbackEvent::Success, &callbacks.on_success),
            RunState::Failed => (CallbackEvent::Failure, &callbacks.on_failure),
            RunState::Queued | RunState::Running => return,
        };
        self.owe(run, None, event, names, end.reason.as_ref());
    }

    /// By when the run should have ended: a callback whose time comes then.
    pub(crate) fn deadline(&mut self, run: &ClaimedRun, queued_at: Timestamp, run_after: Timestamp) {
        let document = run.dag.document();
        let names = &document.callbacks.on_deadline_missed;
        let Some(rule) = document.deadline.filter(|_| !names.is_empty()) else { return };
        let Some(due_at) = deadline(rule, queued_at, run_after, run.logical_date) else { return };
        let message = format!("the run had not ended by {due_at}").into();
        self.owe_at(run, None, CallbackEvent::DeadlineMissed, names, Some(&message), due_at);
    }

    /// Likewise for a run that was cleared after its end; a deadline that is over stays over.
    pub(crate) fn deadline_again(&mut self, run: &ClaimedRun, run_after: Timestamp) {
        let before = self.commit.callbacks.len();
        let now = self.now;
        self.deadline(run, now, run_after);
        let mut at = 0;
        self.commit.callbacks.retain(|it| {
            at += 1;
            at <= before || it.due_at > now
        });
    }

    fn owe(
        &mut self,
        run: &ClaimedRun,
        subject: Option<CallbackSubject>,
        event: CallbackEvent,
        names: &[Entrypoint],
        message: Option<&Arc<str>>,
    ) {
        self.owe_at(run, subject, event, names, message, self.now);
    }

    fn owe_at(
        &mut self,
        run: &ClaimedRun,
        subject: Option<CallbackSubject>,
        event: CallbackEvent,
        names: &[Entrypoint],
        message: Option<&Arc<str>>,
        due_at: Timestamp,
    ) {
        let (scope, key, at) = (run.scope, run.key, self.now);
        self.commit.callbacks.extend(names.iter().map(|name| NewCallback {
            scope,
            run: key,
            subject,
            event,
            callback: name.clone(),
            message: message.cloned(),
            at,
            due_at,
        }));
    }
}

fn subject(node: NodeIdx, map_index: MapIndex, try_number: TryNumber) -> Option<CallbackSubject> {
    Some(CallbackSubject { node, map_index, try_number })
}

/// Who is to hear that an instance has this state; nothing where nobody is.
fn owed(run: &ClaimedRun, node: NodeIdx, to: TaskState, by_body: bool) -> Option<(CallbackEvent, &[Entrypoint])> {
    let TaskDocument { callbacks, .. } = run.dag.task(node);
    let (event, names) = match to {
        TaskState::Success => (CallbackEvent::Success, &callbacks.on_success),
        TaskState::Failed => (CallbackEvent::Failure, &callbacks.on_failure),
        TaskState::UpForRetry => (CallbackEvent::Retry, &callbacks.on_retry),
        TaskState::Skipped if by_body => (CallbackEvent::Skipped, &callbacks.on_skipped),
        _ => return None,
    };
    (!names.is_empty()).then_some((event, names.as_slice()))
}

fn message_of(end: &End) -> Option<Arc<str>> {
    match end {
        End::Success | End::Rescheduled | End::Deferred { .. } => None,
        End::Skipped { reason: message }
        | End::Failed { message, .. }
        | End::TimedOut { message }
        | End::Trapped { message }
        | End::OverLimit { message }
        | End::Cancelled { message }
        | End::HostLost { message, .. } => Some(message.as_str().into()),
    }
}
