//! What the run loop has to tell the timekeeper, and who calls callbacks.

use std::sync::{Arc, Mutex};

use model::{DagId, TenantScope};
use tokio::sync::Notify;

/// DAGs that are remembered; who comes too late finds the rest in the rows.
const FAILED_MAX: usize = 10_000;

/// What has happened since the last pass. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct News(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    poke: Notify,
    call: Notify,
    failed: Mutex<Vec<(TenantScope, DagId)>>,
}

impl News {
    /// Something may be due.
    pub(crate) fn poke(&self) {
        self.0.poke.notify_one();
    }

    /// Waits for a poke, one of before included.
    pub(crate) async fn poked(&self) {
        self.0.poke.notified().await;
    }

    /// Callbacks may be due.
    pub(crate) fn poke_to_call(&self) {
        self.0.call.notify_one();
    }

    /// Waits for such a poke, one of before included.
    pub(crate) async fn poked_to_call(&self) {
        self.0.call.notified().await;
    }

    /// A run of a DAG has failed that may have failed often enough.
    pub(crate) fn failed(&self, scope: TenantScope, dag_id: &DagId) {
        let mut failed = self.0.failed.lock().expect("no panic while the lock is held");
        if failed.len() < FAILED_MAX {
            failed.push((scope, dag_id.clone()));
        }
    }

    /// Takes what has failed.
    pub(crate) fn take_failed(&self) -> Vec<(TenantScope, DagId)> {
        std::mem::take(&mut *self.0.failed.lock().expect("no panic while the lock is held"))
    }
}
