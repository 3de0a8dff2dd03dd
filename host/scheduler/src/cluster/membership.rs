//! Keeps this process's lease, takes shards that nobody owns, gives up what is more than its part, and what it owns without
//! knowing.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use metrics::gauge;
use model::ShardId;
use model::limits::worker::{HEARTBEAT_MS, LEASE_MS};
use store::{Beat, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::{ClusterParts, Evicted, OwnedShards, Waker};
use crate::command::Command;
use crate::metric_names::{CLUSTER_SCHEDULERS, CLUSTER_SLOTS, SHARDS_OWNED};
use crate::recovery::{self, Sources};

const LEASE: Duration = Duration::from_millis(LEASE_MS);
const BEAT_PAUSE: Duration = Duration::from_millis(HEARTBEAT_MS);
/// Pause after a beat that the database did not take.
const REPEAT_PAUSE: Duration = Duration::from_millis(500);

/// The membership of this process.
#[derive(Clone)]
pub(crate) struct Membership {
    pub(crate) cluster: ClusterParts,
    pub(crate) sources: Sources,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) inbox: mpsc::Sender<Command>,
    pub(crate) owned: OwnedShards,
    pub(crate) waker: Waker,
}

impl Membership {
    /// Joins; what follows is done by [`Self::run`].
    pub(crate) async fn join(&self) -> Result<(), StoreError> {
        self.cluster.store.server_join(&self.cluster.server, LEASE).await
    }

    /// Beats until the process is evicted or its loop has ended. Nothing that the loop is asked for keeps it from beating.
    pub(crate) async fn run(self) -> Result<(), Evicted> {
        let server = self.cluster.server.id;
        let mut sharing: Option<JoinHandle<()>> = None;
        while !self.inbox.is_closed() {
            let pause = match self.cluster.store.server_beat(server, LEASE).await {
                Ok(beat) => {
                    gauge!(CLUSTER_SCHEDULERS).set(beat.schedulers);
                    gauge!(CLUSTER_SLOTS).set(beat.slots);
                    gauge!(SHARDS_OWNED).set(beat.owned.len() as f64);
                    // A loop that is behind hears of the next one.
                    let _ = self.inbox.try_send(Command::Beat { slots: beat.slots });
                    if self.cluster.server.is_scheduler && sharing.as_ref().is_none_or(JoinHandle::is_finished) {
                        sharing = Some(tokio::spawn(self.clone().share(beat)));
                    }
                    BEAT_PAUSE
                }
                Err(StoreError::StaleFence) => {
                    // The loop may have ended already.
                    let _ = self.inbox.send(Command::Depose { shards: ShardId::all().collect() }).await;
                    return Err(Evicted(server));
                }
                Err(error) => {
                    warn!(%error, "cannot renew the lease yet");
                    REPEAT_PAUSE
                }
            };
            tokio::select! {
                biased;
                () = self.clock.sleep(pause) => {}
                () = self.inbox.closed() => break,
            }
        }
        if let Err(error) = self.cluster.store.server_leave(server).await {
            warn!(%error, "cannot leave the cluster; the lease will end by itself");
        }
        Ok(())
    }

    /// Brings the number of owned shards to this process's part.
    async fn share(self, beat: Beat) {
        // A shard that was taken, or kept, without the answer: nobody decides about its runs. It is taken again.
        let (owned, strays): (Vec<_>, Vec<_>) = beat.owned.iter().partition(|shard| self.owned.list().contains(shard));
        let part = u32::from(ShardId::COUNT).div_ceil(beat.schedulers.max(1));
        let count = owned.len() as u32;
        let shared = if !strays.is_empty() {
            self.cluster.store.shard_release(self.cluster.server.id, &strays, &[]).await
        } else if count > part {
            self.release(&owned[part as usize..]).await;
            Ok(())
        } else if beat.unowned > 0 && count < part {
            self.take(part - count).await
        } else {
            Ok(())
        };
        if let Err(error) = shared {
            warn!(%error, "cannot take or give up shards yet");
        }
    }

    async fn take(&self, most: u32) -> Result<(), StoreError> {
        let Some((ownership, shards)) = self.cluster.store.shard_take(self.cluster.server.id, most).await? else {
            return Ok(());
        };
        info!(shards = shards.len(), epoch = ownership.epoch, "took shards");
        let (reply, done) = oneshot::channel();
        let own = Command::Own { ownership, shards: shards.clone(), reply };
        if self.inbox.send(own).await.is_err() || done.await.is_err() {
            return Ok(());
        }
        self.waker.wake_events();
        let reader = recovery::Reader {
            sources: self.sources.clone(),
            clock: self.clock.clone(),
            inbox: self.inbox.clone(),
            epoch: ownership.epoch,
        };
        tokio::spawn(recovery::read_unfinished(reader, Some(shards)));
        Ok(())
    }

    async fn release(&self, shards: &[ShardId]) {
        info!(shards = shards.len(), "giving up shards, other schedulers have fewer");
        self.owned.remove(shards);
        let (reply, done) = oneshot::channel();
        if self.inbox.send(Command::Release { shards: shards.to_vec(), reply }).await.is_ok() {
            // The loop drops the sender when it ends without an answer.
            let _ = done.await;
        }
    }
}
