//! The suite that every database passes, on SQLite in a folder of each case's own.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};
use store::conformance::{Database, conformance, conformance_of_retention};
use store_sqlite::SqliteStore;
use tempfile::TempDir;

struct InFolder(TempDir);

/// A database that the next program has migrated already: it has more than this program knows.
struct Expanded(TempDir);

/// What the next program might do while this one runs.
const NEXT: &str = "
CREATE TABLE note (tenant_id INTEGER NOT NULL, key BLOB NOT NULL, body TEXT, PRIMARY KEY (tenant_id, key)) STRICT, WITHOUT ROWID;
ALTER TABLE dag_run ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_instance ADD COLUMN pool TEXT;
ALTER TABLE xcom ADD COLUMN media_type TEXT;
CREATE INDEX dag_run_by_priority ON dag_run (tenant_id, priority);";

#[async_trait]
impl Database for InFolder {
    type Store = SqliteStore;

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.0.path().join("waft.db"), Arc::new(clock::Real)).await.expect("opens")
    }
}

#[async_trait]
impl Database for Expanded {
    type Store = SqliteStore;

    async fn open(&self) -> SqliteStore {
        let path = self.0.path().join("waft.db");
        let is_new = !path.exists();
        let known = SqliteStore::migrate(&path).await.expect("migrates").last().map_or(0, |last| last.number);
        if is_new {
            let mut conn = SqliteConnectOptions::new().filename(&path).connect().await.expect("connects");
            let next = known + 1;
            let row = format!("INSERT INTO schema_migration VALUES ({next}, '{next:04}_next', {known})");
            let all = format!("BEGIN; {NEXT}; {row}; PRAGMA user_version = {next}; COMMIT");
            conn.execute(sqlx::AssertSqlSafe(all)).await.expect("the next migration is applied");
        }
        SqliteStore::open(&path, Arc::new(clock::Real)).await.expect("opens")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_conforms_on_the_next_schema_while_that_only_expands() {
    conformance(|| Expanded(tempfile::tempdir().expect("a folder"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_conforms() {
    conformance(|| InFolder(tempfile::tempdir().expect("a folder"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_conforms_in_what_it_keeps() {
    conformance_of_retention(|| InFolder(tempfile::tempdir().expect("a folder"))).await;
}
