//! Removes what nothing needs any more, while the server runs.

use std::sync::Arc;
use std::time::Duration;

use blobs::BlobStore;
use clock::Clock;
use model::limits::retention::{EVERY_S, FIRST_AFTER_S};
use store::RetentionStore;
use tokio::task::AbortHandle;
use upkeep::{BlobPolicy, Collected, Fate, Mode};

/// The loop that does it. It may be ended at any point, and ends with this.
pub(super) struct Keeper(AbortHandle);

impl Keeper {
    pub(super) fn start(rows: Option<Arc<dyn RetentionStore>>, blobs: BlobStore, clock: Arc<dyn Clock>) -> Self {
        Self(tokio::spawn(run(rows, blobs, clock)).abort_handle())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run(rows: Option<Arc<dyn RetentionStore>>, blobs: BlobStore, clock: Arc<dyn Clock>) {
    let stock = blobs.stock();
    let mut pause = Duration::from_secs(FIRST_AFTER_S);
    loop {
        match blobs.remove_remnants().await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "what writers left that died was removed"),
            Err(error) => tracing::warn!(%error, "the object store cannot be written; trying again later"),
        }
        clock.sleep(pause).await;
        pause = Duration::from_secs(EVERY_S);
        let Some(rows) = &rows else { continue };
        let (mut blobs, mut bytes) = (0_u64, 0_u64);
        let tell = |it: Collected| {
            if it.fate == Fate::Deleted {
                blobs += 1;
                bytes += it.size_bytes;
            }
            tracing::debug!(blob = %it.digest, tenant = %it.scope.tenant(), fate = ?it.fate, "a blob that nothing refers to");
        };
        match upkeep::collect(&**rows, &stock, BlobPolicy::default(), clock.now(), Mode::Do, tell).await {
            Ok(()) => tracing::info!(blobs, bytes, "blobs that nothing referred to were deleted"),
            Err(error) => tracing::warn!(%error, "what nothing refers to could not be collected; trying again later"),
        }
    }
}
