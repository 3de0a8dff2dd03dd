//! Brings a database to the schema that this program knows. The schema's number is SQLite's `user_version`, which belongs to
//! the transaction that changes the schema, so a migration is done or it is not.

use sqlx::{AssertSqlSafe, SqliteConnection};
use store::StoreError;

use crate::error::failed;

/// All migrations: the first makes schema 1, and so on.
const MIGRATIONS: &[&str] = &[include_str!("../../../migrations/sqlite/0001_spine.sql")];

/// Applies what is missing.
pub(crate) async fn migrate(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let known = MIGRATIONS.len() as i64;
    loop {
        // The lock comes first, so that of two programs that start at once one migrates and the other sees it done.
        execute(conn, "BEGIN IMMEDIATE".into()).await?;
        let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *conn).await.map_err(failed)?;
        let step = match usize::try_from(found).ok().filter(|_| found <= known) {
            None => {
                execute(conn, "ROLLBACK".into()).await?;
                return Err(StoreError::NewerSchema { found, known });
            }
            Some(done) => MIGRATIONS.get(done),
        };
        let Some(step) = step else { return execute(conn, "ROLLBACK".into()).await };
        failpoint::begins("migrate::step");
        execute(conn, format!("{step}\n;PRAGMA user_version = {}", found + 1)).await?;
        execute(conn, "COMMIT".into()).await?;
        failpoint::ends("migrate::step");
        tracing::info!(schema = found + 1, "database migrated");
    }
}

async fn execute(conn: &mut SqliteConnection, sql: String) -> Result<(), StoreError> {
    // The texts are this file's own; the one number in them is an integer.
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.map_err(failed).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_known_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let texts: Vec<_> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        assert_eq!(texts, MIGRATIONS);
        for (number, file) in (1..).zip(&files) {
            assert!(file.file_name().unwrap().to_str().unwrap().starts_with(&format!("{number:04}_")), "{file:?}");
        }
    }
}
