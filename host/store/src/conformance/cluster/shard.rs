//! Who owns what.

use std::collections::BTreeSet;

use futures::future::join_all;
use model::RunState;

use super::super::fixture::{OTHER, OWN, at, run_key};
use super::SharedDatabase;
use super::fixture::*;
use crate::{ClusterStore, RunCommit, RunStateChange, RunStore};

pub(super) async fn each_shard_has_one_owner(database: &impl SharedDatabase) {
    let store = database.open().await;
    let (first, second) = (joined(&store, 1).await, joined(&store, 2).await);
    let (earlier, mine) = taken(&store, first, 40).await;
    let (later, rest) = taken(&store, second, 40).await;
    assert_eq!((mine.len(), rest.len()), (40, 24));
    assert_eq!((earlier.server, later.server), (first, second));
    assert!(earlier.epoch < later.epoch);
    assert_eq!(store.shard_take(first, 1).await.expect("answered"), None);
    let all: BTreeSet<_> = mine.iter().chain(&rest).collect();
    assert_eq!(all.len(), ALL as usize);
    assert_eq!(store.server_beat(first, LONG).await.expect("a beat").owned, mine);
    assert_eq!(store.server_beat(second, LONG).await.expect("a beat").owned, rest);
    // Fences of whatever comes next are higher too.
    assert_eq!(store.epoch_advance().await.expect("advanced"), later.epoch + 1);
}

pub(super) async fn many_at_once_take_each_shard_once(database: &impl SharedDatabase) {
    let store = database.open().await;
    let mut servers = Vec::new();
    for number in 1..=8 {
        servers.push(joined(&store, number).await);
    }
    let taken = join_all(servers.iter().map(|server| store.shard_take(*server, 12))).await;
    let taken: Vec<_> = taken.into_iter().filter_map(|it| it.expect("answered")).collect();
    let epochs: BTreeSet<_> = taken.iter().map(|(ownership, _)| ownership.epoch).collect();
    assert_eq!(epochs.len(), taken.len());
    let shards: Vec<_> = taken.iter().flat_map(|(_, shards)| shards).collect();
    assert_eq!(shards.iter().collect::<BTreeSet<_>>().len(), shards.len(), "none has two owners");
    for (ownership, shards) in taken {
        assert_eq!(store.server_beat(ownership.server, LONG).await.expect("a beat").owned, shards);
    }
}

pub(super) async fn without_a_lease_nothing_is_taken(database: &impl SharedDatabase) {
    let store = database.open().await;
    let first = joined(&store, 1).await;
    let_lease_end(database, &store, first).await;
    assert_eq!(store.shard_take(first, 1).await.expect("answered"), None);
    store.server_beat(first, LONG).await.expect("a beat");
    taken(&store, first, 1).await;
    let second = joined(&store, 2).await;
    evict(database, &store, first, second).await;
    assert_eq!(store.shard_take(first, 1).await.expect("answered"), None);
    assert_eq!(store.shard_take(server_id(9), 1).await.expect("answered"), None);
}

pub(super) async fn a_shard_is_given_up_by_its_owner_alone(database: &impl SharedDatabase) {
    let store = database.open().await;
    let (first, second) = (joined(&store, 1).await, joined(&store, 2).await);
    let (_, shards) = taken(&store, first, 3).await;
    store.shard_release(second, &shards, &[]).await.expect("answered");
    assert_eq!(store.server_beat(first, LONG).await.expect("a beat").owned, shards);
    store.shard_release(first, &shards[1..], &[]).await.expect("released");
    assert_eq!(store.server_beat(first, LONG).await.expect("a beat").owned, shards[..1]);
    let (_, others) = taken(&store, second, ALL).await;
    assert_eq!(others.len(), ALL as usize - 1);
    assert!(!others.contains(&shards[0]));
}

pub(super) async fn tenants_with_work_are_found_by_shard(database: &impl SharedDatabase) {
    let store = database.open().await;
    let all = owner(&store, 1).await;
    run_of(&store, all, OWN, 1, 1).await;
    run_of(&store, all, OWN, 2, 1).await;
    run_of(&store, all, OTHER, 3, 1).await;
    let (own, other) = (shard(OWN), shard(OTHER));
    assert_eq!(store.shard_tenants(&[own, other]).await.expect("read"), [OWN, OTHER]);
    assert_eq!(store.shard_tenants(&[other]).await.expect("read"), [OTHER]);
    assert_eq!(store.shard_tenants(&[]).await.expect("read"), []);
    let over = RunStateChange { scope: OTHER, run: run_key(3), to: RunState::Success, reason: None, at: at(5) };
    commit_shared(&store, by(all, RunCommit { run_states: vec![over], ..RunCommit::default() })).await;
    assert_eq!(store.shard_tenants(&[own, other]).await.expect("read"), [OWN]);
}
