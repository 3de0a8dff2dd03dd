//! Ends on their way to the queue. An attempt that is no longer held owes one report, whatever happens to whoever owes it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use metrics::{counter, gauge};
use model::limits::worker::{HEARTBEAT_MS, REPORTS_PER_CALL_MAX};
use store::{Report, StoreError};
use tokio::sync::mpsc;
use tracing::{error, warn};

use crate::Worker;
use crate::arguments::ArgumentError;
use crate::attempt::Attempt;
use crate::metric_names as names;
use crate::report;
use crate::report_queue::{ReportQueue, Waiting};

/// Pause before a report is repeated, doubled up to [`REPORT_PAUSE_MAX`].
const REPORT_PAUSE: Duration = Duration::from_millis(50);
pub(crate) const REPORT_PAUSE_MAX: Duration = Duration::from_secs(5);

/// An attempt that has just ended. Dropped without its report, by a panic say, it is reported as lost.
pub(crate) struct Owed {
    worker: Worker,
    pub(crate) attempt: Arc<Attempt>,
    is_paid: bool,
}

impl Owed {
    pub(crate) fn pay(mut self, report: Report) {
        self.is_paid = true;
        self.worker.send(report);
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if !self.is_paid {
            let message = "the worker failed while it took the attempt's end".to_owned();
            self.worker.send(report::lost(&self.attempt, self.worker.0.clock.now(), message, false));
        }
    }
}

impl Worker {
    /// Ends an attempt, unless somebody else has.
    pub(crate) fn owe(&self, id: u64) -> Option<Owed> {
        // Counted before it is let go, so that it is always one or the other.
        self.0.unreported.fetch_add(1, Ordering::SeqCst);
        let Some(attempt) = self.0.attempts.remove(id) else {
            self.settle_reports(1);
            return None;
        };
        Some(Owed { worker: self.clone(), attempt, is_paid: false })
    }

    /// Ends an attempt that cannot begin.
    pub(crate) fn refuse(&self, id: u64, error: &ArgumentError) {
        let Some(owed) = self.owe(id) else { return };
        let (attempt, now) = (owed.attempt.clone(), self.0.clock.now());
        owed.pay(match error {
            ArgumentError::Invalid(message) => report::refused(&attempt, now, message.clone()),
            ArgumentError::Missing(_) => report::skipped(&attempt, now, error.to_string()),
            ArgumentError::Unavailable(_) => report::lost(&attempt, now, error.to_string(), false),
        });
    }

    /// Ends attempts that did not come to their end here.
    pub(crate) fn lose(&self, ids: &[u64], message: &str, suspect: bool) {
        for owed in ids.iter().filter_map(|id| self.owe(*id)) {
            let attempt = owed.attempt.clone();
            owed.pay(report::lost(&attempt, self.0.clock.now(), message.to_owned(), suspect));
            self.finish_log(attempt);
        }
    }

    /// Ends attempts that were cancelled before they began.
    pub(crate) fn end_cancelled(&self, ids: &[u64]) {
        for owed in ids.iter().filter_map(|id| self.owe(*id)) {
            let attempt = owed.attempt.clone();
            owed.pay(report::cancelled(&attempt, self.0.clock.now()));
            self.finish_log(attempt);
        }
    }

    fn finish_log(&self, attempt: Arc<Attempt>) {
        let worker = self.clone();
        tokio::spawn(async move { worker.0.logs.finish(&attempt, Vec::new()).await });
    }

    fn send(&self, report: Report) {
        // The receiver lives as long as the worker's loops do.
        let _ = self.0.reports.send(report);
    }

    fn settle_reports(&self, count: usize) {
        self.0.unreported.fetch_sub(count, Ordering::SeqCst);
        self.0.settled.notify_waiters();
    }

    /// Sends reports, as many at a time as have gathered, and repeats them until they are durable or refused for good.
    pub(crate) async fn send_reports(self, mut reported: mpsc::UnboundedReceiver<Report>) {
        let mut waiting = ReportQueue::new();
        let mut arrived = Vec::new();
        let mut pause = REPORT_PAUSE;
        loop {
            if waiting.is_empty() {
                if reported.recv_many(&mut arrived, REPORTS_PER_CALL_MAX).await == 0 {
                    return;
                }
                arrived.drain(..).for_each(|report| waiting.push(report));
            }
            while let Ok(report) = reported.try_recv() {
                waiting.push(report);
            }
            let call = waiting.next();
            match self.report(&call).await {
                Ok(()) => {
                    waiting.taken();
                    pause = REPORT_PAUSE;
                    self.settle_reports(call.len());
                    gauge!(names::ATTEMPTS_HELD).set(self.0.attempts.len() as f64);
                }
                Err(error) => {
                    counter!(names::REPORTS_REPEATED).increment(call.len() as u64);
                    warn!(%error, count = call.len(), "reports are not durable yet");
                    if error.may_pass() {
                        waiting.put_off(call);
                        self.0.clock.sleep(pause).await;
                        pause = (pause * 2).min(REPORT_PAUSE_MAX);
                    } else if let Some(culprit) = waiting.split(call) {
                        self.refused(&mut waiting, culprit, &error);
                    }
                }
            }
        }
    }

    /// Has an attempt fail whose report cannot be taken. Should not even that be taken, its lease will end.
    fn refused(&self, waiting: &mut ReportQueue, culprit: Waiting, error: &StoreError) {
        let token = culprit.report.token;
        error!(?token, %error, is_substitute = culprit.is_substitute, "a report cannot be taken");
        if culprit.is_substitute {
            self.settle_reports(1);
        } else {
            waiting.substitute(report::instead_of(culprit.report, error));
        }
    }

    async fn report(&self, call: &[Waiting]) -> Result<(), StoreError> {
        let unavailable = |error: failpoint::Injected| StoreError::Unavailable { detail: error.to_string() };
        failpoint::before("complete::report").map_err(unavailable)?;
        let reports = call.iter().map(|waiting| waiting.report.clone()).collect();
        self.0.queue.report(self.0.id, reports).await?;
        failpoint::after("complete::report").map_err(unavailable)
    }

    /// Keeps the leases of what is held and of what is still being prepared.
    pub(crate) async fn beat(self) {
        loop {
            self.0.clock.sleep(Duration::from_millis(HEARTBEAT_MS)).await;
            if failpoint::before("hb::send").is_err() {
                continue;
            }
            if let Err(error) = self.0.queue.heartbeat(self.0.id).await {
                warn!(%error, "no heartbeat");
            }
        }
    }
}

#[cfg(test)]
mod tests;
