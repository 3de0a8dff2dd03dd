//! Reports that are not durable yet, and how many of them go with the next call.
//!
//! Calls become smaller when they fail and larger when they are taken, so that one report that cannot be taken stops no other.

use std::collections::VecDeque;

use model::limits::worker::{REPORT_BYTES_PER_CALL_MAX, REPORTS_PER_CALL_MAX};
use store::Report;

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) report: Report,
    /// It stands for one that was refused.
    pub(crate) is_substitute: bool,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct ReportQueue {
    waiting: VecDeque<Waiting>,
    per_call: usize,
}

impl ReportQueue {
    pub(crate) fn new() -> Self {
        Self { waiting: VecDeque::new(), per_call: REPORTS_PER_CALL_MAX }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn push(&mut self, report: Report) {
        self.waiting.push_back(Waiting { report, is_substitute: false });
    }

    /// What goes with the next call; at least one, if there is any.
    pub(crate) fn next(&mut self) -> Vec<Waiting> {
        let mut bytes = 0;
        let fitting = self.waiting.iter().take(self.per_call).take_while(|waiting| {
            let is_first = bytes == 0;
            bytes += size_of::<Report>() + waiting.report.value_bytes();
            is_first || bytes <= REPORT_BYTES_PER_CALL_MAX
        });
        let count = fitting.count();
        self.waiting.drain(..count).collect()
    }

    /// A call was taken.
    pub(crate) fn taken(&mut self) {
        self.per_call = (self.per_call * 2).min(REPORTS_PER_CALL_MAX);
    }

    /// A call failed, and may not fail later: the others get on first, and what it had is sent in smaller calls.
    pub(crate) fn put_off(&mut self, call: Vec<Waiting>) {
        self.per_call = (call.len() / 2).max(1);
        self.waiting.extend(call);
    }

    /// A call was refused because of a report among these: they go in halves; the culprit when it was alone.
    pub(crate) fn split(&mut self, mut call: Vec<Waiting>) -> Option<Waiting> {
        self.per_call = (call.len() / 2).max(1);
        if call.len() <= 1 {
            return call.pop();
        }
        call.into_iter().rev().for_each(|waiting| self.waiting.push_front(waiting));
        None
    }

    /// Puts a report in the place of one that was refused.
    pub(crate) fn substitute(&mut self, report: Report) {
        self.waiting.push_front(Waiting { report, is_substitute: true });
    }
}
