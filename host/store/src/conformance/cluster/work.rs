//! Work that any worker may take, and what becomes of it.

use std::collections::BTreeSet;

use futures::future::join_all;
use model::{AttemptToken, NodeIdx, TaskState, TenantScope, TryNumber};

use super::super::fixture::*;
use super::fixture::*;
use super::{SharedDatabase, SharedStores};
use crate::{
    Cancelled, ClusterStore, HeldRow, InstanceFilter, NewInstances, Offer, Ownership, PageRequest, Report, Reset,
    RunCommit, RunReader, RunStore, SharedCommit, SharedRunStore, StoreError, WorkStore,
};

/// Offers the only instance of each of a run's tasks.
async fn offered(store: &impl SharedStores, all: Ownership, scope: TenantScope, run: u128, nodes: u32) {
    run_of(store, all, scope, run, nodes).await;
    let mut commit = offering(all, 5, run, &(0..nodes).collect::<Vec<_>>());
    commit.offers.iter_mut().for_each(|offer| offer.scope = scope);
    commit_shared(store, commit).await;
}

pub(super) async fn offers_are_taken_by_tenants_in_turn(database: &impl SharedDatabase) {
    let store = database.open().await;
    let all = owner(&store, 1).await;
    offered(&store, all, OWN, 1, 6).await;
    offered(&store, all, OTHER, 2, 2).await;
    let worker = joined(&store, 2).await;
    let of = |run: u128, nodes: &[u32]| -> BTreeSet<_> {
        nodes.iter().map(|node| token_of(all, 5, run, *node).instance).collect()
    };
    // Of each tenant the oldest offers first.
    for (limit, expect) in [(4, &of(1, &[0, 1]) | &of(2, &[0, 1])), (1, of(1, &[2])), (9, of(1, &[3, 4, 5]))] {
        let taken = take(&store, worker, limit).await;
        assert_eq!(taken.iter().map(|(_, token)| token.instance).collect::<BTreeSet<_>>(), expect);
    }
    assert_eq!(take(&store, worker, 9).await, []);
}

pub(super) async fn each_offer_is_taken_once(database: &impl SharedDatabase) {
    const ITEMS: u32 = 200;
    let store = database.open().await;
    let all = owner(&store, 1).await;
    let version = version(&store, OWN, "dag").await;
    let mut run = new_run(OWN, "dag", version, 1, 1);
    run.nodes[0].map_length = Some(ITEMS);
    let rows = NewInstances { try_number: TryNumber(1), ..instances(1, 0, 0, ITEMS, TaskState::Scheduled) };
    commit_shared(&store, by(all, RunCommit { runs: vec![run], instances: vec![rows], ..RunCommit::default() })).await;
    let offer = |index| Offer { scope: OWN, instance: instance(1, 0, index), try_number: TryNumber(1), suspect: false };
    let mut commit = offering(all, 5, 1, &[]);
    commit.offers = (0..ITEMS.cast_signed()).map(offer).collect();
    commit_shared(&store, commit).await;

    let mut workers = Vec::new();
    for number in 2..=7 {
        workers.push(joined(&store, number).await);
    }
    let mut seen = BTreeSet::new();
    while seen.len() < ITEMS as usize {
        // Whoever comes while others take passes over what they take, and may find nothing.
        for taken in join_all(workers.iter().map(|worker| take(&store, *worker, 9))).await {
            for (_, token) in taken {
                assert!(seen.insert(token.instance.map_index), "{token:?} is taken twice");
            }
        }
    }
    let mut held = 0;
    for worker in workers {
        held += store.work_held(worker).await.expect("read").len();
    }
    assert_eq!(held, ITEMS as usize);
    assert!(states(&store, 1).await.iter().all(|(.., state)| *state == TaskState::Running));
}

