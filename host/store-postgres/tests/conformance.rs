//! The suite that every database passes, on PostgreSQL in a database of each case's own.

use std::sync::Arc;

use async_trait::async_trait;
use store::conformance::{Database, SharedDatabase, conformance, conformance_of_retention, conformance_shared};
use store_postgres::PostgresStore;

struct OnServer(testkit_postgres::Database);

#[async_trait]
impl Database for OnServer {
    type Store = PostgresStore;

    async fn open(&self) -> PostgresStore {
        PostgresStore::open(&self.0.url(), Arc::new(clock::Real)).await.expect("opens")
    }
}

impl SharedDatabase for OnServer {}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_conforms() {
    conformance(|| OnServer(testkit_postgres::database())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_conforms_where_processes_share_it() {
    conformance_shared(|| OnServer(testkit_postgres::database())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_conforms_in_what_it_keeps() {
    conformance_of_retention(|| OnServer(testkit_postgres::database())).await;
}
