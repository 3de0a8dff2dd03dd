//! What SQLite's errors mean to a caller.

use store::StoreError;

const SQLITE_BUSY: i32 = 5;
const SQLITE_READONLY: i32 = 8;
const SQLITE_IOERR: i32 = 10;
const SQLITE_FULL: i32 = 13;
const SQLITE_TOOBIG: i32 = 18;
const SQLITE_CONSTRAINT: i32 = 19;
const SQLITE_MISMATCH: i32 = 20;
const SQLITE_IOERR_WRITE: i32 = SQLITE_IOERR | (3 << 8);
const SQLITE_IOERR_FSYNC: i32 = SQLITE_IOERR | (4 << 8);
const SQLITE_IOERR_DIR_FSYNC: i32 = SQLITE_IOERR | (5 << 8);
const SQLITE_IOERR_TRUNCATE: i32 = SQLITE_IOERR | (6 << 8);

/// The error of a statement.
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    let detail = error.to_string();
    match extended_code(&error) {
        Some(SQLITE_IOERR_WRITE | SQLITE_IOERR_FSYNC | SQLITE_IOERR_DIR_FSYNC | SQLITE_IOERR_TRUNCATE) => {
            StoreError::NotWritable { detail }
        }
        Some(code) if matches!(code & 0xff, SQLITE_READONLY | SQLITE_FULL) => StoreError::NotWritable { detail },
        Some(code) if matches!(code & 0xff, SQLITE_TOOBIG | SQLITE_CONSTRAINT | SQLITE_MISMATCH) => {
            StoreError::Refused { detail }
        }
        None if matches!(error, sqlx::Error::Encode(_)) => StoreError::Refused { detail },
        _ => StoreError::Unavailable { detail },
    }
}

/// After such an error nobody knows what the disk holds, so nothing more may be promised until the database is opened again.
pub(crate) fn is_lost_sync(error: &sqlx::Error) -> bool {
    matches!(extended_code(error), Some(SQLITE_IOERR_FSYNC | SQLITE_IOERR_DIR_FSYNC))
}

/// Somebody else holds the database.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    extended_code(error).is_some_and(|code| code & 0xff == SQLITE_BUSY)
}

fn extended_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{AssertSqlSafe, ConnectOptions, Executor, SqliteConnection};

    use super::*;

    async fn open(path: &std::path::Path, read_only: bool) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(!read_only).read_only(read_only);
        options.connect().await.unwrap()
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_told_from_what_failed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.db");
        let mut conn = open(&path, false).await;
        conn.execute("CREATE TABLE t (a BLOB)").await.unwrap();

        conn.execute("PRAGMA max_page_count = 10").await.unwrap();
        let full = conn.execute("INSERT INTO t VALUES (zeroblob(100000))").await.unwrap_err();
        assert!(matches!(failed(full), StoreError::NotWritable { .. }));

        let mut reader = open(&path, true).await;
        let read_only = reader.execute("INSERT INTO t VALUES (1)").await.unwrap_err();
        assert!(matches!(failed(read_only), StoreError::NotWritable { .. }));

        let too_big = conn.execute("INSERT INTO t VALUES (zeroblob(2000000000))").await.unwrap_err();
        assert!(matches!(failed(too_big), StoreError::Refused { .. }));

        let wrong = conn.execute(AssertSqlSafe("SELECT nothing".to_owned())).await.unwrap_err();
        assert!(!is_lost_sync(&wrong));
        assert!(matches!(failed(wrong), StoreError::Unavailable { .. }));
    }
}