pub(super) async fn what_is_taken_runs(database: &impl SharedDatabase) {
    let store = database.open().await;
    let all = owner(&store, 1).await;
    offered_run(&store, all, 2).await;
    let worker = joined(&store, 2).await;
    let row = store.work_take(worker, 1).await.expect("taken").remove(0);
    assert_eq!((row.scope, row.token, row.suspect), (OWN, token_of(all, 5, 1, 0), false));
    assert_eq!(row.run, snapshot(&store, 1).await.run);
    let running = instance_of(&store, 1, 0, -1).await;
    assert_eq!((running.state, running.fence), (TaskState::Running, fence_of(all, 5)));
    assert!(running.started_at.is_some());
    let of_run = InstanceFilter { run: Some(run_key(1)), ..InstanceFilter::default() };
    let rows = store.instance_list(OWN, &of_run, PageRequest { limit: 9, offset: 0 }).await.expect("read").rows;
    assert_eq!(rows.iter().map(|row| row.worker).collect::<Vec<_>>(), [Some(worker.worker()), None]);
    assert_eq!(instance_of(&store, 1, 1, -1).await.state, TaskState::Queued);

    assert_eq!(store.work_held(worker).await.expect("read"), [(OWN, row.token)]);
    assert_eq!(store.work_held(all.server).await.expect("read"), []);
    let mut of_run = store.work_of_run(OWN, run_key(1)).await.expect("read");
    of_run.sort_by_key(|row| row.token.instance);
    let held = |node, holder| HeldRow { scope: OWN, token: token_of(all, 5, 1, node), holder, is_lost: false };
    assert_eq!(of_run, [held(0, Some(worker)), held(1, None)]);
    assert_eq!(store.work_of_run(OTHER, run_key(1)).await.expect("read"), []);
    assert_eq!(store.work_of_run(OWN, run_key(2)).await.expect("read"), []);
    assert_eq!(store.work_lost(&[shard(OWN)], 9).await.expect("read"), []);
}

pub(super) async fn without_a_lease_no_work_is_taken(database: &impl SharedDatabase) {
    let store = database.open().await;
    let all = owner(&store, 1).await;
    offered_run(&store, all, 2).await;
    let worker = joined(&store, 2).await;
    let_lease_end(database, &store, worker).await;
    assert_eq!(take(&store, worker, 9).await, []);
    store.server_beat(worker, LONG).await.expect("a beat");
    assert_eq!(take(&store, worker, 1).await.len(), 1);
    evict(database, &store, worker, all.server).await;
    for nobody in [worker, server_id(9)] {
        assert_eq!(take(&store, nobody, 9).await, []);
    }
    assert_eq!(instance_of(&store, 1, 1, -1).await.state, TaskState::Queued);
}

pub(super) async fn a_report_becomes_one_event(database: &impl SharedDatabase) {
    let store = database.open().await;
    let all = owner(&store, 1).await;
    offered_run(&store, all, 3).await;
    let (worker, other) = (joined(&store, 2).await, joined(&store, 3).await);
    let taken = take(&store, worker, 2).await;
    let (first, second) = (taken[0].1, taken[1].1);
    let offered = token_of(all, 5, 1, 2);
    // Another worker's, nobody's, under another fence, of another tenant.
    store.work_report(other, &[report(first)]).await.expect("nothing to report");
    let stale = AttemptToken { fence: fence_of(all, 4), ..first };
    let foreign = Report { scope: OTHER, ..report(first) };
    store.work_report(worker, &[report(offered), report(stale), foreign]).await.expect("nothing to report");
    assert_eq!(event_kinds(&store).await, []);

    store.work_report(worker, &[report(first), report(first)]).await.expect("reported");
    store.work_report(worker, &[report(first), report(second)]).await.expect("reported again");
    assert_eq!(event_kinds(&store).await, [Told::Reported(first), Told::Reported(second)]);
    assert_eq!(store.work_held(worker).await.expect("read"), []);
    let reported = HeldRow { scope: OWN, token: first, holder: None, is_lost: false };
    assert!(store.work_of_run(OWN, run_key(1)).await.expect("read").contains(&reported));
    assert_eq!(instance_of(&store, 1, 0, -1).await.state, TaskState::Running, "the owner has yet to deal with it");

    // The owner does, in one commit.
    let dealt_with = events(&store).await.iter().map(|event| (OWN, event.id)).collect();
    let ended = [first, second].map(|token| success(token, &[])).to_vec();
    let commit = SharedCommit { events: dealt_with, ..by(all, RunCommit { ended, ..RunCommit::default() }) };
    commit_shared(&store, commit).await;
    assert_eq!(event_kinds(&store).await, []);
    assert_eq!(instance_of(&store, 1, 0, -1).await.state, TaskState::Success);
    store.work_report(worker, &[report(first)]).await.expect("nothing to report");
    assert_eq!(event_kinds(&store).await, []);
}

