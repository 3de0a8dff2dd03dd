//! Brings a database to the schema that this program knows. The schema's number is SQLite's `user_version`, which belongs to
//! the transaction that changes the schema, so a migration is done or it is not; whoever is killed between two of them goes on
//! with the next one.
//!
//! The table `schema_migration` has a row for each migration, so that a program which does not know it can tell whether it may go
//! on. It stands outside the migrations, because it must be readable whatever they become.

use sqlx::{AssertSqlSafe, SqliteConnection};
use store::{Migration, Migrations, Schema, StoreError, Upgrade};

use crate::error::failed;

/// The files, in order: the first makes schema 1, and so on.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("0001_spine", include_str!("../../../migrations/sqlite/0001_spine.sql")),
    ("0002_scheduling", include_str!("../../../migrations/sqlite/0002_scheduling.sql")),
    ("0003_callbacks", include_str!("../../../migrations/sqlite/0003_callbacks.sql")),
];

const CREATE_TABLE: &str = "
CREATE TABLE IF NOT EXISTS schema_migration (
    number          INTEGER PRIMARY KEY,
    name            TEXT NOT NULL,
    compatible_from INTEGER NOT NULL
) STRICT";

/// Whether there is a table of migrations: a database whose last migration is the first one may have none.
const HAS_TABLE: &str = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migration'";

/// What is known of the last migration. Finds it by the table's key.
const LAST: &str = "SELECT name, compatible_from FROM schema_migration WHERE number = ?1";

/// What this program knows.
pub(crate) fn known() -> Migrations {
    Migrations::of_files(FILES)
}

/// Applies what is due, and tells it.
pub(crate) async fn migrate(
    conn: &mut SqliteConnection,
    migrations: &Migrations,
    upgrade: Upgrade,
) -> Result<Vec<Migration>, StoreError> {
    let mut applied = Vec::new();
    loop {
        // The lock comes first, so that of two programs that start at once one migrates and the other sees it done.
        execute(conn, "BEGIN IMMEDIATE".into()).await?;
        let due = match schema(conn).await {
            Ok((found, _)) => migrations.due(found, upgrade),
            Err(error) => Err(error),
        };
        let step = match due {
            Ok([step, ..]) => *step,
            done => {
                execute(conn, "ROLLBACK".into()).await?;
                return done.map(|_| applied);
            }
        };
        failpoint::begins("migrate::step");
        if let Err(error) = apply(conn, migrations, step).await {
            // Fails when SQLite has rolled back by itself.
            let _ = execute(conn, "ROLLBACK".into()).await;
            return Err(error);
        }
        failpoint::ends("migrate::step");
        tracing::info!(schema = step.number, name = step.name, kind = step.kind.word(), "database migrated");
        applied.push(step);
    }
}

/// The schema that a database has, and the name of its last migration.
pub(crate) async fn schema(conn: &mut SqliteConnection) -> Result<(Schema, Option<String>), StoreError> {
    let number: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *conn).await.map_err(failed)?;
    let tables: i64 = sqlx::query_scalar(HAS_TABLE).fetch_one(&mut *conn).await.map_err(failed)?;
    let row: Option<(String, i64)> = match tables {
        0 => None,
        _ => sqlx::query_as(LAST).bind(number).fetch_optional(&mut *conn).await.map_err(failed)?,
    };
    Ok(match row {
        Some((name, compatible_from)) => (Schema { number, compatible_from }, Some(name)),
        None => (Schema { number, compatible_from: number }, None),
    })
}

async fn apply(conn: &mut SqliteConnection, migrations: &Migrations, step: Migration) -> Result<(), StoreError> {
    execute(conn, format!("{}\n;PRAGMA user_version = {}", step.sql, step.number)).await?;
    execute(conn, CREATE_TABLE.to_owned()).await?;
    for it in migrations.until(step.number) {
        sqlx::query("INSERT OR IGNORE INTO schema_migration (number, name, compatible_from) VALUES (?1, ?2, ?3)")
            .bind(it.number)
            .bind(it.name)
            .bind(it.compatible_from())
            .execute(&mut *conn)
            .await
            .map_err(failed)?;
    }
    execute(conn, "COMMIT".into()).await
}

