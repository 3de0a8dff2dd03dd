//! Names of instances for those who look at them, made where arguments are.

use async_trait::async_trait;
use control::Naming;
use model::{MapIndex, NodeIdx};
use store::ClaimedRun;
use worker::InstanceNames;

/// What a worker makes of items.
pub(super) struct Names(pub(super) InstanceNames);

#[async_trait]
impl Naming for Names {
    async fn names(&self, run: &ClaimedRun, node: NodeIdx, indexes: &[MapIndex]) -> Vec<Option<String>> {
        self.0.of(run, node, indexes).await
    }
}
