//! Servers, their leases, and the shards that they own. Leases are judged by the database's clock.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use clock::{Clock, Sim};
use jiff::SignedDuration;
use model::{AttemptToken, Fence, InstanceKey, ServerId, ShardId, TaskState, TenantScope, TryNumber};
use store::{Beat, ClusterStore, EventId, EventKind, NewServer, Ownership, ServerRow, StoreError, Wake};
use tokio::sync::mpsc::UnboundedSender;

use super::SimStore;
use super::commit::Whole;
use super::rows::{Accepted, Tables, unavailable};
use super::run_store::is_unfinished;

#[derive(Debug)]
pub(crate) struct Cluster {
    clock: Sim,
    /// How far the database's clock is ahead of the simulation's.
    pub(crate) ahead: SignedDuration,
    servers: BTreeMap<ServerId, Server>,
    pub(crate) shards: BTreeMap<ShardId, Shard>,
    pub(crate) work: BTreeMap<(TenantScope, InstanceKey), Work>,
    pub(crate) events: BTreeMap<EventId, (TenantScope, EventKind)>,
    last_event: i64,
    offered: u64,
    pub(crate) listeners: Vec<UnboundedSender<Wake>>,
}

#[derive(Debug)]
struct Server {
    new: NewServer,
    lease_until: SignedDuration,
    is_gone: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Shard {
    pub(crate) owner: Option<ServerId>,
    pub(crate) epoch: u32,
}

/// An execution that is offered or held.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) try_number: TryNumber,
    pub(crate) fence: Fence,
    pub(crate) suspect: bool,
    pub(crate) holder: Option<ServerId>,
    /// The order of the offers.
    pub(crate) offered: u64,
}

impl Cluster {
    pub(crate) fn new(clock: Sim) -> Self {
        Self {
            clock,
            ahead: SignedDuration::ZERO,
            servers: BTreeMap::new(),
            shards: ShardId::all().map(|shard| (shard, Shard::default())).collect(),
            work: BTreeMap::new(),
            events: BTreeMap::new(),
            last_event: 0,
            offered: 0,
            listeners: Vec::new(),
        }
    }

    /// Whether a server ever joined.
    pub(crate) fn is_used(&self) -> bool {
        !self.servers.is_empty()
    }

    pub(crate) fn clock(&self) -> &Sim {
        &self.clock
    }

    fn now(&self) -> SignedDuration {
        signed(self.clock.monotonic()) + self.ahead
    }

    /// Whether the server is there and its lease lasts.
    pub(crate) fn has_lease(&self, server: ServerId) -> bool {
        self.servers.get(&server).is_some_and(|it| !it.is_gone && it.lease_until > self.now())
    }

    pub(crate) fn is_gone(&self, server: ServerId) -> bool {
        self.servers.get(&server).is_none_or(|it| it.is_gone)
    }

    /// Shards of these that the server does not own as it says.
    pub(crate) fn not_owned(&self, by: Ownership, shards: impl Iterator<Item = ShardId>) -> Vec<ShardId> {
        let has_lease = self.has_lease(by.server);
        let owns = |shard: &ShardId| {
            self.shards.get(shard).is_some_and(|it| it.owner == Some(by.server) && it.epoch <= by.epoch)
        };
        shards.filter(|shard| !(has_lease && owns(shard))).collect()
    }

    pub(crate) fn wake(&mut self, wake: Wake) {
        self.listeners.retain(|listener| listener.send(wake).is_ok());
    }

    pub(crate) fn tell(&mut self, scope: TenantScope, kind: EventKind) {
        self.last_event += 1;
        self.events.insert(EventId(self.last_event), (scope, kind));
        self.wake(Wake::Event(ShardId::of(scope.tenant())));
    }

    /// Adds what a commit offers, and drops what it has dealt with.
    pub(crate) fn change_work(&mut self, whole: &Whole) -> Result<(), StoreError> {
        let ended = |at: &(TenantScope, InstanceKey), fence: Fence| {
            whole.commit.ended.iter().any(|it| (it.scope, it.instance) == *at && it.fence == fence)
                || whole.commit.cancelled.iter().any(|it| (it.scope, it.instance) == *at && it.fence == fence)
        };
        let mut places = whole.offers.iter().map(|offer| (offer.scope, offer.instance));
        if places.any(|place| self.work.get(&place).is_some_and(|row| !ended(&place, row.fence))) {
            return Err(unavailable("an instance is offered that is offered or held already"));
        }
        self.work.retain(|place, row| !ended(place, row.fence));
        self.events.retain(|id, (scope, _)| !whole.events.contains(&(*scope, *id)));
        for offer in &whole.offers {
            self.offered += 1;
            let work = Work {
                try_number: offer.try_number,
                fence: whole.commit.fence.unwrap_or(Fence::NONE),
                suspect: offer.suspect,
                holder: None,
                offered: self.offered,
            };
            self.work.insert((offer.scope, offer.instance), work);
        }
        Ok(())
    }
}

impl Tables {
    fn evict(&mut self, is_evicted: impl Fn(&Server) -> bool) {
        let evicted = self.cluster.servers.iter_mut().filter(|(_, it)| !it.is_gone && is_evicted(it));
        let evicted: Vec<_> = evicted.map(|(id, it)| (*id, std::mem::replace(&mut it.is_gone, true)).0).collect();
        for server in evicted {
            self.history.push(Accepted::Gone(server));
            for shard in self.cluster.shards.values_mut().filter(|shard| shard.owner == Some(server)) {
                shard.owner = None;
            }
        }
    }
}

