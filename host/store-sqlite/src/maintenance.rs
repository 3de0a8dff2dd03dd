//! What an operator does to a database file as a whole: look at it, migrate it, copy it, have SQLite check it.
//!
//! Callers: `cli`. Looking and copying work beside a server that has the file open; the rest wants the file for itself, which
//! the caller makes sure of.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use store::{DatabaseStatus, Migration, StoreError, Upgrade};

use crate::SqliteStore;
use crate::error::failed;
use crate::migrate::{self, migrate};
use crate::store::{assert_version, connect, options, write_options};

/// Pages in use and what one holds.
const SIZE: &str = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";

/// The cluster epoch. The table has one row.
const EPOCH: &str = "SELECT epoch FROM cluster WHERE id = 1";

/// Far more epochs than any server takes between two backups: whatever ran before a restore has a lower one.
const RESTORE_EPOCHS: i64 = 1 << 16;

/// What SQLite itself finds wrong, a line each, at most this many.
const DAMAGES_MAX: usize = 100;

impl SqliteStore {
    /// How the database at `path` stands. Changes nothing, and works beside a server.
    pub async fn status(path: &Path) -> Result<DatabaseStatus, StoreError> {
        let mut conn = connect(&options(path).read_only(true)).await?;
        let (schema, name) = migrate::schema(&mut conn).await?;
        let migrations = migrate::known();
        let version: String = scalar(&mut conn, "SELECT sqlite_version()").await?;
        let size: i64 = scalar(&mut conn, SIZE).await?;
        let epoch: Option<i64> = if schema.number == 0 { None } else { Some(scalar(&mut conn, EPOCH).await?) };
        let known_name = migrations.until(schema.number).last().map(|it| it.name.to_owned());
        Ok(DatabaseStatus {
            engine: format!("SQLite {version}"),
            schema,
            schema_name: name.or(known_name),
            known: migrations.known(),
            missing: migrations.missing(schema).map(<[Migration]>::to_vec).unwrap_or_default(),
            size_bytes: size.unsigned_abs(),
            epoch: epoch.map(|epoch| u32::try_from(epoch).unwrap_or(u32::MAX)),
            servers: None,
        })
    }

    /// Applies everything that the database at `path` lacks, and makes it when it is missing. Nobody else may use it.
    pub async fn migrate(path: &Path) -> Result<Vec<Migration>, StoreError> {
        let mut conn = connect(&write_options(path).create_if_missing(true)).await?;
        assert_version(&mut conn).await?;
        migrate(&mut conn, &migrate::known(), Upgrade::Whole).await
    }

    /// Writes what the database at `path` holds at one moment to a new file `copy`. Works beside a server, whose log grows while this
    /// lasts.
    pub async fn copy(path: &Path, copy: &Path) -> Result<(), StoreError> {
        let unusable = || StoreError::Unusable { detail: format!("{copy:?} is no path that SQLite can take") };
        let target = copy.to_str().ok_or_else(unusable)?;
        let mut conn = connect(&options(path).read_only(true)).await?;
        sqlx::query("VACUUM INTO ?1").bind(target).execute(&mut conn).await.map_err(failed)?;
        conn.close().await.map_err(failed)
    }

    /// Moves the whole log into the database file at `path`, which then is the database by itself. Works beside connections that do
    /// nothing; what others still read or write stays in the log.
    pub async fn settle(path: &Path) -> Result<(), StoreError> {
        let mut conn = connect(&write_options(path)).await?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut conn).await.map_err(failed)?;
        conn.close().await.map_err(failed)
    }

    /// Makes a restored database at `path` one that nobody of before can write to: raises the epoch above all that were given since
    /// the backup. Gives the new one.
    pub async fn epoch_leap(path: &Path) -> Result<u32, StoreError> {
        let mut conn = connect(&write_options(path)).await?;
        let sql = format!("UPDATE cluster SET epoch = epoch + {RESTORE_EPOCHS} WHERE id = 1 RETURNING epoch");
        let epoch: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut conn).await.map_err(failed)?;
        conn.close().await.map_err(failed)?;
        u32::try_from(epoch).map_err(|_| StoreError::CorruptRow { table: "cluster", detail: format!("epoch {epoch}") })
    }

    /// What SQLite finds wrong with pages, indexes and references of the database at `path`.
    pub async fn damages(path: &Path) -> Result<Vec<String>, StoreError> {
        let mut conn = connect(&options(path).read_only(true)).await?;
        let limit = DAMAGES_MAX;
        let pages =
            format!("SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok' LIMIT {limit}");
        let mut found: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(pages)).fetch_all(&mut conn).await.map_err(failed)?;
        let keys = format!(
            "SELECT 'a row of ' || \"table\" || ' refers to one of ' || parent || ' that is not there'
             FROM pragma_foreign_key_check LIMIT {limit}"
        );
        found.extend(sqlx::query_scalar::<_, String>(AssertSqlSafe(keys)).fetch_all(&mut conn).await.map_err(failed)?);
        Ok(found)
    }
}

async fn scalar<T>(conn: &mut SqliteConnection, sql: &'static str) -> Result<T, StoreError>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + Unpin,
{
    sqlx::query_scalar(sql).fetch_one(conn).await.map_err(failed)
}
