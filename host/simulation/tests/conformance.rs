//! The suite that every database passes, on the simulated one.

use async_trait::async_trait;
use clock::Sim;
use simulation::SimStore;
use store::conformance::{Database, conformance};

struct InMemory(SimStore);

#[async_trait]
impl Database for InMemory {
    type Store = SimStore;

    async fn open(&self) -> SimStore {
        self.0.clone()
    }
}

#[tokio::test]
async fn the_simulated_store_conforms() {
    conformance(|| InMemory(SimStore::new(Sim::new(1)))).await;
}
