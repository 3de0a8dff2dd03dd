//! The suite that every database passes, on the simulated one.

use std::time::Duration;

use async_trait::async_trait;
use clock::Sim;
use simulation::SimStore;
use store::conformance::{Database, SharedDatabase, conformance, conformance_shared};

/// A database, and the clock that its own follows.
struct InMemory(SimStore, Sim);

impl InMemory {
    fn new() -> Self {
        let clock = Sim::new(1);
        Self(SimStore::new(clock.clone()), clock)
    }
}

#[async_trait]
impl Database for InMemory {
    type Store = SimStore;

    async fn open(&self) -> SimStore {
        self.0.clone()
    }
}

#[async_trait]
impl SharedDatabase for InMemory {
    async fn pass(&self) {
        self.1.advance(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn the_simulated_store_conforms() {
    conformance(InMemory::new).await;
}

#[tokio::test]
async fn the_simulated_store_conforms_where_processes_share_it() {
    conformance_shared(InMemory::new).await;
}
