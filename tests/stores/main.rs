//! Both databases are given the same random commands and must answer and read alike.

use std::sync::Arc;

use store::conformance::agree;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

const SEEDS: u64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_agree() {
    for seed in 0..SEEDS {
        let folder = tempfile::tempdir().expect("a folder");
        let sqlite = SqliteStore::open(&folder.path().join("waft.db"), Arc::new(clock::Real)).await.expect("opens");
        let database = testkit_postgres::database();
        let postgres = PostgresStore::open(&database.url(), Arc::new(clock::Real)).await.expect("opens");
        agree(&sqlite, &postgres, seed).await;
    }
}
