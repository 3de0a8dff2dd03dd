//! Servers, shared commits and reports for the cases.

use std::time::Duration;

use model::outcome::{Answer, End, ResourcesUsed};
use model::{AttemptToken, Fence, RunKey, ServerId, ShardId, TenantScope, TryNumber};
use uuid::Uuid;

use super::super::fixture::*;
use super::{SharedDatabase, SharedStores};
use crate::{
    ClusterStore, EventId, EventKind, EventRow, Execution, InstanceClaim, NewServer, Offer, Ownership, Report,
    RunCommit, SharedCommit, SharedCommitError,
};

/// Longer than any test.
pub(super) const LONG: Duration = Duration::from_secs(3600);
/// Over at once.
pub(super) const SHORT: Duration = Duration::from_millis(1);
pub(super) const ALL: u32 = ShardId::COUNT as u32;

pub(super) fn server_id(number: u128) -> ServerId {
    ServerId::from_uuid(Uuid::from_u128(number))
}

/// A scheduler with three slots, on a node of its own.
pub(super) fn new_server(number: u128) -> NewServer {
    NewServer {
        id: server_id(number),
        node: Uuid::from_u128(0xA0 + number),
        name: format!("host:{number}"),
        version: "1.2.3".to_owned(),
        is_scheduler: true,
        slots: 3,
    }
}

pub(super) async fn joined(store: &impl SharedStores, number: u128) -> ServerId {
    store.server_join(&new_server(number), LONG).await.expect("joined");
    server_id(number)
}

/// Joins, and takes all shards that are free.
pub(super) async fn owner(store: &impl SharedStores, number: u128) -> Ownership {
    let server = joined(store, number).await;
    taken(store, server, ALL).await.0
}

/// Takes free shards, of which there must be some.
pub(super) async fn taken(store: &impl SharedStores, server: ServerId, most: u32) -> (Ownership, Vec<ShardId>) {
    store.shard_take(server, most).await.expect("taken").expect("there are free shards")
}

/// Ends the lease of a server that has one, and waits for it. It was whole, so others whose leases have ended are evicted.
pub(super) async fn let_lease_end<D: SharedDatabase>(database: &D, store: &D::Store, server: ServerId) {
    store.server_beat(server, SHORT).await.expect("a beat");
    wait_for_end(database, store, server).await;
}

/// Waits until the database says that a lease has ended.
pub(super) async fn wait_for_end<D: SharedDatabase>(database: &D, store: &D::Store, server: ServerId) {
    loop {
        let servers = store.server_list().await.expect("read");
        if servers.iter().find(|it| it.server.id == server).expect("the server is listed").lease.is_zero() {
            return;
        }
        database.pass().await;
    }
}

/// A server that is late is evicted by one that is not.
pub(super) async fn evict<D: SharedDatabase>(database: &D, store: &D::Store, server: ServerId, by: ServerId) {
    let_lease_end(database, store, server).await;
    store.server_beat(by, LONG).await.expect("a beat");
}

pub(super) fn shard(scope: TenantScope) -> ShardId {
    ShardId::of(scope.tenant())
}

/// A commit of an owner, under fences of its epoch.
pub(super) fn by(ownership: Ownership, commit: RunCommit) -> SharedCommit {
    let (known, offers, events, results) = Default::default();
    SharedCommit { commit, ownership, known, offers, events, results }
}

/// A commit that deals with events and does nothing else.
pub(super) fn dealing_with(ownership: Ownership, events: Vec<(TenantScope, EventId)>) -> SharedCommit {
    SharedCommit { events, ..by(ownership, RunCommit::default()) }
}

/// A commit that offers instances of run `run` under one fence, the only instance of each of these tasks.
pub(super) fn offering(ownership: Ownership, counter: u64, run: u128, nodes: &[u32]) -> SharedCommit {
    let offer =
        |node: &u32| Offer { scope: OWN, instance: instance(run, *node, -1), try_number: TryNumber(1), suspect: false };
    let commit = RunCommit { fence: Some(fence_of(ownership, counter)), ..RunCommit::default() };
    SharedCommit { offers: nodes.iter().map(offer).collect(), ..by(ownership, commit) }
}

