//! Commits of owners, and of those who are owners no more.

use model::{RunState, TaskState, TryNumber};

use super::super::fixture::*;
use super::fixture::*;
use super::{SharedDatabase, SharedStores};
use crate::{
    ClusterStore, CommitError, DuplicateKind, InstanceSnapshot, KnownRun, NewRun, NewServer, Offer, Ownership,
    ResultChange, RunCommit, RunNews, RunStateChange, RunStore, SharedCommit, SharedCommitError, SharedRunStore,
    WorkStore,
};

/// A commit that would end run 1.
fn end_of_run(ownership: Ownership) -> SharedCommit {
    let change = RunStateChange { scope: OWN, run: run_key(1), to: RunState::Failed, reason: None, at: at(5) };
    by(ownership, RunCommit { run_states: vec![change], ..RunCommit::default() })
}

async fn is_running(store: &impl SharedStores) -> bool {
    snapshot(store, 1).await.run.state == RunState::Running
}

pub(super) async fn only_the_owner_commits(database: &impl SharedDatabase) {
    let store = database.open().await;
    let first = owner(&store, 1).await;
    run_of(&store, first, OWN, 1, 1).await;
    let second = joined(&store, 2).await;
    for stranger in [second, server_id(9)] {
        let claimed = Ownership { server: stranger, ..first };
        deposed(&store, end_of_run(claimed), &[shard(OWN)]).await;
    }
    assert!(is_running(&store).await);
    commit_shared(&store, end_of_run(first)).await;
    assert!(!is_running(&store).await);
}

pub(super) async fn a_lease_that_is_over_commits_nothing_until_it_is_renewed(database: &impl SharedDatabase) {
    let store = database.open().await;
    let first = owner(&store, 1).await;
    run_of(&store, first, OWN, 1, 1).await;
    let_lease_end(database, &store, first.server).await;
    deposed(&store, end_of_run(first), &[shard(OWN)]).await;
    assert!(is_running(&store).await);
    store.server_beat(first.server, LONG).await.expect("a beat");
    commit_shared(&store, end_of_run(first)).await;
}

pub(super) async fn what_was_decided_before_a_shard_was_lost_is_refused(database: &impl SharedDatabase) {
    let store = database.open().await;
    let before = owner(&store, 1).await;
    run_of(&store, before, OWN, 1, 1).await;
    let first = before.server;
    // It takes more while it owns what it has: what it decided is still its decision.
    store.shard_release(first, &[shard(OTHER)], &[]).await.expect("released");
    let (after, _) = taken(&store, first, ALL).await;
    assert!(after.epoch > before.epoch);
    run_of(&store, before, OWN, 2, 1).await;
    deposed(&store, by(before, started_for_other(&store).await), &[shard(OTHER)]).await;
    commit_shared(&store, by(after, started_for_other(&store).await)).await;

    let second = joined(&store, 2).await;
    store.shard_release(first, &[shard(OWN)], &[]).await.expect("released");
    deposed(&store, end_of_run(after), &[shard(OWN)]).await;
    taken(&store, second, 1).await;
    deposed(&store, end_of_run(after), &[shard(OWN)]).await;
    store.shard_release(second, &[shard(OWN)], &[]).await.expect("released");
    let (again, shards) = taken(&store, first, ALL).await;
    assert_eq!(shards, [shard(OWN)]);
    for stale in [before, after] {
        deposed(&store, end_of_run(stale), &[shard(OWN)]).await;
    }
    assert!(is_running(&store).await);
    commit_shared(&store, end_of_run(again)).await;
    // It is told so first, though the run has ended too.
    deposed(&store, end_of_run(after), &[shard(OWN)]).await;
}

async fn started_for_other(store: &impl SharedStores) -> RunCommit {
    let version = version(store, OTHER, "dag").await;
    started(new_run(OTHER, "dag", version, 8, 1))
}

pub(super) async fn an_evicted_owner_commits_nothing(database: &impl SharedDatabase) {
    let store = database.open().await;
    let first = owner(&store, 1).await;
    run_of(&store, first, OWN, 1, 1).await;
    let second = joined(&store, 2).await;
    evict(database, &store, first.server, second).await;
    deposed(&store, end_of_run(first), &[shard(OWN)]).await;
    // A later life of the same folder is another owner.
    let next = NewServer { node: new_server(1).node, ..new_server(3) };
    store.server_join(&next, LONG).await.expect("joined");
    let (third, _) = taken(&store, next.id, ALL).await;
    deposed(&store, end_of_run(first), &[shard(OWN)]).await;
    assert!(is_running(&store).await);
    commit_shared(&store, end_of_run(third)).await;
}

