//! Brings a database to the schema that this program knows. The table `schema_migration` has a row for each migration that was
//! applied, written by the transaction that applied it, so a migration is done or it is not; whoever is killed between two of
//! them goes on with the next one.

use std::time::Duration;

use store::{Migration, Migrations, Schema, StoreError, Upgrade};

use crate::rows::Cells;
use crate::session::Session;

/// The files, in order: the first makes schema 1, and so on.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("0001_spine", include_str!("../../../migrations/postgres/0001_spine.sql")),
    ("0002_scheduling", include_str!("../../../migrations/postgres/0002_scheduling.sql")),
    ("0003_callbacks", include_str!("../../../migrations/postgres/0003_callbacks.sql")),
];

/// Longest step of a migration.
const PATIENCE: Duration = Duration::from_secs(3600);

/// One migrator at a time; who waits for it waits for minutes rather than seconds, for tables may be large.
const LOCK: &str = "
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = '15min';
SELECT pg_advisory_xact_lock(hashtextextended('waft schema_migration', 0));
CREATE TABLE IF NOT EXISTS schema_migration (
    number          bigint PRIMARY KEY,
    name            text NOT NULL,
    compatible_from bigint NOT NULL,
    applied_at      timestamptz NOT NULL DEFAULT now()
)";

/// Whether there is a table of migrations.
const IS_KNOWN: &str = "SELECT to_regclass('schema_migration') IS NOT NULL AS is_known";

/// The newest migration that was applied. Finds it by the table's key.
pub(crate) const NEWEST: &str =
    "SELECT number, name, compatible_from FROM schema_migration ORDER BY number DESC LIMIT 1";

/// What this program knows.
pub(crate) fn known() -> Migrations {
    Migrations::of_files(FILES)
}

/// Applies what is due, and tells it.
pub(crate) async fn migrate(
    session: &mut Session,
    migrations: &Migrations,
    upgrade: Upgrade,
) -> Result<Vec<Migration>, StoreError> {
    let mut applied = Vec::new();
    // Most programs find nothing to do, and need no lock and no right to change the schema for that.
    if migrations.due(schema(session).await?.0, upgrade)?.is_empty() {
        return Ok(applied);
    }
    session.be_patient(PATIENCE);
    loop {
        session.begin("BEGIN").await?;
        session.batch(LOCK.to_owned()).await?;
        let (found, _) = schema(session).await?;
        let Some(step) = migrations.due(found, upgrade)?.first().copied() else {
            session.rollback().await?;
            return Ok(applied);
        };
        let Migration { number, name, sql, .. } = step;
        let done = format!(
            "INSERT INTO schema_migration (number, name, compatible_from) VALUES ({number}, '{name}', {})",
            step.compatible_from()
        );
        failpoint::begins("migrate::step");
        session.batch(format!("{sql};\n{done}")).await?;
        session.commit().await?;
        failpoint::ends("migrate::step");
        tracing::info!(schema = number, name, kind = step.kind.word(), "database migrated");
        applied.push(step);
    }
}

/// The schema that a database has, and the name of its last migration.
pub(crate) async fn schema(session: &mut Session) -> Result<(Schema, Option<String>), StoreError> {
    let empty = (Schema { number: 0, compatible_from: 0 }, None);
    let row = session.one(sqlx::query(IS_KNOWN)).await?;
    if !Cells::of(&row, "pg_class").flag("is_known")? {
        return Ok(empty);
    }
    let Some(row) = session.optional(sqlx::query(NEWEST)).await? else { return Ok(empty) };
    let cells = Cells::of(&row, "schema_migration");
    let schema = Schema { number: cells.number("number")?, compatible_from: cells.number("compatible_from")? };
    Ok((schema, Some(cells.text("name")?.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_known_in_order_and_says_its_kind() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/postgres");
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let known: Vec<_> = FILES.iter().map(|(name, _)| format!("{name}.sql")).collect();
        let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect();
        assert_eq!(names, known);
        for ((number, file), (name, text)) in (1..).zip(&files).zip(FILES) {
            assert!(name.starts_with(&format!("{number:04}_")), "{name}");
            assert_eq!(std::fs::read_to_string(file).unwrap(), *text);
            assert!(store::MigrationKind::of_file(text).is_some(), "{name} does not say its kind in its first line");
        }
    }
}
