//! Moves the write-ahead log into the database file: when enough was written, and when the writer has been quiet for a while.
//!
//! The checkpointer works beside the writer on its own connection. A log can only begin again when all of it has been moved,
//! which never happens while somebody appends; so when the log has grown too long, the writer moves the rest itself,
//! between two transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{Row, SqliteConnection};
use tokio::sync::Notify;

use crate::alive::Alive;
use crate::metric_names;

/// Bytes written after which the log is moved though the writer is busy.
const MOVE_AT_BYTES: u64 = 32 << 20;
/// Quiet time after which the log is moved.
const QUIET: Duration = Duration::from_millis(500);
/// Pages of 4 KiB above which the writer stops for the log.
const LOG_MAX_PAGES: u64 = 16 << 10;

/// What the writer and the checkpointer tell each other.
#[derive(Debug, Default)]
pub(crate) struct LogMeter {
    /// An estimate, since the last move.
    written_bytes: AtomicU64,
    is_too_long: AtomicBool,
    changed: Notify,
}

impl LogMeter {
    /// The writer has committed about so many bytes.
    pub(crate) fn add(&self, bytes: u64) {
        let before = self.written_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before == 0 || (before < MOVE_AT_BYTES && before + bytes >= MOVE_AT_BYTES) {
            self.changed.notify_one();
        }
    }

    /// The writer should move the log before it goes on; says so once.
    pub(crate) fn take_too_long(&self) -> bool {
        self.is_too_long.load(Ordering::Relaxed) && self.is_too_long.swap(false, Ordering::Relaxed)
    }
}

/// Runs until the task is ended, and `alive` with it. Waits without a timer while nothing is written.
pub(crate) async fn run(mut conn: SqliteConnection, meter: Arc<LogMeter>, _alive: Alive) {
    loop {
        meter.changed.notified().await;
        while wait_for_reason(&meter).await {
            let written = meter.written_bytes.swap(0, Ordering::Relaxed);
            match move_log(&mut conn).await {
                Ok(log) if log.pages > LOG_MAX_PAGES => meter.is_too_long.store(true, Ordering::Relaxed),
                // A reader holds on to an older state; what it keeps is moved after the next quiet time.
                Ok(log) if log.moved < log.pages && written < MOVE_AT_BYTES => meter.add(1),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "the write-ahead log could not be moved; trying again after the next write")
                }
            }
        }
    }
}

/// Waits until enough was written or the writer is quiet; false when there is nothing to move.
async fn wait_for_reason(meter: &LogMeter) -> bool {
    loop {
        let before = meter.written_bytes.load(Ordering::Relaxed);
        if before == 0 || before >= MOVE_AT_BYTES {
            return before != 0;
        }
        let _ = tokio::time::timeout(QUIET, meter.changed.notified()).await;
        if meter.written_bytes.load(Ordering::Relaxed) == before {
            return true;
        }
    }
}

/// The log after a move.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log {
    pages: u64,
    moved: u64,
}

/// Moves as much of the log as nobody is reading. Called by the checkpointer, and by the writer between transactions.
pub(crate) async fn move_log(conn: &mut SqliteConnection) -> Result<Log, sqlx::Error> {
    let row = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(conn).await?;
    let pages = |column| row.try_get::<i64, _>(column).map(|pages| u64::try_from(pages).unwrap_or(0));
    let log = Log { pages: pages("log")?, moved: pages("checkpointed")? };
    metrics::gauge!(metric_names::WAL_PAGES).set(log.pages as f64);
    Ok(log)
}
