//! Logs of attempts, from a runner's lines to the log store.

use blobs::{LogKey, LogLevel, LogRecord, LogSource, LogStore};
use jiff::Timestamp;
use sandbox::{LogLine, LogPiece, Progress};

use crate::attempt::Attempt;
use crate::attempts::Attempts;

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

    /// Progress stands in the log too, so that whoever follows it sees how far the attempt is.
    pub(crate) async fn progress(&self, attempts: &Attempts, now: Timestamp, progress: Vec<Progress>) {
        for Progress { assignment, done, total, message } in progress {
            let Some(attempt) = attempts.get(assignment) else { continue };
            let of_total = total.map(|total| format!(" of {total}")).unwrap_or_default();
            let colon = if message.is_empty() { "" } else { ": " };
            let message = format!("progress {done}{of_total}{colon}{message}");
            let message = attempt.shown(message);
            let record = LogRecord { at: now, level: LogLevel::Info, source: LogSource::Waft, message };
            self.0.append(key(&attempt), vec![record]).await;
        }
    }

    /// Writes the last lines and closes the log.
    pub(crate) async fn finish(&self, attempt: &Attempt, lines: Vec<LogLine>) {
        self.lines(attempt, lines).await;
        self.0.finish(key(attempt)).await;
    }

    /// Writes lines, without what is hidden.
    pub(crate) async fn lines(&self, attempt: &Attempt, lines: Vec<LogLine>) {
        if !lines.is_empty() {
            let record = |line: LogLine| record(LogLine { text: attempt.shown(line.text), ..line });
            self.0.append(key(attempt), lines.into_iter().map(record).collect()).await;
        }
    }
}

fn record(line: LogLine) -> LogRecord {
    let (source, level) = match line.source {
        sandbox::LogSource::Stdout => (LogSource::Stdout, LogLevel::Info),
        sandbox::LogSource::Stderr => (LogSource::Stderr, LogLevel::Info),
        sandbox::LogSource::Waft => (LogSource::Waft, LogLevel::Warn),
        sandbox::LogSource::Log(level) => (LogSource::Log, of_guest(level)),
    };
    // A child process sent the number; one that is no time becomes the start of time.
    let at = Timestamp::from_microsecond(line.at_us).unwrap_or(Timestamp::UNIX_EPOCH);
    LogRecord { at, level, source, message: line.text }
}

fn of_guest(level: sandbox::LogLevel) -> LogLevel {
    match level {
        sandbox::LogLevel::Trace => LogLevel::Trace,
        sandbox::LogLevel::Debug => LogLevel::Debug,
        sandbox::LogLevel::Info => LogLevel::Info,
        sandbox::LogLevel::Warn => LogLevel::Warn,
        sandbox::LogLevel::Error => LogLevel::Error,
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
