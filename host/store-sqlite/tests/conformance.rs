//! The suite that every database passes, on SQLite in a folder of each case's own.

use std::sync::Arc;

use async_trait::async_trait;
use store::conformance::{Database, conformance};
use store_sqlite::SqliteStore;
use tempfile::TempDir;

struct InFolder(TempDir);

#[async_trait]
impl Database for InFolder {
    type Store = SqliteStore;

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.0.path().join("waft.db"), Arc::new(clock::Real)).await.expect("opens")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_conforms() {
    conformance(|| InFolder(tempfile::tempdir().expect("a folder"))).await;
}
