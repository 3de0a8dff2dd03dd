//! Opens the database.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};
use store::{StoreError, Upgrade};

use crate::alive::Loops;
use crate::checkpoint::{self, LogMeter};
use crate::error::{failed, is_busy};
use crate::migrate::{self, migrate};
use crate::writer::Writer;

/// Earlier ones can lose committed writes when one connection checkpoints while another writes.
const SQLITE_VERSION_MIN: (u32, u32, u32) = (3, 51, 3);
const READERS_MAX: u32 = 4;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a connection is tried again, and after which pause.
const BUSY_REPEATS: u32 = 50;
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// Page caches, in KiB (SQLite takes those as negative numbers).
const WRITER_CACHE: &str = "-8192";
const READER_CACHE: &str = "-2048";
/// Prepared statements of one connection. A commit's text differs with the kinds of rows in it.
const STATEMENTS_KEPT: usize = 64;
/// A log that has begun again is cut to this size.
const LOG_FILE_MAX_BYTES: &str = "67108864";

/// The store on SQLite. Clones share it. Must be opened within a tokio runtime.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pub(crate) reader: SqlitePool,
    pub(crate) writer: Writer,
    loops: Loops,
    _checkpointer: Arc<Checkpointer>,
}

#[derive(Debug)]
struct Checkpointer(tokio::task::AbortHandle);

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl SqliteStore {
    /// Opens the database at `path`, makes it when it is missing, and brings it to this program's schema. `clock` measures
    /// commits.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let mut conn = connect(&write_options(path).create_if_missing(true).pragma("cache_size", WRITER_CACHE)).await?;
        assert_version(&mut conn).await?;
        migrate(&mut conn, &migrate::known(), Upgrade::WhileOthersRun).await?;
        Self::start(path, conn, clock).await
    }

    /// Opens the database at `path` as it is; fails when it lacks migrations that this program needs.
    pub async fn open_existing(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let mut conn = connect(&write_options(path).pragma("cache_size", WRITER_CACHE)).await?;
        assert_version(&mut conn).await?;
        let (found, _) = migrate::schema(&mut conn).await?;
        migrate::known().assert_usable(found)?;
        Self::start(path, conn, clock).await
    }

    async fn start(path: &Path, conn: SqliteConnection, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let meter = Arc::new(LogMeter::default());
        let log_conn = connect(&write_options(path).pragma("cache_size", "-256")).await?;
        let loops = Loops::new();
        let alive = loops.alive("the checkpointer of the database");
        let checkpointer = tokio::spawn(checkpoint::run(log_conn, meter.clone(), alive)).abort_handle();
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options(path).read_only(true).pragma("cache_size", READER_CACHE));
        let writer = Writer::start(conn, meter, clock, loops.alive("the writer of the database"));
        Ok(Self { reader, writer, loops, _checkpointer: Arc::new(Checkpointer(checkpointer)) })
    }

    /// Waits until one of the store's loops has ended or can write nothing any more, and says which and why. After that the
    /// database must be opened again.
    pub async fn failed(&self) -> String {
        self.loops.failed().await
    }

    /// A connection to read with.
    pub(crate) async fn reader(&self) -> Result<sqlx::pool::PoolConnection<sqlx::Sqlite>, StoreError> {
        self.reader.acquire().await.map_err(failed)
    }
}

/// What all connections to a database have in common.
pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .row_buffer_size(512)
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}

/// For a connection that writes.
pub(crate) fn write_options(path: &Path) -> SqliteConnectOptions {
    options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "0")
        .pragma("journal_size_limit", LOG_FILE_MAX_BYTES)
}

/// Connects. While somebody else changes a new database to its write-ahead log, SQLite refuses at once instead of waiting.
pub(crate) async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    for _ in 0..BUSY_REPEATS {
        match options.connect().await {
            Err(error) if is_busy(&error) => tokio::time::sleep(BUSY_PAUSE).await,
            connected => return connected.map_err(failed),
        }
    }
    options.connect().await.map_err(failed)
}

pub(crate) async fn assert_version(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let text: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(conn).await.map_err(failed)?;
    let mut parts = text.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    let version = (part(), part(), part());
    if version < SQLITE_VERSION_MIN {
        let detail = format!("it is SQLite {text}, which can lose committed writes; 3.51.3 or newer is needed");
        return Err(StoreError::Unavailable { detail });
    }
    Ok(())
}
