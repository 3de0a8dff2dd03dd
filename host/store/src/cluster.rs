//! What processes that share one database need of it beside the rest: leases, ownership of shards, work that any worker may
//! take, and news for owners.
//!
//! Words: a *server* is one lifetime of a process; it lives as long as its lease, which only the database's clock judges.
//! A *shard* is owned by one server at a time, which alone decides about the runs of its tenants: each of its commits says
//! under which epoch it owns, and does nothing when that is over. An *offer* is an instance that the owner lets any worker
//! take; its fence is fixed when it is offered, so taking it changes nothing that the owner has to know. An *event* waits for
//! the owner of a shard until a commit of his that deals with it.
//!
//! While its lease is over, a server's writes are refused. It can renew the lease until another server, whose own lease was
//! whole all the time, *evicts* it: then what it held is lost, its shards are free, and it never comes back under its id. (So
//! after an outage of the database, which ends all leases, everybody goes on.) Where one process has a database to itself,
//! nothing of this is needed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use model::{AttemptToken, InstanceKey, RunKey, RunState, ServerId, ShardId, TenantScope, TryNumber};
use uuid::Uuid;

use crate::{CommitError, NewRun, Report, RunCommit, RunCommitted, RunRow, StoreError};

/// A process that joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewServer {
    pub id: ServerId,
    /// Its data folder. A folder has one user at a time, so whoever joins with it evicts its earlier lives.
    pub node: Uuid,
    /// Host and process, for people.
    pub name: String,
    /// The program's version, for people.
    pub version: String,
    /// Whether it owns shards.
    pub is_scheduler: bool,
    /// Instances that it runs at a time; 0 for one that runs none.
    pub slots: u32,
}

/// A process of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRow {
    pub server: NewServer,
    /// How long its lease still lasts; zero for one whose lease has ended.
    pub lease: Duration,
    pub shards: Vec<ShardId>,
}

/// What a server learns when it renews its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// Schedulers with a lease, this one among them: the shards are divided among so many.
    pub schedulers: u32,
    /// Slots of all workers with a lease.
    pub slots: u32,
    /// Shards that this server owns.
    pub owned: Vec<ShardId>,
    /// How many shards nobody owns.
    pub unowned: u32,
}

/// Under what a server owns shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    pub server: ServerId,
    /// The cluster epoch at which it took shards, or kept them, last; the high part of its fences.
    pub epoch: u32,
}

/// The owner's part of a commit, beside what is committed without a cluster. All of it is one transaction.
#[derive(Debug, Clone)]
pub struct SharedCommit {
    pub commit: RunCommit,
    /// Checked first: each shard of a tenant in the commit, be it of an event alone, must be owned by this server, since this
    /// epoch or an earlier one, with a lease that has not ended.
    pub ownership: Ownership,
    /// Runs that the commit changes and does not make, as their owner knows them. One that somebody has cleared since is overtaken.
    pub known: Vec<KnownRun>,
    /// Instances to offer under `commit.fence`: compare-and-set on `scheduled`, to `queued`.
    pub offers: Vec<Offer>,
    /// Events that this commit deals with, with the tenants they are about; they are gone after it. One that is gone already is no
    /// error.
    pub events: Vec<(TenantScope, EventId)>,
    /// Results of runs that have become known.
    pub results: Vec<ResultChange>,
}

/// A run as its owner read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownRun {
    pub scope: TenantScope,
    pub run: RunKey,
    /// How often it had been cleared.
    pub clears: u32,
}

/// An instance that any worker may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub scope: TenantScope,
    pub instance: InstanceKey,
    pub try_number: TryNumber,
    /// It was running when its last runner died, so it must run alone.
    pub suspect: bool,
}

/// Whether the result of an unfinished run is there, for those who wait for it elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultChange {
    pub scope: TenantScope,
    pub run: RunKey,
    /// False when it can no longer come.
    pub is_available: bool,
}

/// Why an owner's commit did nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SharedCommitError {
    /// The server does not own these shards any more. Drop everything that is known about their runs.
    #[error("{} shards have another owner, or this server's lease has ended", .0.len())]
    Deposed(Vec<ShardId>),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<StoreError> for SharedCommitError {
    fn from(error: StoreError) -> Self {
        Self::Commit(error.into())
    }
}

/// An offer that a worker has taken. Its instance says `running` under the fence.
#[derive(Debug, Clone)]
pub struct WorkRow {
    pub scope: TenantScope,
    pub token: AttemptToken,
    pub suspect: bool,
    /// What its run was given; equal for all instances of one run.
    pub run: RunRow,
}

/// An execution that is offered, or held by a worker elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRow {
    pub scope: TenantScope,
    pub token: AttemptToken,
    /// `None` while nobody has taken it.
    pub holder: Option<ServerId>,
    /// The holder was evicted or has left before it reported: nothing will come of it.
    pub is_lost: bool,
}

/// Numbers events. Not in the order in which they became visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub i64);

/// Something that waits for the owner of a shard.
#[derive(Debug, Clone)]
pub struct EventRow {
    pub id: EventId,
    pub scope: TenantScope,
    pub kind: EventKind,
}

