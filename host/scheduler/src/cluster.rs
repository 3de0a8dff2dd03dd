//! Sharing one database with other processes: this process's membership, the shards that it owns, what others tell it about
//! their runs, and work that it takes from or leaves to others.
//!
//! Without a cluster none of this runs, and the loop does nothing but what it does for itself.

mod events;
mod membership;
mod news;
mod puller;
mod queue;
mod waker;

use std::collections::BTreeSet;
use std::sync::{Arc, RwLock};

use model::{ServerId, ShardId, TenantScope};
use store::{ClusterStore, NewServer, SharedRunStore, WorkStore};

pub(crate) use events::Events;
pub(crate) use membership::Membership;
pub(crate) use news::News;
pub(crate) use puller::Puller;
pub use queue::ClusterQueue;
pub(crate) use waker::Waker;

/// A store that several processes share.
pub trait SharedStore: ClusterStore + SharedRunStore + WorkStore {}
impl<T: ClusterStore + SharedRunStore + WorkStore> SharedStore for T {}

/// What a process of a cluster works with.
#[derive(Clone)]
pub struct ClusterParts {
    pub store: Arc<dyn SharedStore>,
    pub server: NewServer,
}

/// The shards that this process owns, for those who have to know at once. The loop is who decides.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnedShards(Arc<RwLock<BTreeSet<ShardId>>>);

impl OwnedShards {
    pub(crate) fn owns(&self, scope: TenantScope) -> bool {
        self.0.read().expect("no panic while the lock is held").contains(&ShardId::of(scope.tenant()))
    }

    pub(crate) fn list(&self) -> Vec<ShardId> {
        self.0.read().expect("no panic while the lock is held").iter().copied().collect()
    }

    pub(crate) fn set(&self, shards: impl IntoIterator<Item = ShardId>) {
        *self.0.write().expect("no panic while the lock is held") = shards.into_iter().collect();
    }

    pub(crate) fn remove(&self, shards: &[ShardId]) {
        self.0.write().expect("no panic while the lock is held").retain(|shard| !shards.contains(shard));
    }
}

/// Why a process left its cluster without being asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "server {0} did not renew its lease in time and another server has taken over; what it ran is run elsewhere. Start it again"
)]
pub struct Evicted(pub ServerId);
