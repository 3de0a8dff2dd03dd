//! Clearing: what waits again, what is gone, what stays.

use model::{EndKind, NodeIdx, RunState, TaskState, TryNumber};

use super::fixture::*;
use super::{Database, Stores};
use crate::{
    Expansion, InstanceFilter, PageRequest, RETURN_VALUE, RunCommit, RunReader, RunStateChange, RunStore, StateStore,
    StoreError,
};

/// Run 1: node 0 gave a list of 2, node 1 is mapped over it and its index 1 failed, node 2 could not run.
async fn failed_run(store: &impl Stores) {
    let version = version(store, OWN, "dag").await;
    let mut first = started(new_run(OWN, "dag", version, 1, 3));
    first.instances.truncate(1);
    first.instances.push(instances(1, 1, -1, 1, TaskState::None));
    first.instances.push(instances(1, 2, -1, 1, TaskState::None));
    commit(store, RunCommit { claims: vec![claim(1, 0, -1)], fence: Some(fence(1)), ..first }).await;
    store.state_put(OWN, token(1, 0, -1, 1, 1), &key("k"), "1", None, at(2)).await.expect("put");
    let list = crate::Ended { list_length: Some(2), ..success(token(1, 0, -1, 1, 1), &[(RETURN_VALUE, "[1,2]")]) };
    let expand = RunCommit {
        ended: vec![list],
        expansions: vec![Expansion { scope: OWN, run: run_key(1), node: NodeIdx(1), length: 2 }],
        instances: vec![instances(1, 1, 0, 2, TaskState::Scheduled)],
        claims: vec![claim(1, 1, 0), claim(1, 1, 1)],
        fence: Some(fence(2)),
        ..RunCommit::default()
    };
    commit(store, expand).await;
    store.state_put(OWN, token(1, 1, 1, 1, 2), &key("k"), "1", None, at(2)).await.expect("put");
    let ended =
        vec![success(token(1, 1, 0, 1, 2), &[(RETURN_VALUE, "1")]), ended(token(1, 1, 1, 1, 2), TaskState::Failed)];
    let over =
        RunStateChange { scope: OWN, run: run_key(1), to: RunState::Failed, reason: Some("failed".into()), at: at(6) };
    let transitions = vec![transition(1, 2, (-1, -1), TaskState::UpstreamFailed, None)];
    commit(store, RunCommit { ended, transitions, run_states: vec![over], ..RunCommit::default() }).await;
}

async fn values(store: &impl Stores, node: u32, map_index: i32) -> usize {
    store.xcom_list(OWN, run_key(1), NodeIdx(node), index(map_index)).await.expect("read").len()
}

async fn state(store: &impl Stores, node: u32, map_index: i32) -> Option<String> {
    store.state_fetch(OWN, token(1, node, map_index, 1, 1), &key("k"), at(7)).await.expect("read")
}

pub(super) async fn everything(database: &impl Database) {
    let store = database.open().await;
    failed_run(&store).await;
    let cleared = store.run_clear(OWN, run_key(1), false, at(20)).await.expect("cleared");
    assert_eq!(cleared.instances, 4);
    let after = snapshot(&store, 1).await;
    assert_eq!((after.run.state, after.run.reason.clone(), after.run.clears), (RunState::Running, None, 1));
    assert_eq!((after.run.started_at, after.run.ended_at), (Some(at(20)), None));
    let none = |node| (node, -1, TaskState::None);
    assert_eq!(states(&store, 1).await, [none(0), none(1), none(2)]);
    assert!(after.nodes.iter().all(|it| it.map_length.is_none() && it.list_length.is_none()));
    assert!(after.instances.iter().all(|it| !it.has_value && it.started_at.is_none()));
    assert_eq!(after.instances[0].try_number, TryNumber(1));
    let prior = [(NodeIdx(1), index(0), TryNumber(1)), (NodeIdx(1), index(1), TryNumber(1))];
    assert_eq!(after.prior_tries, prior);
    assert_eq!((values(&store, 0, -1).await, values(&store, 1, 0).await), (0, 0));
    assert_eq!((state(&store, 0, -1).await, state(&store, 1, 1).await), (None, None));
    assert_eq!(store.attempt_list(OWN, instance(1, 1, 1)).await.expect("read").len(), 1);
    assert_eq!(store.runs_unfinished(OWN, None, 9).await.expect("read"), [run_key(1)]);
}

