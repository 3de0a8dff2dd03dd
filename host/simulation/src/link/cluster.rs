//! What processes that share a database ask of it, on a link.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use model::{AttemptToken, RunKey, ServerId, ShardId, TenantScope};
use store::{
    Beat, ClusterStore, CommitError, EventRow, HeldRow, NewRun, NewServer, Ownership, Report, RunCommitted, RunNews,
    ServerRow, SharedCommit, SharedCommitError, SharedRunStore, StoreError, Wake, WorkRow, WorkStore,
};

use super::{Link, run_store};

/// A link that a process of a cluster has.
pub struct SharedLink(pub Arc<Link>);

#[async_trait]
impl ClusterStore for SharedLink {
    async fn server_join(&self, server: &NewServer, lease: Duration) -> Result<(), StoreError> {
        let (store, server) = (self.0.store.clone(), server.clone());
        self.0.write("join", async move { store.server_join(&server, lease).await }).await
    }

    async fn server_beat(&self, server: ServerId, lease: Duration) -> Result<Beat, StoreError> {
        let store = self.0.store.clone();
        self.0.write("beat", async move { store.server_beat(server, lease).await }).await
    }

    async fn server_leave(&self, server: ServerId) -> Result<(), StoreError> {
        let store = self.0.store.clone();
        self.0.write("leave", async move { store.server_leave(server).await }).await
    }

    async fn server_list(&self) -> Result<Vec<ServerRow>, StoreError> {
        self.0.call("read of servers", self.0.store.server_list()).await
    }

    async fn shard_take(&self, server: ServerId, most: u32) -> Result<Option<(Ownership, Vec<ShardId>)>, StoreError> {
        let store = self.0.store.clone();
        self.0.write("take of shards", async move { store.shard_take(server, most).await }).await
    }

    async fn shard_keep(&self, server: ServerId) -> Result<Ownership, StoreError> {
        let store = self.0.store.clone();
        self.0.write("keeping of shards", async move { store.shard_keep(server).await }).await
    }

    async fn shard_release(
        &self,
        server: ServerId,
        shards: &[ShardId],
        held: &[(TenantScope, AttemptToken)],
    ) -> Result<(), StoreError> {
        let (store, shards, held) = (self.0.store.clone(), shards.to_vec(), held.to_vec());
        let what = format!("release of {} shards, {} held", shards.len(), held.len());
        self.0.write(&what, async move { store.shard_release(server, &shards, &held).await }).await
    }

    async fn shard_tenants(&self, shards: &[ShardId]) -> Result<Vec<TenantScope>, StoreError> {
        self.0.call("read of tenants", self.0.store.shard_tenants(shards)).await
    }
}

#[async_trait]
impl SharedRunStore for SharedLink {
    async fn commit_shared(&self, commit: SharedCommit) -> Result<RunCommitted, SharedCommitError> {
        let what = format!(
            "{}, {} offers, {} events under epoch {}",
            run_store::told(&commit.commit),
            commit.offers.len(),
            commit.events.len(),
            commit.ownership.epoch,
        );
        if let Some(run) = self.0.overtakes(&what, &commit.commit).await {
            return Err(CommitError::Overtaken(vec![run]).into());
        }
        let store = self.0.store.clone();
        self.0.write(&what, async move { store.commit_shared(commit).await }).await
    }

    async fn run_insert(&self, run: NewRun) -> Result<(), StoreError> {
        let store = self.0.store.clone();
        self.0.write("insert of a run", async move { store.run_insert(run).await }).await
    }

    async fn run_ask(&self, scope: TenantScope, run: RunKey, request: &str) -> Result<(), StoreError> {
        self.0.call("request to an owner", self.0.store.run_ask(scope, run, request)).await
    }

    async fn event_list(&self, shards: &[ShardId], limit: u32) -> Result<Vec<EventRow>, StoreError> {
        self.0.call("read of events", self.0.store.event_list(shards, limit)).await
    }

    async fn run_news(&self, runs: &[(TenantScope, RunKey)]) -> Result<Vec<RunNews>, StoreError> {
        self.0.call("read of news", self.0.store.run_news(runs)).await
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        let wakes = self.0.store.wakes();
        stream::unfold((self.0.clone(), wakes), |(link, mut wakes)| async move {
            loop {
                let wake = tokio::select! {
                    biased;
                    () = link.missed.notified() => Wake::Missed,
                    wake = wakes.next() => wake?,
                };
                link.runs().await;
                if wake == Wake::Missed || link.hears_wake() {
                    return Some((wake, (link, wakes)));
                }
            }
        })
        .boxed()
    }
}

#[async_trait]
impl WorkStore for SharedLink {
    async fn work_take(&self, server: ServerId, limit: u32) -> Result<Vec<WorkRow>, StoreError> {
        let store = self.0.store.clone();
        self.0.write("take of work", async move { store.work_take(server, limit).await }).await
    }

    async fn work_report(&self, server: ServerId, reports: &[Report]) -> Result<(), StoreError> {
        let (store, reports) = (self.0.store.clone(), reports.to_vec());
        self.0.write("report", async move { store.work_report(server, &reports).await }).await
    }

    async fn work_held(&self, server: ServerId) -> Result<Vec<(TenantScope, AttemptToken)>, StoreError> {
        self.0.call("read of held work", self.0.store.work_held(server)).await
    }

    async fn work_of_run(&self, scope: TenantScope, run: RunKey) -> Result<Vec<HeldRow>, StoreError> {
        self.0.call("read of a run's work", self.0.store.work_of_run(scope, run)).await
    }

    async fn work_lost(&self, shards: &[ShardId], limit: u32) -> Result<Vec<HeldRow>, StoreError> {
        self.0.call("read of lost work", self.0.store.work_lost(shards, limit)).await
    }
}

impl Link {
    fn hears_wake(&self) -> bool {
        let mut state = self.state();
        let per_mille = state.faults.wakes_lost;
        state.partition.is_none() && !state.dice.per_mille(per_mille)
    }
}