#[async_trait]
impl ClusterStore for SimStore {
    async fn server_join(&self, server: &NewServer, lease: Duration) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if tables.cluster.servers.contains_key(&server.id) {
            return Err(unavailable("there is a server with this id"));
        }
        tables.evict(|it| it.new.node == server.node);
        let lease_until = tables.cluster.now() + signed(lease);
        tables.cluster.servers.insert(server.id, Server { new: server.clone(), lease_until, is_gone: false });
        Ok(())
    }

    async fn server_beat(&self, server: ServerId, lease: Duration) -> Result<Beat, StoreError> {
        let mut tables = self.tables();
        let now = tables.cluster.now();
        let own = tables.cluster.servers.get_mut(&server).filter(|it| !it.is_gone).ok_or(StoreError::StaleFence)?;
        let was_whole = std::mem::replace(&mut own.lease_until, now + signed(lease)) > now;
        if was_whole {
            tables.evict(|it| it.new.id != server && it.lease_until < now);
        }
        let cluster = &tables.cluster;
        let there = || cluster.servers.values().filter(|it| cluster.has_lease(it.new.id));
        Ok(Beat {
            schedulers: there().filter(|it| it.new.is_scheduler).count() as u32,
            slots: there().map(|it| it.new.slots).sum(),
            owned: shards(cluster, Some(server)),
            unowned: shards(cluster, None).len() as u32,
        })
    }

    async fn server_leave(&self, server: ServerId) -> Result<(), StoreError> {
        self.tables().evict(|it| it.new.id == server);
        Ok(())
    }

    async fn server_list(&self) -> Result<Vec<ServerRow>, StoreError> {
        let tables = self.tables();
        let cluster = &tables.cluster;
        let row = |it: &Server| {
            let lease = if it.is_gone { SignedDuration::ZERO } else { it.lease_until - cluster.now() };
            let lease = Duration::try_from(lease).unwrap_or(Duration::ZERO);
            ServerRow { server: it.new.clone(), lease, shards: shards(cluster, Some(it.new.id)) }
        };
        let day = SignedDuration::from_hours(24);
        Ok(cluster.servers.values().filter(|it| it.lease_until > cluster.now() - day).map(row).collect())
    }

    async fn shard_take(&self, server: ServerId, most: u32) -> Result<Option<(Ownership, Vec<ShardId>)>, StoreError> {
        let mut tables = self.tables();
        if !tables.cluster.has_lease(server) {
            return Ok(None);
        }
        let mut taken = shards(&tables.cluster, None);
        taken.truncate(most as usize);
        if taken.is_empty() {
            return Ok(None);
        }
        tables.epoch += 1;
        let epoch = tables.epoch;
        for shard in &taken {
            tables.cluster.shards.insert(*shard, Shard { owner: Some(server), epoch });
        }
        tables.history.push(Accepted::Epoch(epoch));
        tables.history.push(Accepted::Owned { server, epoch, shards: taken.clone() });
        Ok(Some((Ownership { server, epoch }, taken)))
    }

    async fn shard_keep(&self, server: ServerId) -> Result<Ownership, StoreError> {
        let mut tables = self.tables();
        tables.epoch += 1;
        let epoch = tables.epoch;
        for shard in tables.cluster.shards.values_mut().filter(|shard| shard.owner == Some(server)) {
            shard.epoch = epoch;
        }
        tables.history.push(Accepted::Epoch(epoch));
        tables.history.push(Accepted::Kept { server, epoch });
        Ok(Ownership { server, epoch })
    }

    async fn shard_release(
        &self,
        server: ServerId,
        shards: &[ShardId],
        held: &[(TenantScope, AttemptToken)],
    ) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let Tables { runs, cluster, history, .. } = &mut *tables;
        for (scope, token) in held {
            let AttemptToken { instance, try_number, fence } = *token;
            let row = runs.get(&(*scope, instance.run));
            let row = row.and_then(|run| run.instances.get(&(instance.node, instance.map_index)));
            let Some(row) = row.filter(|row| (row.short.state, row.short.fence) == (TaskState::Running, fence)) else {
                continue;
            };
            let suspect = row.short.suspect;
            let work = Work { try_number, fence, suspect, holder: Some(server), offered: 0 };
            cluster.work.entry((*scope, instance)).or_insert(work);
        }
        let owned = |shard: &&ShardId| cluster.shards.get(shard).is_some_and(|it| it.owner == Some(server));
        let released: Vec<_> = shards.iter().filter(owned).copied().collect();
        for shard in &released {
            if let Some(row) = cluster.shards.get_mut(shard) {
                row.owner = None;
            }
        }
        history.push(Accepted::Released { server, shards: released });
        Ok(())
    }

    async fn shard_tenants(&self, shards: &[ShardId]) -> Result<Vec<TenantScope>, StoreError> {
        let tables = self.tables();
        let mut scopes: Vec<_> = tables.runs.values().filter(is_unfinished).map(|run| run.row.scope).collect();
        scopes.dedup();
        scopes.retain(|scope| shards.contains(&ShardId::of(scope.tenant())));
        Ok(scopes)
    }
}

fn shards(cluster: &Cluster, owner: Option<ServerId>) -> Vec<ShardId> {
    cluster.shards.iter().filter(|(_, it)| it.owner == owner).map(|(shard, _)| *shard).collect()
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