pub(super) async fn only_what_failed(database: &impl Database) {
    let store = database.open().await;
    failed_run(&store).await;
    let cleared = store.run_clear(OWN, run_key(1), true, at(20)).await.expect("cleared");
    assert_eq!(cleared.instances, 2);
    let after = snapshot(&store, 1).await;
    assert_eq!((after.run.state, after.run.clears), (RunState::Running, 1));
    let expect =
        [(0, -1, TaskState::Success), (1, 0, TaskState::Success), (1, 1, TaskState::None), (2, -1, TaskState::None)];
    assert_eq!(states(&store, 1).await, expect);
    assert_eq!((after.nodes[0].list_length, after.nodes[1].map_length), (Some(2), Some(2)));
    assert_eq!(after.prior_tries, []);
    assert_eq!((values(&store, 0, -1).await, values(&store, 1, 0).await), (1, 1));
    assert_eq!((state(&store, 0, -1).await.as_deref(), state(&store, 1, 1).await), (Some("1"), None));
}

pub(super) async fn a_running_instance_loses_its_fence(database: &impl Database) {
    let store = database.open().await;
    one_run(&store, 1).await;
    commit(&store, claims(1, vec![claim(1, 0, -1)])).await;
    store.run_clear(OWN, run_key(1), false, at(20)).await.expect("cleared");
    let late = success(token(1, 0, -1, 1, 1), &[(RETURN_VALUE, "1")]);
    assert!(store.commit(RunCommit { ended: vec![late.clone()], ..RunCommit::default() }).await.is_err());
    let put = store.state_put(OWN, token(1, 0, -1, 1, 1), &key("k"), "1", None, at(21)).await;
    assert!(matches!(put, Err(StoreError::StaleFence)), "{put:?}");

    let again = transition(1, 0, (-1, -1), TaskState::Scheduled, Some(2));
    commit(&store, RunCommit { transitions: vec![again], ..claims(2, vec![claim(1, 0, -1)]) }).await;
    assert!(store.commit(RunCommit { ended: vec![late], ..RunCommit::default() }).await.is_err());
    assert_eq!(states(&store, 1).await, [(0, -1, TaskState::Running)]);
}

pub(super) async fn nothing_to_clear_changes_nothing(database: &impl Database) {
    let store = database.open().await;
    one_run(&store, 1).await;
    let before = format!("{:?}", snapshot(&store, 1).await);
    assert_eq!(store.run_clear(OWN, run_key(1), true, at(20)).await.expect("cleared").instances, 0);
    assert_eq!(store.run_clear(OWN, run_key(2), false, at(20)).await.expect("cleared").instances, 0);
    assert_eq!(format!("{:?}", snapshot(&store, 1).await), before);
}

pub(super) async fn tries_go_on_after_a_clear(database: &impl Database) {
    let store = database.open().await;
    failed_run(&store).await;
    let max_tries = async |expect: u32| {
        let filter = InstanceFilter { task_ids: vec![task_id(0)], ..InstanceFilter::default() };
        let page = PageRequest { limit: 9, offset: 0 };
        let found = store.instance_list(OWN, &filter, page).await.expect("read");
        assert_eq!(found.rows[0].max_tries, expect);
        assert_eq!(instance_of(&store, 1, 0, -1).await.max_tries, expect);
    };
    max_tries(3).await;
    store.run_clear(OWN, run_key(1), false, at(20)).await.expect("cleared");
    max_tries(4).await;
    // Twice without an attempt between is as once.
    store.run_clear(OWN, run_key(1), false, at(21)).await.expect("cleared");
    max_tries(4).await;
    let again = transition(1, 0, (-1, -1), TaskState::Scheduled, Some(2));
    commit(&store, RunCommit { transitions: vec![again], ..claims(7, vec![claim(1, 0, -1)]) }).await;
    commit(&store, RunCommit { ended: vec![ended(token(1, 0, -1, 2, 7), TaskState::Failed)], ..RunCommit::default() })
        .await;
    store.run_clear(OWN, run_key(1), true, at(22)).await.expect("cleared");
    max_tries(5).await;
    let tries: Vec<_> =
        store.attempt_list(OWN, instance(1, 0, -1)).await.expect("read").iter().map(|it| it.try_number.0).collect();
    assert_eq!(tries, [1, 2]);
    assert_eq!(snapshot(&store, 1).await.run.clears, 3);
}

