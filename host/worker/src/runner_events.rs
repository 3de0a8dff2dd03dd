//! What runners tell: completions become reports, lines go to the log, and what a dying runner had is brought to safety.

use std::sync::Arc;

use metrics::{counter, histogram};
use sandbox::{Completion, LogPiece, Progress, RunnerEvent};
use tokio::sync::mpsc;
use tracing::{debug, error, warn};

use crate::Worker;
use crate::caught::caught;
use crate::lane::Lane;
use crate::metric_names as names;
use crate::report;

impl Worker {
    /// Follows one runner until it is gone.
    pub(crate) async fn follow(self, lane: Arc<Lane>, pid: u32, events: mpsc::Receiver<RunnerEvent>) {
        let Err(panic) = caught(self.take_events(&lane, pid, events)).await else { return };
        error!(pid, panic, "a runner cannot be followed any more");
        // Nobody else keeps it, so that it ends.
        lane.forget(pid).await;
        self.lose(&self.0.attempts.of_runner(pid), &panic, true);
    }

    async fn take_events(&self, lane: &Lane, pid: u32, mut events: mpsc::Receiver<RunnerEvent>) {
        while let Some(event) = events.recv().await {
            match event {
                RunnerEvent::Started(ids) => debug!(pid, count = ids.len(), "attempts started"),
                RunnerEvent::Done(completions) => self.complete(completions).await,
                RunnerEvent::Log(pieces) => self.log(pieces).await,
                RunnerEvent::Progress(progress) => self.progress(progress).await,
                RunnerEvent::Died { reason, started, .. } => {
                    lane.forget(pid).await;
                    return self.died(pid, &reason, &started);
                }
            }
        }
        lane.forget(pid).await;
        self.lose(&self.0.attempts.of_runner(pid), "nobody watches over the runner any more", true);
    }

    fn died(&self, pid: u32, reason: &str, started: &[u64]) {
        // What the runner never heard of waits as well.
        let mut waiting = self.0.attempts.of_runner(pid);
        waiting.retain(|id| !started.contains(id));
        if started.is_empty() && waiting.is_empty() {
            return;
        }
        if self.is_stopping() {
            self.lose(started, "the worker stopped", false);
            return self.lose(&waiting, "the worker stopped", false);
        }
        counter!(names::RUNNERS_DIED).increment(1);
        warn!(pid, reason, started = started.len(), waiting = waiting.len(), "a runner died");
        self.lose(started, &format!("the runner died while it ran: {reason}"), true);
        // Those had not begun: another runner takes them under the same fence.
        let again = self.take_back(&waiting, pid).into_iter();
        self.begin_all(again.filter_map(|id| Some((id, self.0.attempts.get(id)?))).collect());
    }

    pub(crate) async fn complete(&self, completions: Vec<Completion>) {
        for completion in completions {
            let Some(mut completion) = self.take_items(completion).await else { continue };
            let Some(owed) = self.owe(completion.id) else { continue };
            histogram!(names::SANDBOX_SECONDS).record(completion.used.wall_us as f64 / 1e6);
            self.0.logs.finish(&owed.attempt, std::mem::take(&mut completion.log)).await;
            let report = report::of_completion(&self.0.blobs, &owed.attempt, completion, self.0.clock.now()).await;
            owed.pay(report);
        }
    }

    pub(crate) async fn log(&self, pieces: Vec<LogPiece>) {
        self.0.logs.pieces(&self.0.attempts, pieces).await;
    }

    pub(crate) async fn progress(&self, progress: Vec<Progress>) {
        self.0.logs.progress(&self.0.attempts, self.0.clock.now(), progress).await;
    }
}

#[cfg(test)]
mod tests;