pub(super) async fn shards_that_are_not_owned_are_named(database: &impl SharedDatabase) {
    let store = database.open().await;
    let first = owner(&store, 1).await;
    run_of(&store, first, OWN, 1, 1).await;
    store.shard_release(first.server, &[shard(OTHER)], &[]).await.expect("released");
    let version = version(&store, OTHER, "dag").await;
    let both = SharedCommit {
        commit: RunCommit { runs: vec![new_run(OTHER, "dag", version, 2, 1)], ..end_of_run(first).commit },
        ..end_of_run(first)
    };
    deposed(&store, both, &[shard(OTHER)]).await;
    assert!(is_running(&store).await, "nothing is written of what is owned either");
    assert!(store.run_snapshot(OTHER, run_key(2)).await.expect("read").is_none());
    commit_shared(&store, end_of_run(first)).await;
}

pub(super) async fn what_was_sent_before_shards_were_kept_is_refused(database: &impl SharedDatabase) {
    let store = database.open().await;
    let before = owner(&store, 1).await;
    run_of(&store, before, OWN, 1, 1).await;
    let after = store.shard_keep(before.server).await.expect("kept");
    assert_eq!(after.server, before.server);
    assert!(after.epoch > before.epoch);
    assert_eq!(store.server_beat(before.server, LONG).await.expect("a beat").owned.len(), ALL as usize);
    deposed(&store, end_of_run(before), &[shard(OWN)]).await;
    // Who owns nothing keeps nothing.
    let second = joined(&store, 2).await;
    let nothing = store.shard_keep(second).await.expect("kept");
    deposed(&store, end_of_run(nothing), &[shard(OWN)]).await;
    assert!(is_running(&store).await);
    commit_shared(&store, end_of_run(after)).await;
}

pub(super) async fn who_does_not_know_of_a_clear_is_refused(database: &impl SharedDatabase) {
    let store = database.open().await;
    let first = owner(&store, 1).await;
    run_of(&store, first, OWN, 1, 1).await;
    run_of(&store, first, OWN, 2, 1).await;
    commit_shared(&store, by(first, reopened(1))).await;
    let known = |run, clears| KnownRun { scope: OWN, run: run_key(run), clears };
    for unknown in [known(1, 0), known(1, 2), known(9, 0)] {
        let stale = SharedCommit { known: vec![known(2, 0), unknown], ..end_of_run(first) };
        match store.commit_shared(stale).await {
            Err(SharedCommitError::Commit(CommitError::Overtaken(runs))) => assert!(runs.contains(&unknown.run)),
            other => panic!("{unknown:?}: {other:?}"),
        }
        assert!(is_running(&store).await);
    }
    commit_shared(&store, SharedCommit { known: vec![known(1, 1), known(2, 0)], ..end_of_run(first) }).await;
}

pub(super) async fn events_are_for_owners_alone(database: &impl SharedDatabase) {
    let store = database.open().await;
    let first = owner(&store, 1).await;
    let version = version(&store, OWN, "dag").await;
    let run = NewRun { state: RunState::Queued, ..new_run(OWN, "dag", version, 1, 1) };
    store.run_insert(run).await.expect("inserted");
    let event = events(&store).await[0].id;
    store.shard_release(first.server, &[shard(OWN)], &[]).await.expect("released");
    deposed(&store, dealing_with(first, vec![(OWN, event)]), &[shard(OWN)]).await;
    assert_eq!(event_kinds(&store).await, [Told::Look(run_key(1))], "it waits for the next owner");
    let (again, _) = taken(&store, first.server, 1).await;
    commit_shared(&store, dealing_with(again, vec![(OWN, event)])).await;
    assert_eq!(event_kinds(&store).await, []);
    commit_shared(&store, dealing_with(again, vec![(OWN, event)])).await;
}