pub(super) async fn what_runs_leaves_an_attempt(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let mut first = started(new_run(OWN, "dag", version, 1, 2));
    first.runs[0].nodes[1].map_length = Some(2);
    first.instances.truncate(1);
    first.instances.push(instances(1, 1, 0, 2, TaskState::Scheduled));
    commit(&store, RunCommit { claims: vec![claim(1, 0, -1), claim(1, 1, 1)], fence: Some(fence(1)), ..first }).await;
    // Nothing has failed, so nothing is ended.
    assert_eq!(store.run_clear(OWN, run_key(1), true, at(19)).await.expect("cleared").instances, 0);
    assert_eq!(store.run_clear(OWN, run_key(1), false, at(20)).await.expect("cleared").instances, 3);
    for (node, map_index) in [(0, -1), (1, 1)] {
        let attempts = store.attempt_list(OWN, instance(1, node, map_index)).await.expect("read");
        let [only] = attempts.as_slice() else { panic!("{attempts:?}") };
        assert_eq!((only.end, only.try_number, only.fence), (EndKind::Cancelled, TryNumber(1), fence(1)));
        assert_eq!((only.started_at, only.ended_at, only.version), (at(2), at(20), version));
        assert!(only.message.is_some());
    }
    assert_eq!(store.attempt_list(OWN, instance(1, 1, 0)).await.expect("read"), []);
    let after = snapshot(&store, 1).await;
    assert_eq!(after.prior_tries, [(NodeIdx(1), index(1), TryNumber(1))]);
    assert_eq!(after.instances[0].try_number, TryNumber(1));
}

pub(super) async fn a_mapped_task_without_rows(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    for (number, only_failed) in [(1, false), (2, true)] {
        let mut run = new_run(OWN, "dag", version, number, 2);
        run.nodes[1].map_length = Some(3);
        let mut first = started(run);
        first.instances.truncate(1);
        commit(&store, RunCommit { claims: vec![claim(number, 0, -1)], ..claims_of(first) }).await;
        let failed = vec![ended(token(number, 0, -1, 1, 1), TaskState::Failed)];
        commit(&store, RunCommit { ended: failed, ..RunCommit::default() }).await;
        store.run_clear(OWN, run_key(number), only_failed, at(20)).await.expect("cleared");
        assert_eq!(states(&store, number).await, [(0, -1, TaskState::None), (1, -1, TaskState::None)]);
        assert_eq!(snapshot(&store, number).await.nodes[1].map_length, None);
    }
}

pub(super) async fn what_the_end_of_the_run_skipped(database: &impl Database) {
    let store = database.open().await;
    one_run(&store, 4).await;
    commit(&store, claims_of(RunCommit { claims: vec![claim(1, 0, -1), claim(1, 1, -1)], ..RunCommit::default() }))
        .await;
    let done = vec![success(token(1, 0, -1, 1, 1), &[]), ended(token(1, 1, -1, 1, 1), TaskState::Failed)];
    let reason = || Some("timed-out: too long".into());
    let by_rule =
        crate::Transition { reason: Some("none of it".into()), ..transition(1, 2, (-1, -1), TaskState::Skipped, None) };
    let by_end = crate::Transition { reason: reason(), ..transition(1, 3, (-1, -1), TaskState::Skipped, None) };
    let over = RunStateChange { scope: OWN, run: run_key(1), to: RunState::Failed, reason: reason(), at: at(6) };
    let transitions = vec![by_rule, by_end];
    commit(&store, RunCommit { ended: done, transitions, run_states: vec![over], ..RunCommit::default() }).await;
    assert_eq!(store.run_clear(OWN, run_key(1), true, at(20)).await.expect("cleared").instances, 2);
    let expect = [(0, TaskState::Success), (1, TaskState::None), (2, TaskState::Skipped), (3, TaskState::None)];
    assert_eq!(states(&store, 1).await, expect.map(|(node, state)| (node, -1, state)));
}

fn claims_of(commit: RunCommit) -> RunCommit {
    RunCommit { fence: Some(fence(1)), ..commit }
}
