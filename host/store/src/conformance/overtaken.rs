//! Commits whose rows were changed by somebody else write nothing.

use model::{NodeIdx, RunKey, RunState, TaskState};

use super::fixture::*;
use super::{Database, Stores};
use crate::{CommitError, Expansion, RETURN_VALUE, RunCommit, RunStateChange, RunStore};

/// The commit must be refused on account of these runs, and change nothing of run 1.
async fn check(store: &impl Stores, refused: RunCommit, expect: &[RunKey]) {
    let before = everything(store).await;
    match store.commit(refused).await {
        Err(CommitError::Overtaken(runs)) => assert_eq!(runs, expect),
        other => panic!("{other:?}"),
    }
    assert_eq!(everything(store).await, before);
}

async fn everything(store: &impl Stores) -> String {
    let snapshot = snapshot(store, 1).await;
    let attempts = store.attempt_list(OWN, instance(1, 0, -1)).await.expect("read");
    let values = store.xcom_list(OWN, run_key(1), NodeIdx(0), NONE).await.expect("read");
    format!("{snapshot:?} {attempts:?} {values:?}")
}

async fn one_running(store: &impl Stores) {
    one_run(store, 2).await;
    commit(store, claims(5, vec![claim(1, 0, -1)])).await;
}

pub(super) async fn an_end_under_an_old_fence(database: &impl Database) {
    let store = database.open().await;
    one_running(&store).await;
    for (try_number, counter) in [(1, 4), (1, 6), (2, 5)] {
        let end = success(token(1, 0, -1, try_number, counter), &[(RETURN_VALUE, "1")]);
        check(&store, RunCommit { ended: vec![end], ..RunCommit::default() }, &[run_key(1)]).await;
    }
}

pub(super) async fn a_second_end(database: &impl Database) {
    let store = database.open().await;
    one_running(&store).await;
    let end =
        || RunCommit { ended: vec![success(token(1, 0, -1, 1, 5), &[(RETURN_VALUE, "1")])], ..RunCommit::default() };
    commit(&store, end()).await;
    check(&store, end(), &[run_key(1)]).await;
}

pub(super) async fn a_claim_of_what_is_not_scheduled(database: &impl Database) {
    let store = database.open().await;
    one_running(&store).await;
    check(&store, claims(6, vec![claim(1, 1, -1), claim(1, 0, -1)]), &[run_key(1)]).await;
    check(&store, claims(6, vec![claim(1, 1, 0)]), &[run_key(1)]).await;
    check(&store, claims(6, vec![claim(9, 0, -1)]), &[run_key(9)]).await;
}

pub(super) async fn a_claim_under_a_fence_of_before(database: &impl Database) {
    let store = database.open().await;
    one_running(&store).await;
    let lost = ended(token(1, 0, -1, 1, 5), TaskState::Scheduled);
    commit(&store, RunCommit { ended: vec![lost], ..RunCommit::default() }).await;
    check(&store, claims(5, vec![claim(1, 0, -1)]), &[run_key(1)]).await;
    check(&store, claims(4, vec![claim(1, 0, -1)]), &[run_key(1)]).await;
    commit(&store, claims(6, vec![claim(1, 0, -1)])).await;
}

pub(super) async fn a_transition_of_what_runs(database: &impl Database) {
    let store = database.open().await;
    one_running(&store).await;
    let transitions = |transitions| RunCommit { transitions, ..RunCommit::default() };
    check(&store, transitions(vec![transition(1, 0, (-1, -1), TaskState::Skipped, None)]), &[run_key(1)]).await;
    // What has the state already was moved by somebody else.
    check(&store, transitions(vec![transition(1, 1, (-1, -1), TaskState::Scheduled, Some(1))]), &[run_key(1)]).await;
    check(&store, transitions(vec![transition(1, 1, (0, 3), TaskState::Skipped, None)]), &[run_key(1)]).await;
}

pub(super) async fn an_expansion_of_what_is_expanded(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let waiting = vec![instances(1, 0, -1, 1, TaskState::None)];
    commit(
        &store,
        RunCommit { runs: vec![new_run(OWN, "dag", version, 1, 1)], instances: waiting, ..RunCommit::default() },
    )
    .await;
    let expand = |node, length| RunCommit {
        expansions: vec![Expansion { scope: OWN, run: run_key(1), node: NodeIdx(node), length }],
        instances: vec![instances(1, node, 0, length, TaskState::None)],
        ..RunCommit::default()
    };
    check(&store, expand(1, 2), &[run_key(1)]).await;
    commit(&store, expand(0, 2)).await;
    check(&store, expand(0, 2), &[run_key(1)]).await;
}

pub(super) async fn instances_that_exist(database: &impl Database) {
    let store = database.open().await;
    one_running(&store).await;
    for (first, count) in [(-1, 1), (-1, 5)] {
        let insert = vec![instances(1, 0, first, count, TaskState::None)];
        check(&store, RunCommit { instances: insert, ..RunCommit::default() }, &[run_key(1)]).await;
    }
}

pub(super) async fn a_run_that_has_ended(database: &impl Database) {
    let store = database.open().await;
    one_running(&store).await;
    let change = |number, to| {
        let change = RunStateChange { scope: OWN, run: run_key(number), to, reason: None, at: at(5) };
        RunCommit { run_states: vec![change], ..RunCommit::default() }
    };
    commit(&store, change(1, RunState::Success)).await;
    check(&store, change(1, RunState::Failed), &[run_key(1)]).await;
    check(&store, change(8, RunState::Failed), &[run_key(8)]).await;
}

pub(super) async fn only_the_runs_at_fault_are_named(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    for number in 1..=4 {
        commit(&store, started(new_run(OWN, "dag", version, number, 2))).await;
    }
    commit(&store, claims(1, vec![claim(1, 0, -1), claim(2, 0, -1), claim(4, 1, -1)])).await;
    let good = started(new_run(OWN, "dag", version, 5, 1));
    let refused = RunCommit {
        ended: vec![ended(token(1, 0, -1, 1, 1), TaskState::Success), ended(token(2, 0, -1, 1, 9), TaskState::Success)],
        transitions: vec![transition(3, 0, (-1, -1), TaskState::Skipped, None)],
        // Run 5 is made by this very commit; run 4's instance is taken.
        claims: vec![claim(5, 0, -1), claim(3, 1, -1), claim(4, 1, -1)],
        fence: Some(fence(2)),
        ..good
    };
    check(&store, refused, &[run_key(2), run_key(4)]).await;
    assert!(store.run_snapshot(OWN, run_key(5)).await.expect("read").is_none());
    assert_eq!(states(&store, 3).await, [(0, -1, TaskState::Scheduled), (1, -1, TaskState::Scheduled)]);
}