/// What an event tells.
#[derive(Debug, Clone)]
pub enum EventKind {
    /// An offered execution has ended.
    Reported(Box<Report>),
    /// The rows of this run were made or changed by somebody who does not own it: read it.
    Look(RunKey),
    /// Something may be there that instances of this run wait for.
    Met(RunKey),
    /// Somebody asks the owner to do something with this run.
    Asked { run: RunKey, request: Arc<str> },
}

/// What is new about a run that somebody watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunNews {
    pub run: RunKey,
    pub state: RunState,
    /// `None` while it may still come.
    pub result: Option<bool>,
}

/// Why somebody should look at the database. Wakes may get lost, so a slow poll stands under everything that waits for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Runs of this shard have changed; `has_offers` when there is work for anybody.
    Committed { shard: ShardId, has_offers: bool },
    /// There are events for the owner of this shard.
    Event(ShardId),
    /// Wakes may have been missed: look at everything.
    Missed,
}

/// Who is there and who owns what.
#[async_trait]
pub trait ClusterStore: Send + Sync {
    /// Joins with a lease from now on, and evicts earlier lives of its node.
    async fn server_join(&self, server: &NewServer, lease: Duration) -> Result<(), StoreError>;

    /// Renews the lease, and evicts servers whose lease has ended unless this one's had ended too.
    /// [`StoreError::StaleFence`] when it was evicted itself.
    async fn server_beat(&self, server: ServerId, lease: Duration) -> Result<Beat, StoreError>;

    /// Ends the lease at once; what the server held is lost and its shards are free.
    async fn server_leave(&self, server: ServerId) -> Result<(), StoreError>;

    /// All servers with a lease, and those whose lease ended less than a day ago.
    async fn server_list(&self) -> Result<Vec<ServerRow>, StoreError>;

    /// Takes at most `most` shards that nobody owns, for a server with a lease, and raises the cluster epoch, since which the server owns them.
    /// `None` when there was none to take.
    async fn shard_take(&self, server: ServerId, most: u32) -> Result<Option<(Ownership, Vec<ShardId>)>, StoreError>;

    /// Raises the cluster epoch and makes it that of all shards that the server owns. A commit that was sent before, and of which
    /// nobody knows whether it arrived, does nothing after this.
    async fn shard_keep(&self, server: ServerId) -> Result<Ownership, StoreError>;

    /// Gives shards up. `held` are executions of theirs that this server's own worker still runs; they become executions that
    /// it holds like offers, so that their reports reach the next owner.
    async fn shard_release(
        &self,
        server: ServerId,
        shards: &[ShardId],
        held: &[(TenantScope, AttemptToken)],
    ) -> Result<(), StoreError>;

    /// Tenants of these shards that have unfinished runs.
    async fn shard_tenants(&self, shards: &[ShardId]) -> Result<Vec<TenantScope>, StoreError>;
}

/// Runs that are shared: what their owner commits, and what others tell him and hear of him.
#[async_trait]
pub trait SharedRunStore: Send + Sync {
    /// Applies an owner's commit in one transaction, or nothing.
    async fn commit_shared(&self, commit: SharedCommit) -> Result<RunCommitted, SharedCommitError>;

    /// Makes a run that has no instances yet, for the owner of its shard to start, and tells him. Fails with
    /// [`StoreError::Conflict`] when the DAG has a run with this id.
    async fn run_insert(&self, run: NewRun) -> Result<(), StoreError>;

    /// Asks the owner of a run's shard to do something with it, in words that only owners read. Fails with [`StoreError::Conflict`]
    /// when there is no such run.
    async fn run_ask(&self, scope: TenantScope, run: RunKey, request: &str) -> Result<(), StoreError>;

    /// Events for these shards, oldest first.
    async fn event_list(&self, shards: &[ShardId], limit: u32) -> Result<Vec<EventRow>, StoreError>;

    /// How these runs stand; those that there are.
    async fn run_news(&self, runs: &[(TenantScope, RunKey)]) -> Result<Vec<RunNews>, StoreError>;

    /// Wakes from now on; never ends.
    fn wakes(&self) -> BoxStream<'static, Wake>;
}

/// Work that any worker may take.
#[async_trait]
pub trait WorkStore: Send + Sync {
    /// Takes at most `limit` offers, fairly by tenant, and makes their instances `running`.
    async fn work_take(&self, server: ServerId, limit: u32) -> Result<Vec<WorkRow>, StoreError>;

    /// Reports executions that were taken; each becomes an event. A report whose execution the server does not hold any more
    /// changes nothing and is no error; one that was made before is such a report. While the server's lease is over and it is
    /// not evicted, it still holds what it reports: [`StoreError::NotWritable`], and the report is to be repeated.
    async fn work_report(&self, server: ServerId, reports: &[Report]) -> Result<(), StoreError>;

    /// What the server holds. It may have taken more than it knows, where an answer was lost, and hold less, where something was
    /// cancelled.
    async fn work_held(&self, server: ServerId) -> Result<Vec<(TenantScope, AttemptToken)>, StoreError>;

    /// Executions of a run that are offered, held elsewhere, or reported by an event that still waits.
    async fn work_of_run(&self, scope: TenantScope, run: RunKey) -> Result<Vec<HeldRow>, StoreError>;

    /// Executions of these shards that are lost.
    async fn work_lost(&self, shards: &[ShardId], limit: u32) -> Result<Vec<HeldRow>, StoreError>;
}