async fn execute(conn: &mut SqliteConnection, sql: String) -> Result<(), StoreError> {
    // The texts are this program's own; the one number in them is an integer.
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.map_err(failed).map(drop)
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    const MADE_UP: &[(&str, &str)] = &[
        ("0001_a", "-- expand: a table\nCREATE TABLE a (x INTEGER);"),
        ("0002_b", "-- migrate: its first row\nINSERT INTO a VALUES (1);"),
        ("0003_c", "-- expand: another table\nCREATE TABLE c (x INTEGER); INSERT INTO a VALUES (2);"),
        ("0004_d", "-- contract: one table less\nDROP TABLE c;"),
    ];

    async fn open(folder: &tempfile::TempDir) -> SqliteConnection {
        let path = folder.path().join("some.db");
        SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
    }

    fn numbers(applied: &[Migration]) -> Vec<i64> {
        applied.iter().map(|it| it.number).collect()
    }

    async fn sum(conn: &mut SqliteConnection) -> i64 {
        sqlx::query_scalar("SELECT sum(x) FROM a").fetch_one(conn).await.unwrap()
    }

    #[test]
    fn every_file_of_the_folder_is_known_in_order_and_says_its_kind() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert_eq!(files.len(), FILES.len());
        for ((number, file), (name, text)) in (1..).zip(&files).zip(FILES) {
            assert_eq!(file.file_name().unwrap().to_str().unwrap(), format!("{name}.sql"));
            assert!(name.starts_with(&format!("{number:04}_")), "{name}");
            assert_eq!(std::fs::read_to_string(file).unwrap(), *text);
            assert!(store::MigrationKind::of_file(text).is_some(), "{name} does not say its kind in its first line");
        }
    }

    #[tokio::test]
    async fn whoever_dies_between_two_steps_or_within_one_is_followed_by_the_next() {
        let all = Migrations::of_files(MADE_UP);
        for done in 0..MADE_UP.len() {
            let folder = tempfile::tempdir().unwrap();
            let mut dies = open(&folder).await;
            migrate(&mut dies, &Migrations::of_files(&MADE_UP[..done]), Upgrade::Whole).await.unwrap();
            // The next step is applied and not committed when the connection ends.
            execute(&mut dies, format!("BEGIN IMMEDIATE; {}", MADE_UP[done].1)).await.unwrap();
            drop(dies);
            let mut next = open(&folder).await;
            let applied = migrate(&mut next, &all, Upgrade::Whole).await.unwrap();
            assert_eq!(numbers(&applied), (done as i64 + 1..=4).collect::<Vec<_>>());
            assert_eq!(sum(&mut next).await, 3);
            assert_eq!(numbers(&migrate(&mut next, &all, Upgrade::Whole).await.unwrap()), [0; 0]);
        }
    }

    #[tokio::test]
    async fn a_step_that_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut conn = open(&folder).await;
        let wrong = [MADE_UP[0], ("0002_b", "-- expand: wrong\nINSERT INTO a VALUES (7); CREATE TABLE a (x INTEGER);")];
        migrate(&mut conn, &Migrations::of_files(&wrong), Upgrade::Whole).await.unwrap_err();
        migrate(&mut conn, &Migrations::of_files(MADE_UP), Upgrade::Whole).await.unwrap();
        assert_eq!(sum(&mut conn).await, 3);
    }

    #[tokio::test]
    async fn a_start_leaves_what_contracts_to_the_operator_and_the_program_before_goes_on_until_then() {
        let folder = tempfile::tempdir().unwrap();
        let mut conn = open(&folder).await;
        let (before, all) = (Migrations::of_files(&MADE_UP[..2]), Migrations::of_files(MADE_UP));
        migrate(&mut conn, &before, Upgrade::WhileOthersRun).await.unwrap();
        let applied = migrate(&mut conn, &all, Upgrade::WhileOthersRun).await.unwrap();
        assert_eq!(numbers(&applied), [3]);
        let (found, name) = schema(&mut conn).await.unwrap();
        assert_eq!((found, name.as_deref()), (Schema { number: 3, compatible_from: 2 }, Some("0003_c")));
        before.assert_usable(found).unwrap();

        assert_eq!(numbers(&migrate(&mut conn, &all, Upgrade::Whole).await.unwrap()), [4]);
        let (found, _) = schema(&mut conn).await.unwrap();
        for program in [before, Migrations::of_files(&MADE_UP[..3])] {
            let refused = migrate(&mut conn, &program, Upgrade::WhileOthersRun).await.unwrap_err();
            assert!(matches!(refused, StoreError::NewerSchema { found: 4, .. }), "{refused}");
            assert!(program.assert_usable(found).is_err());
        }
    }

    #[tokio::test]
    async fn a_database_without_the_table_is_as_its_number_says() {
        let folder = tempfile::tempdir().unwrap();
        let mut conn = open(&folder).await;
        execute(&mut conn, format!("{}; PRAGMA user_version = 1", MADE_UP[0].1)).await.unwrap();
        assert_eq!(schema(&mut conn).await.unwrap(), (Schema { number: 1, compatible_from: 1 }, None));
        let all = Migrations::of_files(MADE_UP);
        assert_eq!(numbers(&migrate(&mut conn, &all, Upgrade::Whole).await.unwrap()), [2, 3, 4]);
        let names: Vec<String> =
            sqlx::query_scalar("SELECT name FROM schema_migration ORDER BY number").fetch_all(&mut conn).await.unwrap();
        assert_eq!(names, ["0001_a", "0002_b", "0003_c", "0004_d"]);
    }
}
