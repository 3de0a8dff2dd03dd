//! Brings a database to the schema that this program knows. The table `schema_migration` has a row for each migration that was
//! applied, written by the transaction that applied it, so a migration is done or it is not.

use std::time::Duration;

use store::StoreError;

use crate::rows::Cells;
use crate::session::Session;

/// All migrations with their names: the first makes schema 1, and so on.
const MIGRATIONS: &[(&str, &str)] = &[("0001_spine", include_str!("../../../migrations/postgres/0001_spine.sql"))];

/// Longest step of a migration.
const PATIENCE: Duration = Duration::from_secs(3600);

/// One migrator at a time; who waits for it waits for minutes rather than seconds, for tables may be large.
const LOCK: &str = "
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = '15min';
SELECT pg_advisory_xact_lock(hashtextextended('waft schema_migration', 0));
CREATE TABLE IF NOT EXISTS schema_migration (
    number     bigint PRIMARY KEY,
    name       text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)";

/// Whether there is a table of migrations.
const IS_KNOWN: &str = "SELECT to_regclass('schema_migration') IS NOT NULL AS is_known";

/// The newest migration that was applied. Finds it by the table's key.
pub(crate) const NEWEST: &str = "SELECT coalesce(max(number), 0)::bigint AS number FROM schema_migration";

/// Applies what is missing.
pub(crate) async fn migrate(session: &mut Session) -> Result<(), StoreError> {
    // Most programs find nothing to do, and need no lock and no right to change the schema for that.
    let row = session.one(sqlx::query(IS_KNOWN)).await?;
    if Cells::of(&row, "pg_class").flag("is_known")? && missing(session).await?.is_empty() {
        return Ok(());
    }
    session.be_patient(PATIENCE);
    loop {
        session.begin("BEGIN").await?;
        session.batch(LOCK.to_owned()).await?;
        let Some(((name, sql), number)) = missing(session).await?.first().zip(newest(session).await?.checked_add(1))
        else {
            return Ok(session.rollback().await?);
        };
        let done = format!("INSERT INTO schema_migration (number, name) VALUES ({number}, '{name}')");
        session.batch(format!("{sql};\n{done}")).await?;
        session.commit().await?;
        tracing::info!(schema = number, "database migrated");
    }
}

async fn newest(session: &mut Session) -> Result<i64, StoreError> {
    let row = session.one(sqlx::query(NEWEST)).await?;
    Cells::of(&row, "schema_migration").number("number")
}

/// What the database does not have yet.
async fn missing(session: &mut Session) -> Result<&'static [(&'static str, &'static str)], StoreError> {
    let (found, known) = (newest(session).await?, MIGRATIONS.len() as i64);
    let done = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found..));
    done.ok_or(StoreError::NewerSchema { found, known })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_known_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/postgres");
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let known: Vec<_> = MIGRATIONS.iter().map(|(name, _)| format!("{name}.sql")).collect();
        let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect();
        assert_eq!(names, known);
        for ((number, file), (name, text)) in (1..).zip(&files).zip(MIGRATIONS) {
            assert!(name.starts_with(&format!("{number:04}_")), "{name}");
            assert_eq!(std::fs::read_to_string(file).unwrap(), *text);
        }
    }
}
