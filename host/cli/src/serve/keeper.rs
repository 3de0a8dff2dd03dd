//! Removes what nothing needs any more, while the server runs.

use std::sync::Arc;
use std::time::Duration;

use blobs::{BlobStore, Stock};
use clock::Clock;
use model::ServerId;
use model::limits::retention::{EVERY_S, FIRST_AFTER_S};
use scheduler::SharedStore;
use store::{RetentionStore, ServerRow};
use tokio::task::AbortHandle;
use upkeep::{BlobPolicy, Collected, Expired, Fate, Mode, RetentionPolicy};

/// What a keeper works with.
pub(super) struct KeeperParts {
    pub(super) rows: Arc<dyn RetentionStore>,
    pub(super) blobs: BlobStore,
    pub(super) policy: RetentionPolicy,
    /// Where other processes may do it too: one of them is enough.
    pub(super) shared: Option<(Arc<dyn SharedStore>, ServerId)>,
    pub(super) clock: Arc<dyn Clock>,
}

/// The loop that does it. It may be ended at any point, and ends with this.
pub(super) struct Keeper(AbortHandle);

impl Keeper {
    pub(super) fn start(parts: KeeperParts) -> Self {
        Self(tokio::spawn(run(parts)).abort_handle())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run(parts: KeeperParts) {
    let stock = parts.blobs.stock();
    let mut pause = Duration::from_secs(FIRST_AFTER_S);
    loop {
        match parts.blobs.remove_remnants().await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "what writers left that died was removed"),
            Err(error) => tracing::warn!(%error, "the object store cannot be written; trying again later"),
        }
        parts.clock.sleep(pause).await;
        pause = Duration::from_secs(EVERY_S);
        if is_in_turn(&parts).await {
            collect(&parts, &stock).await;
            expire(&parts, &stock).await;
        }
    }
}

/// Of several processes the one does it whose id is the smallest. When two think so it is done twice, which does no harm.
async fn is_in_turn(parts: &KeeperParts) -> bool {
    let Some((store, server)) = &parts.shared else { return true };
    match store.server_list().await {
        Ok(servers) => is_first(&servers, *server),
        Err(error) => {
            tracing::warn!(%error, "cannot see who else looks after what is kept; trying again later");
            false
        }
    }
}

fn is_first(servers: &[ServerRow], server: ServerId) -> bool {
    let there = servers.iter().filter(|it| it.server.is_scheduler && !it.lease.is_zero());
    there.map(|it| it.server.id).min() == Some(server)
}

async fn collect(parts: &KeeperParts, stock: &Stock) {
    let (mut blobs, mut bytes) = (0_u64, 0_u64);
    let tell = |it: Collected| {
        if it.fate == Fate::Deleted {
            blobs += 1;
            bytes += it.size_bytes;
        }
        tracing::debug!(blob = %it.digest, tenant = %it.scope.tenant(), fate = ?it.fate, "a blob that nothing refers to");
    };
    match upkeep::collect(&*parts.rows, stock, BlobPolicy::default(), parts.clock.now(), Mode::Do, tell).await {
        Ok(()) => tracing::info!(blobs, bytes, "blobs that nothing referred to were deleted"),
        Err(error) => tracing::warn!(%error, "what nothing refers to could not be collected; trying again later"),
    }
}

async fn expire(parts: &KeeperParts, stock: &Stock) {
    let (mut runs, mut versions) = (0_u64, 0_u64);
    let tell = |scope: model::TenantScope, it: Expired| {
        match it {
            Expired::Run { .. } | Expired::RestOfRun { .. } => runs += 1,
            Expired::Version(_) | Expired::BundleVersion(_) => versions += 1,
        }
        tracing::debug!(tenant = %scope.tenant(), ?it, "kept no longer");
    };
    match upkeep::expire(&*parts.rows, stock, parts.policy, parts.clock.now(), Mode::Do, tell).await {
        Ok(()) if runs + versions == 0 => {}
        Ok(()) => tracing::info!(runs, versions, "runs and versions that are kept no longer were deleted"),
        Err(error) => tracing::warn!(%error, "what is kept no longer could not be deleted; trying again later"),
    }
}

#[cfg(test)]
mod tests {
    use store::NewServer;
    use uuid::Uuid;

    use super::*;

    fn row(number: u128, is_scheduler: bool, lease_s: u64) -> ServerRow {
        let server = NewServer {
            id: ServerId::from_uuid(Uuid::from_u128(number)),
            node: Uuid::nil(),
            name: String::new(),
            version: String::new(),
            is_scheduler,
            slots: 1,
        };
        ServerRow { server, lease: Duration::from_secs(lease_s), shards: Vec::new() }
    }

    #[test]
    fn one_of_those_that_are_there_does_it() {
        // The first is gone, the second decides about no runs.
        let servers = [row(1, true, 0), row(2, false, 9), row(4, true, 9), row(3, true, 9)];
        let in_turn: Vec<_> = servers.iter().map(|it| is_first(&servers, it.server.id)).collect();
        assert_eq!(in_turn, [false, false, false, true]);
    }
}