pub(super) async fn a_report_waits_for_the_lease(database: &impl SharedDatabase) {
    let store = database.open().await;
    let all = owner(&store, 1).await;
    offered_run(&store, all, 1).await;
    let worker = joined(&store, 2).await;
    let held = take(&store, worker, 1).await;
    let_lease_end(database, &store, worker).await;
    let refused = store.work_report(worker, &[report(held[0].1)]).await;
    assert!(matches!(refused, Err(StoreError::NotWritable { .. })), "{refused:?}");
    assert_eq!(event_kinds(&store).await, []);
    assert_eq!(store.work_held(worker).await.expect("read"), held);
    assert_eq!(store.work_lost(&[shard(OWN)], 9).await.expect("read"), [], "nobody has evicted it");
    store.server_beat(worker, LONG).await.expect("a beat");
    store.work_report(worker, &[report(held[0].1)]).await.expect("reported");
    assert_eq!(event_kinds(&store).await, [Told::Reported(held[0].1)]);
}

pub(super) async fn an_evicted_worker_reports_nothing(database: &impl SharedDatabase) {
    let store = database.open().await;
    let all = owner(&store, 1).await;
    offered_run(&store, all, 1).await;
    let worker = joined(&store, 2).await;
    let held = take(&store, worker, 1).await;
    evict(database, &store, worker, all.server).await;
    store.work_report(worker, &[report(held[0].1)]).await.expect("nothing to report");
    store.work_report(server_id(9), &[report(held[0].1)]).await.expect("nothing to report");
    assert_eq!(event_kinds(&store).await, []);
    assert_eq!(instance_of(&store, 1, 0, -1).await.state, TaskState::Running);
}

pub(super) async fn what_a_server_held_is_lost_with_it(database: &impl SharedDatabase) {
    let store = database.open().await;
    let all = owner(&store, 1).await;
    offered_run(&store, all, 4).await;
    let (late, leaving) = (joined(&store, 2).await, joined(&store, 3).await);
    let (first, second) = (take(&store, late, 2).await, take(&store, leaving, 1).await);
    evict(database, &store, late, all.server).await;
    let lost = |held: &[(TenantScope, AttemptToken)], holder| -> Vec<_> {
        let row = |(scope, token): &(_, _)| HeldRow { scope: *scope, token: *token, holder, is_lost: true };
        held.iter().map(row).collect()
    };
    let found = async |limit| {
        let mut rows = store.work_lost(&[shard(OWN)], limit).await.expect("read");
        rows.sort_by_key(|row| row.token.instance);
        rows
    };
    assert_eq!(found(9).await, lost(&first, Some(late)));
    assert_eq!(found(1).await.len(), 1);
    assert_eq!(store.work_lost(&[shard(OTHER)], 9).await.expect("read"), []);
    store.server_leave(leaving).await.expect("left");
    let both = [lost(&first, Some(late)), lost(&second, Some(leaving))].concat();
    assert_eq!(found(9).await, both);
    let of_run = store.work_of_run(OWN, run_key(1)).await.expect("read");
    assert_eq!(of_run.iter().filter(|row| row.is_lost).count(), 3);

    // The owner ends them, and they run elsewhere.
    let ended = both.iter().map(|row| ended(row.token, TaskState::Scheduled)).collect();
    commit_shared(&store, by(all, RunCommit { ended, ..RunCommit::default() })).await;
    assert_eq!(found(9).await, []);
    commit_shared(&store, offering(all, 6, 1, &[0, 1, 2])).await;
    assert_eq!(take(&store, all.server, 9).await.len(), 4);
}