pub(super) fn fence_of(ownership: Ownership, counter: u64) -> Fence {
    Fence::new(ownership.epoch, counter)
}

pub(super) fn token_of(ownership: Ownership, counter: u64, run: u128, node: u32) -> AttemptToken {
    AttemptToken { fence: fence_of(ownership, counter), ..token(run, node, -1, 1, counter) }
}

/// Claims of the owner's own slots.
pub(super) fn claiming(ownership: Ownership, counter: u64, claims: Vec<InstanceClaim>) -> SharedCommit {
    by(ownership, RunCommit { claims, fence: Some(fence_of(ownership, counter)), ..RunCommit::default() })
}

pub(super) async fn commit_shared(store: &impl SharedStores, commit: SharedCommit) {
    let committed = store.commit_shared(commit).await.expect("committed");
    assert_eq!(committed.duplicate_runs, []);
}

/// The commit must be refused because these shards are not owned.
pub(super) async fn deposed(store: &impl SharedStores, commit: SharedCommit, expect: &[ShardId]) {
    match store.commit_shared(commit).await {
        Err(SharedCommitError::Deposed(shards)) => assert_eq!(shards, expect),
        other => panic!("{other:?}"),
    }
}

/// A run of the tenant whose tasks are scheduled.
pub(super) async fn run_of(
    store: &impl SharedStores,
    ownership: Ownership,
    scope: TenantScope,
    number: u128,
    nodes: u32,
) {
    let version = version(store, scope, "dag").await;
    commit_shared(store, by(ownership, started(new_run(scope, "dag", version, number, nodes)))).await;
}

/// Run 1 of the own tenant, whose tasks are offered under fence 5.
pub(super) async fn offered_run(store: &impl SharedStores, ownership: Ownership, nodes: u32) {
    run_of(store, ownership, OWN, 1, nodes).await;
    commit_shared(store, offering(ownership, 5, 1, &(0..nodes).collect::<Vec<_>>())).await;
}

/// Tokens that a server takes, at most so many.
pub(super) async fn take(store: &impl SharedStores, server: ServerId, limit: u32) -> Vec<(TenantScope, AttemptToken)> {
    let taken = store.work_take(server, limit).await.expect("taken");
    taken.into_iter().map(|row| (row.scope, row.token)).collect()
}

/// A success without values.
pub(super) fn report(token: AttemptToken) -> Report {
    Report {
        scope: OWN,
        token,
        execution: Execution {
            started_at: at(2),
            ended_at: at(4),
            end: End::Success,
            used: ResourcesUsed { wall_us: 17, cpu_us: 11, memory_bytes: 65_536 },
        },
        xcoms: Vec::new(),
        has_value: false,
        answer: Answer::default(),
        asset_events: Vec::new(),
    }
}

/// Events that wait for the owner of the own tenant.
pub(super) async fn events(store: &impl SharedStores) -> Vec<EventRow> {
    store.event_list(&[shard(OWN)], 100).await.expect("read")
}

/// What they are, with the instances' tokens and the runs' keys.
pub(super) async fn event_kinds(store: &impl SharedStores) -> Vec<Told> {
    let told = |event: EventRow| match event.kind {
        EventKind::Reported(report) => Told::Reported(report.token),
        EventKind::Look(run) => Told::Look(run),
        EventKind::Met(run) => Told::Met(run),
        EventKind::Asked { run, request } => Told::Asked(run, request.to_string()),
    };
    events(store).await.into_iter().map(told).collect()
}

/// An event in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Reported(AttemptToken),
    Look(RunKey),
    Met(RunKey),
    Asked(RunKey, String),
}
