//! The one task that writes. Whatever arrived while a transaction was being made durable goes into the next one together, so
//! the more callers there are, the less each pays for the disk.

use std::sync::Arc;

use async_trait::async_trait;
use clock::Clock;
use sqlx::SqliteConnection;
use store::StoreError;
use tokio::sync::{mpsc, oneshot};

use crate::alive::Alive;
use crate::checkpoint::{self, LogMeter};
use crate::error::{failed, is_lost_sync};
use crate::metric_names;

/// Writes that may wait; a caller beyond that waits to be let in.
const WAITING_MAX: usize = 1024;
/// Writes of one group.
const GROUP_MAX: usize = 256;
/// Takes the lock at once: a transaction that begins by reading cannot be sure to get it later.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// A change that is applied as a whole or not at all.
#[async_trait]
pub(crate) trait Write: Send + 'static {
    type Done: Send + 'static;
    type Error: From<StoreError> + Send + 'static;
    /// It is one statement, which SQLite undoes by itself when it fails (or one that matters, among others that may stand
    /// alone); no savepoint is needed.
    const IS_ONE_STATEMENT: bool = false;

    /// Applies the change. After an error the caller undoes what was done.
    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<Self::Done, Self::Error>;

    /// About how many bytes of the log it fills.
    fn log_bytes(&self) -> u64 {
        32 << 10
    }
}

/// The transaction of a group, as one write sees it. It begins with the write's first statement.
pub(crate) struct Transaction<'c> {
    conn: &'c mut SqliteConnection,
    /// The statement that begins it, until it has been run.
    begin: Option<&'static str>,
    has_savepoint: bool,
}

impl Transaction<'_> {
    /// The connection, within the transaction.
    pub(crate) async fn conn(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        if let Some(begin) = self.begin.take() {
            execute(self.conn, begin).await?;
        }
        Ok(self.conn)
    }

    /// The connection, and what must be run before anything else.
    pub(crate) fn take_begin(&mut self) -> (Option<&'static str>, &mut SqliteConnection) {
        (self.begin.take(), self.conn)
    }

    /// Undoes what this write has done so far.
    pub(crate) async fn restart(&mut self) -> Result<(), StoreError> {
        if self.begin.is_some() {
            return Ok(());
        }
        if self.has_savepoint {
            return execute(self.conn, "ROLLBACK TO one_write").await;
        }
        execute(self.conn, "ROLLBACK").await?;
        self.begin = Some(BEGIN);
        Ok(())
    }
}

/// Hands writes to the writer.
#[derive(Debug, Clone)]
pub(crate) struct Writer(mpsc::Sender<Box<dyn Job>>);

impl Writer {
    /// Starts the task that owns `conn`; it ends when the last handle is dropped, and `alive` with it.
    pub(crate) fn start(conn: SqliteConnection, meter: Arc<LogMeter>, clock: Arc<dyn Clock>, alive: Alive) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(WriterLoop { conn, meter, clock, alive, broken: None }.run(waiting));
        Self(jobs)
    }

    /// Applies a write; returns when it is durable.
    pub(crate) async fn apply<W: Write>(&self, write: W) -> Result<W::Done, W::Error> {
        let (reply, answer) = oneshot::channel();
        let stopped = || StoreError::Unavailable { detail: "the writer has stopped".to_owned() };
        let job = Request { write, result: None, reply };
        self.0.send(Box::new(job)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

/// A write and whoever waits for it, without their types.
#[async_trait]
trait Job: Send {
    fn needs_savepoint(&self) -> bool;
    fn log_bytes(&self) -> u64;
    /// Applies the write and keeps what came of it; false when it must be undone.
    async fn run(&mut self, tx: &mut Transaction<'_>) -> bool;
    fn answer(self: Box<Self>, committed: &Result<(), StoreError>);
}

struct Request<W: Write> {
    write: W,
    result: Option<Result<W::Done, W::Error>>,
    reply: oneshot::Sender<Result<W::Done, W::Error>>,
}

#[async_trait]
impl<W: Write> Job for Request<W> {
    fn needs_savepoint(&self) -> bool {
        !W::IS_ONE_STATEMENT
    }

    fn log_bytes(&self) -> u64 {
        self.write.log_bytes()
    }

    async fn run(&mut self, tx: &mut Transaction<'_>) -> bool {
        let result = self.write.write(tx).await;
        let is_kept = result.is_ok();
        self.result = Some(result);
        is_kept
    }

    fn answer(self: Box<Self>, committed: &Result<(), StoreError>) {
        let result = match (self.result, committed) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(done)), Ok(())) => Ok(done),
            (_, Err(error)) => Err(error.clone().into()),
            (None, Ok(())) => Err(StoreError::Unavailable { detail: "the write was not applied".to_owned() }.into()),
        };
        // Nobody waits any more: the write stands all the same.
        let _ = self.reply.send(result);
    }
}