pub(super) async fn what_a_released_shard_left_running_is_held(database: &impl SharedDatabase) {
    let store = database.open().await;
    let before = owner(&store, 1).await;
    run_of(&store, before, OWN, 1, 3).await;
    commit_shared(&store, claiming(before, 5, vec![claim(1, 0, -1), claim(1, 1, -1)])).await;
    let (running, ended) = (token_of(before, 5, 1, 0), token_of(before, 5, 1, 1));
    commit_shared(&store, by(before, RunCommit { ended: vec![success(ended, &[])], ..RunCommit::default() })).await;
    let stale = AttemptToken { fence: fence_of(before, 4), ..running };
    let scheduled = token_of(before, 5, 1, 2);
    let held = [running, ended, stale, scheduled].map(|token| (OWN, token));
    store.shard_release(before.server, &[shard(OWN)], &held).await.expect("released");
    assert_eq!(store.work_held(before.server).await.expect("read"), [(OWN, running)]);

    let next = owner(&store, 2).await;
    let of_run = store.work_of_run(OWN, run_key(1)).await.expect("read");
    let row = HeldRow { scope: OWN, token: running, holder: Some(before.server), is_lost: false };
    assert_eq!(of_run, [row]);
    store.work_report(before.server, &[report(running)]).await.expect("reported");
    assert_eq!(event_kinds(&store).await, [Told::Reported(running)]);
    let commit = SharedCommit {
        events: events(&store).await.iter().map(|event| (OWN, event.id)).collect(),
        ..by(next, RunCommit { ended: vec![success(running, &[])], ..RunCommit::default() })
    };
    commit_shared(&store, commit).await;
    assert_eq!(instance_of(&store, 1, 0, -1).await.state, TaskState::Success);
}

pub(super) async fn an_end_by_the_owner_takes_work_away(database: &impl SharedDatabase) {
    let store = database.open().await;
    let all = owner(&store, 1).await;
    offered_run(&store, all, 2).await;
    let worker = joined(&store, 2).await;
    let held = take(&store, worker, 1).await;
    // One is held, the other one still offered.
    let ends = [0, 1].map(|node| ended(token_of(all, 5, 1, node), TaskState::Failed)).to_vec();
    commit_shared(&store, by(all, RunCommit { ended: ends, ..RunCommit::default() })).await;
    assert_eq!(store.work_held(worker).await.expect("read"), []);
    assert_eq!(take(&store, worker, 9).await, []);
    store.work_report(worker, &[report(held[0].1)]).await.expect("nothing to report");
    assert_eq!(event_kinds(&store).await, []);
    assert_eq!(states(&store, 1).await, [(0, -1, TaskState::Failed), (1, -1, TaskState::Failed)]);
}

pub(super) async fn a_clear_takes_work_away(database: &impl SharedDatabase) {
    let store = database.open().await;
    let all = owner(&store, 1).await;
    offered_run(&store, all, 2).await;
    let worker = joined(&store, 2).await;
    let held = take(&store, worker, 1).await;
    let cancelled = |node| Cancelled {
        scope: OWN,
        instance: instance(1, node, -1),
        fence: fence_of(all, 5),
        message: "cleared".into(),
        at: at(9),
    };
    let reset = |node| {
        let (run, node) = (run_key(1), NodeIdx(node));
        Reset { scope: OWN, run, node, first: NONE, last: NONE, keeps_state: false }
    };
    let (cancelled, resets) = (vec![cancelled(0), cancelled(1)], vec![reset(0), reset(1)]);
    commit_shared(&store, by(all, RunCommit { cancelled, resets, ..reopened(1) })).await;
    assert_eq!(store.work_held(worker).await.expect("read"), []);
    assert_eq!(take(&store, worker, 9).await, []);
    store.work_report(worker, &[report(held[0].1)]).await.expect("nothing to report");
    assert_eq!(event_kinds(&store).await, []);
    assert_eq!(states(&store, 1).await, [(0, -1, TaskState::None), (1, -1, TaskState::None)]);
    // What ran has left an attempt; what was only offered has not.
    let attempts = [0, 1].map(|node| store.attempt_list(OWN, instance(1, node, -1)));
    let attempts: Vec<_> = join_all(attempts).await.into_iter().map(|found| found.expect("read").len()).collect();
    assert_eq!(attempts.iter().sum::<usize>(), 1, "{attempts:?}");
    // What was decided before the clear is overtaken, whoever decided it.
    let late = by(all, RunCommit { ended: vec![success(held[0].1, &[])], ..RunCommit::default() });
    assert!(store.commit_shared(late).await.is_err());
    assert_eq!(store.run_snapshot(OWN, run_key(1)).await.expect("read").expect("it is there").run.clears, 1);
}
