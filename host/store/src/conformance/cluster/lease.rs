//! Who is there.

use super::super::fixture::OWN;
use super::fixture::*;
use super::{SharedDatabase, SharedStores};
use crate::{Beat, ClusterStore, NewServer, StoreError, WorkStore};

async fn is_evicted(store: &impl SharedStores, number: u128) -> bool {
    match store.server_beat(server_id(number), LONG).await {
        Ok(_) => false,
        Err(StoreError::StaleFence) => true,
        Err(error) => panic!("{error}"),
    }
}

pub(super) async fn a_server_is_there_while_its_lease_lasts(database: &impl SharedDatabase) {
    let store = database.open().await;
    let first = joined(&store, 1).await;
    let worker = NewServer { is_scheduler: false, slots: 5, ..new_server(2) };
    store.server_join(&worker, LONG).await.expect("joined");
    let listed = store.server_list().await.expect("read");
    assert_eq!(listed.iter().map(|it| &it.server).collect::<Vec<_>>(), [&new_server(1), &worker]);
    assert!(listed.iter().all(|it| !it.lease.is_zero() && it.lease <= LONG && it.shards.is_empty()), "{listed:?}");
    let beat = store.server_beat(first, LONG).await.expect("a beat");
    assert_eq!(beat, Beat { schedulers: 1, slots: 8, owned: Vec::new(), unowned: ALL });

    let (_, shards) = taken(&store, first, 2).await;
    let beat = store.server_beat(first, LONG).await.expect("a beat");
    assert_eq!(beat, Beat { schedulers: 1, slots: 8, owned: shards.clone(), unowned: ALL - 2 });
    let listed = database.open().await.server_list().await.expect("read");
    assert_eq!(listed[0].shards, shards);
    // It counts for nothing from the end of its lease on, and is listed still.
    let_lease_end(database, &store, worker.id).await;
    let listed = store.server_list().await.expect("read");
    assert_eq!((listed.len(), listed[1].lease.is_zero()), (2, true));
    assert_eq!(store.server_beat(first, LONG).await.expect("a beat").slots, 3);
    assert!(is_evicted(&store, 9).await, "nobody beats who never joined");
}

pub(super) async fn a_server_that_is_late_is_evicted(database: &impl SharedDatabase) {
    let store = database.open().await;
    let (first, second) = (owner(&store, 1).await.server, joined(&store, 2).await);
    let_lease_end(database, &store, first).await;
    // Nobody has evicted it yet, so nothing is free.
    assert!(store.shard_take(second, ALL).await.expect("answered").is_none());
    assert_eq!(store.server_beat(second, LONG).await.expect("a beat").unowned, ALL);
    assert!(is_evicted(&store, 1).await);
    assert!(is_evicted(&store, 1).await, "for good");
    assert_eq!(taken(&store, second, ALL).await.1.len(), ALL as usize);
    assert!(!is_evicted(&store, 2).await);
}

pub(super) async fn after_an_outage_everybody_goes_on(database: &impl SharedDatabase) {
    let store = database.open().await;
    let first = owner(&store, 1).await.server;
    let_lease_end(database, &store, first).await;
    // Who joins evicts nobody.
    store.server_join(&new_server(2), SHORT).await.expect("joined");
    let second = server_id(2);
    wait_for_end(database, &store, second).await;
    let beat = store.server_beat(second, LONG).await.expect("a beat");
    assert_eq!((beat.unowned, beat.schedulers), (0, 1));
    let beat = store.server_beat(first, LONG).await.expect("a beat");
    assert_eq!((beat.owned.len(), beat.schedulers), (ALL as usize, 2));
}

pub(super) async fn a_node_has_one_life(database: &impl SharedDatabase) {
    let store = database.open().await;
    let before = owner(&store, 1).await;
    offered_run(&store, before, 1).await;
    assert_eq!(take(&store, before.server, 9).await.len(), 1);
    let other = joined(&store, 3).await;
    let next = NewServer { node: new_server(1).node, ..new_server(2) };
    store.server_join(&next, LONG).await.expect("joined");
    assert!(is_evicted(&store, 1).await, "its lease was whole, but its folder has another user");
    assert!(!is_evicted(&store, 3).await);
    assert_eq!(taken(&store, other, ALL).await.1.len(), ALL as usize);
    assert_eq!(store.work_lost(&[shard(OWN)], 9).await.expect("read").len(), 1);
}

pub(super) async fn who_leaves_does_not_come_back(database: &impl SharedDatabase) {
    let store = database.open().await;
    let (first, second) = (owner(&store, 1).await.server, joined(&store, 2).await);
    store.server_leave(first).await.expect("left");
    store.server_leave(first).await.expect("left already");
    assert!(is_evicted(&store, 1).await);
    assert!(store.shard_take(first, ALL).await.expect("answered").is_none());
    let listed = store.server_list().await.expect("read");
    let left = listed.iter().find(|it| it.server.id == first).expect("it is listed for a while");
    assert!(left.lease.is_zero() && left.shards.is_empty(), "{left:?}");
    assert_eq!(taken(&store, second, ALL).await.1.len(), ALL as usize);
}