pub(super) async fn what_is_offered_is_queued_under_its_fence(database: &impl SharedDatabase) {
    let store = database.open().await;
    let first = owner(&store, 1).await;
    run_of(&store, first, OWN, 1, 2).await;
    let suspect = Offer { suspect: true, ..offering(first, 5, 1, &[1]).offers.remove(0) };
    let mut commit = offering(first, 5, 1, &[0]);
    commit.offers.push(suspect);
    commit_shared(&store, commit).await;
    for node in [0, 1] {
        let InstanceSnapshot { state, fence, try_number, started_at, .. } = instance_of(&store, 1, node, -1).await;
        assert_eq!((state, fence), (TaskState::Queued, fence_of(first, 5)));
        assert_eq!((try_number, started_at), (TryNumber(1), None));
    }
    let taken = store.work_take(first.server, 9).await.expect("taken");
    let told: Vec<_> = taken.iter().map(|row| (row.token.instance.node.0, row.suspect)).collect();
    assert_eq!(told, [(0, false), (1, true)]);
}

pub(super) async fn an_offer_of_what_is_not_scheduled(database: &impl SharedDatabase) {
    let store = database.open().await;
    let first = owner(&store, 1).await;
    offered_run(&store, first, 1).await;
    run_of(&store, first, OWN, 2, 2).await;
    commit_shared(&store, claiming(first, 6, vec![claim(2, 0, -1)])).await;
    // Offered already, running, no instance at all; and one beside it that is as it should be.
    for (run, nodes) in [(1, vec![0]), (2, vec![1, 0]), (2, vec![1, 7])] {
        match store.commit_shared(offering(first, 9, run, &nodes)).await {
            Err(SharedCommitError::Commit(CommitError::Overtaken(runs))) => assert_eq!(runs, [run_key(run)]),
            other => panic!("{run} {nodes:?}: {other:?}"),
        }
    }
    assert_eq!(instance_of(&store, 1, 0, -1).await.fence, fence_of(first, 5));
    assert_eq!(states(&store, 2).await, [(0, -1, TaskState::Running), (1, -1, TaskState::Scheduled)]);
    assert_eq!(take(&store, first.server, 9).await, [(OWN, token_of(first, 5, 1, 0))]);
}

pub(super) async fn runs_that_exist_leave_the_rest_alone(database: &impl SharedDatabase) {
    let store = database.open().await;
    let first = owner(&store, 1).await;
    run_of(&store, first, OWN, 1, 1).await;
    let version = version(&store, OWN, "dag").await;
    let mut both = started(new_run(OWN, "dag", version, 2, 1));
    let twin = NewRun { run_id: run_id("run-1"), ..new_run(OWN, "dag", version, 3, 1) };
    both.instances.extend(started(twin.clone()).instances);
    both.runs.push(twin);
    let results = [2, 3].map(|run| ResultChange { scope: OWN, run: run_key(run), is_available: true });
    let commit = SharedCommit { results: results.to_vec(), ..by(first, both) };
    let committed = store.commit_shared(commit).await.expect("committed");
    assert_eq!(committed.duplicate_runs, [duplicate(3, DuplicateKind::RunId, 1)]);
    let news = store.run_news(&[(OWN, run_key(2)), (OWN, run_key(3))]).await.expect("read");
    assert_eq!(news, [RunNews { run: run_key(2), state: RunState::Running, result: Some(true) }]);
    assert_eq!(states(&store, 2).await, [(0, -1, TaskState::Scheduled)]);
}

pub(super) async fn results_are_told(database: &impl SharedDatabase) {
    let store = database.open().await;
    let first = owner(&store, 1).await;
    for run in 1..=3 {
        run_of(&store, first, OWN, run, 1).await;
    }
    let change = |run, is_available| ResultChange { scope: OWN, run: run_key(run), is_available };
    let known = SharedCommit { results: vec![change(1, true), change(2, false)], ..end_of_run(first) };
    commit_shared(&store, known).await;
    let asked = [1, 2, 3, 9].map(|run| (OWN, run_key(run)));
    let mut news = store.run_news(&asked).await.expect("read");
    news.sort_by_key(|it| it.run);
    let expect = [
        RunNews { run: run_key(1), state: RunState::Failed, result: Some(true) },
        RunNews { run: run_key(2), state: RunState::Running, result: Some(false) },
        RunNews { run: run_key(3), state: RunState::Running, result: None },
    ];
    assert_eq!(news, expect);
    assert_eq!(store.run_news(&asked.map(|(_, run)| (OTHER, run))).await.expect("read"), []);
    // After a clear it may come again.
    commit_shared(&store, by(first, reopened(1))).await;
    let news = store.run_news(&asked[..1]).await.expect("read");
    assert_eq!(news, [RunNews { run: run_key(1), state: RunState::Running, result: None }]);
}