struct WriterLoop {
    conn: SqliteConnection,
    meter: Arc<LogMeter>,
    clock: Arc<dyn Clock>,
    alive: Alive,
    /// Why nothing can be written until the database is opened again.
    broken: Option<StoreError>,
}

impl WriterLoop {
    async fn run(mut self, mut waiting: mpsc::Receiver<Box<dyn Job>>) {
        let mut group = Vec::new();
        while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
            let begin = self.clock.monotonic();
            let committed = self.commit(&mut group).await;
            metrics::histogram!(metric_names::COMMIT_SECONDS).record((self.clock.monotonic() - begin).as_secs_f64());
            metrics::histogram!(metric_names::COMMIT_WRITES).record(group.len() as f64);
            metrics::gauge!(metric_names::WRITES_WAITING).set(waiting.len() as f64);
            if let Err(error) = &committed {
                metrics::counter!(metric_names::COMMITS_FAILED).increment(1);
                tracing::error!(%error, writes = group.len(), "a transaction failed; nothing of it was written");
            }
            let bytes = group.iter().map(|job| job.log_bytes()).sum();
            for job in group.drain(..) {
                job.answer(&committed);
            }
            self.meter.add(bytes);
            if self.meter.take_too_long()
                && let Err(error) = checkpoint::move_log(&mut self.conn).await
            {
                tracing::warn!(%error, "the write-ahead log is long and could not be moved");
            }
        }
    }

    async fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let is_begun = match group {
            [alone] => self.apply_alone(&mut **alone).await,
            group => self.apply_together(group).await,
        };
        let committed = match is_begun {
            Ok(false) => return Ok(()),
            Ok(true) => sqlx::query("COMMIT").execute(&mut self.conn).await.map(drop).map_err(|error| {
                if is_lost_sync(&error) {
                    let detail = format!("the disk lost writes ({error}); restart the server");
                    self.alive.fails(&detail);
                    self.broken = Some(StoreError::NotWritable { detail });
                }
                failed(error)
            }),
            Err(error) => Err(error),
        };
        if committed.is_err() {
            // Fails when SQLite has rolled back by itself; either way no transaction is left open.
            let _ = sqlx::query("ROLLBACK").execute(&mut self.conn).await;
        }
        committed
    }

    /// Applies the only write of a group; false when nothing is left to commit.
    async fn apply_alone(&mut self, job: &mut dyn Job) -> Result<bool, StoreError> {
        let mut tx = Transaction { conn: &mut self.conn, begin: Some(BEGIN), has_savepoint: false };
        if !job.run(&mut tx).await {
            tx.restart().await?;
        }
        Ok(tx.begin.is_none())
    }

    /// Applies writes so that the failure of one leaves the others alone.
    async fn apply_together(&mut self, group: &mut [Box<dyn Job>]) -> Result<bool, StoreError> {
        execute(&mut self.conn, BEGIN).await?;
        for job in group {
            let has_savepoint = job.needs_savepoint();
            let begin = has_savepoint.then_some("SAVEPOINT one_write");
            let mut tx = Transaction { conn: &mut self.conn, begin, has_savepoint };
            let is_kept = job.run(&mut tx).await;
            if has_savepoint && tx.begin.is_none() {
                if !is_kept {
                    tx.restart().await?;
                }
                execute(&mut self.conn, "RELEASE one_write").await?;
            }
        }
        Ok(true)
    }
}

async fn execute(conn: &mut SqliteConnection, sql: &'static str) -> Result<(), StoreError> {
    sqlx::query(sql).execute(conn).await.map(drop).map_err(failed)
}

#[cfg(test)]
mod tests {
    use clock::Real;

    use super::*;
    use crate::SqliteStore;

    struct Panics;

    #[async_trait]
    impl Write for Panics {
        type Done = ();
        type Error = StoreError;

        async fn write(&mut self, _tx: &mut Transaction<'_>) -> Result<(), StoreError> {
            panic!("on purpose")
        }
    }

    #[tokio::test]
    async fn a_writer_that_panics_is_told_and_answers_nobody_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("some.db"), Arc::new(Real)).await.unwrap();
        let other = store.clone();
        let told = tokio::spawn(async move { other.failed().await });
        let stopped = store.writer.apply(Panics).await.unwrap_err();
        assert_eq!(told.await.unwrap(), "the writer of the database panicked");
        assert_eq!(store.failed().await, "the writer of the database panicked");
        for error in [stopped, store.writer.apply(Panics).await.unwrap_err()] {
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        }
    }
}
