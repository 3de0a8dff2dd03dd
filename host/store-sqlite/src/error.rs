//! What SQLite's errors mean to a caller.

use store::StoreError;

const SQLITE_READONLY: i32 = 8;
const SQLITE_IOERR: i32 = 10;
const SQLITE_FULL: i32 = 13;
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
        _ => StoreError::Unavailable { detail },
    }
}

/// After such an error nobody knows what the disk holds, so nothing more may be promised until the database is opened again.
pub(crate) fn is_lost_sync(error: &sqlx::Error) -> bool {
    matches!(extended_code(error), Some(SQLITE_IOERR_FSYNC | SQLITE_IOERR_DIR_FSYNC))
}

fn extended_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}
