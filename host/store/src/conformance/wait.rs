//! What instances wait for without a worker, and the signals that reach them.

use futures::future::join_all;
use model::limits::run::SIGNALS_MAX;
use model::{InstanceKey, RunState, SignalId, TaskState};
use uuid::Uuid;

use super::fixture::*;
use super::{Database, Stores};
use crate::{
    AssetSource, AssetStore, CommitError, Ended, NewAssetEvent, NewSignal, NewWait, PageRequest, RunCommit,
    RunStateChange, RunStore, SignalRow, StoreError, TakenSignal, Transition, WaitFilter, WaitKind, WaitRow, WaitStore,
};

const PAGE: PageRequest = PageRequest { limit: 10, offset: 0 };

fn wait(run: u128, node: u32, kind: WaitKind, on: &str) -> NewWait {
    NewWait {
        scope: OWN,
        instance: instance(run, node, -1),
        fence: fence(1),
        kind,
        key: on.into(),
        form: None,
        since: at(4),
    }
}

fn signal(number: u128, run: u128, name: &str) -> NewSignal {
    NewSignal {
        scope: OWN,
        id: SignalId::from_uuid(Uuid::from_u128(number)),
        run: run_key(run),
        name: name.into(),
        payload: format!("{{\"number\":{number}}}").into(),
        by: "somebody".into(),
        at: at(number as i64),
    }
}

fn taken(number: u128, instance: InstanceKey) -> TakenSignal {
    TakenSignal { scope: OWN, signal: SignalId::from_uuid(Uuid::from_u128(number)), instance }
}

/// The instances of a run that waits for these things, one for each task.
async fn waiting(store: &impl Stores, run: u128, on: &[(WaitKind, &str)]) {
    let version = version(store, OWN, "dag").await;
    let new = new_run(OWN, "dag", version, run, on.len() as u32);
    let all = || 0..on.len() as u32;
    let claims = all().map(|node| claim(run, node, -1)).collect();
    commit(store, RunCommit { claims, fence: Some(fence(1)), ..started(new) }).await;
    let deferred = |node| Ended {
        since: Some(at(2)),
        retry_at: Some(at(99)),
        times_out: true,
        ..ended(token(run, node, -1, 1, 1), TaskState::Deferred)
    };
    let waits = on.iter().zip(0..).map(|((kind, key), node)| wait(run, node, *kind, key)).collect();
    commit(store, RunCommit { ended: all().map(deferred).collect(), waits, ..RunCommit::default() }).await;
}

async fn met(store: &impl Stores, run: u128) -> Vec<bool> {
    store.waits_of_run(OWN, run_key(run)).await.expect("read").iter().map(|it| it.is_met).collect()
}

fn places(rows: &[WaitRow]) -> Vec<(u128, u32)> {
    let run = |row: &WaitRow| (1..9).find(|number| row.wait.instance.run == run_key(*number)).expect("known");
    rows.iter().map(|row| (run(row), row.wait.instance.node.0)).collect()
}

pub(super) async fn who_waits_is_found_by_what_for(database: &impl Database) {
    let store = database.open().await;
    let asset = (WaitKind::Asset, "words");
    waiting(&store, 1, &[asset, (WaitKind::Signal, "go"), asset]).await;
    waiting(&store, 2, &[(WaitKind::Time, ""), asset]).await;
    let on = async |kind, key: &str, after, limit| {
        places(&store.waits_on(OWN, kind, key, after, limit).await.expect("read"))
    };
    assert_eq!(on(WaitKind::Asset, "words", None, 9).await, [(1, 0), (1, 2), (2, 1)]);
    assert_eq!(on(WaitKind::Asset, "words", Some(instance(1, 0, -1)), 1).await, [(1, 2)]);
    assert_eq!(on(WaitKind::Asset, "words", Some(instance(2, 1, -1)), 9).await, []);
    assert_eq!(on(WaitKind::Signal, "go", None, 9).await, [(1, 1)]);
    assert_eq!(on(WaitKind::Signal, "words", None, 9).await, []);
    assert_eq!(store.waits_on(OTHER, WaitKind::Asset, "words", None, 9).await.expect("read"), []);

    let found = &store.waits_of_run(OWN, run_key(1)).await.expect("read")[1];
    let expect = WaitRow {
        wait: wait(1, 1, WaitKind::Signal, "go"),
        dag_id: dag_id("dag"),
        run_id: run_id("run-1"),
        task_id: task_id(1),
        state: TaskState::Deferred,
        times_out_at: Some(at(99)),
        is_met: false,
    };
    assert_eq!(*found, expect);
    let deferred = instance_of(&store, 1, 1, -1).await;
    assert_eq!((deferred.since, deferred.times_out, deferred.retry_at), (Some(at(2)), true, Some(at(99))));

    let signals = WaitFilter { kind: Some(WaitKind::Signal), dag_id: Some(dag_id("dag")), ..WaitFilter::default() };
    let of_run = WaitFilter { run: Some(run_key(2)), ..WaitFilter::default() };
    let of_other = WaitFilter { dag_id: Some(dag_id("other")), ..WaitFilter::default() };
    for (filter, expect) in [(signals, vec![(1, 1)]), (of_run, vec![(2, 0), (2, 1)]), (of_other, Vec::new())] {
        let found = store.wait_list(OWN, &filter, PAGE).await.expect("read");
        assert_eq!((places(&found.rows), found.total), (expect.clone(), expect.len() as u64), "{filter:?}");
    }
}

pub(super) async fn who_waits_no_more_is_not_found(database: &impl Database) {
    let store = database.open().await;
    let asset = (WaitKind::Asset, "words");
    waiting(&store, 1, &[asset, asset, asset, asset]).await;
    let of_run = async || places(&store.waits_of_run(OWN, run_key(1)).await.expect("read"));
    // One is woken; one is only scheduled, and its row left behind; one begins to wait for something else.
    let on = vec![transition(1, 0, (-1, -1), TaskState::Scheduled, None), {
        transition(1, 1, (-1, -1), TaskState::Scheduled, None)
    }];
    let woken = vec![(OWN, instance(1, 0, -1)), (OWN, instance(1, 9, -1))];
    commit(&store, RunCommit { transitions: on, woken, ..RunCommit::default() }).await;
    assert_eq!(of_run().await, [(1, 2), (1, 3)]);
    commit(&store, claims(2, vec![claim(1, 1, -1)])).await;
    let again = Ended { ..ended(token(1, 1, -1, 1, 2), TaskState::Deferred) };
    commit(&store, RunCommit { ended: vec![again], ..RunCommit::default() }).await;
    assert_eq!(of_run().await, [(1, 2), (1, 3)]);
    let new = NewWait { fence: fence(2), ..wait(1, 1, WaitKind::Signal, "go") };
    commit(&store, RunCommit { waits: vec![new], ..RunCommit::default() }).await;
    assert_eq!(of_run().await, [(1, 1), (1, 2), (1, 3)]);
    assert_eq!(store.waits_on(OWN, WaitKind::Asset, "words", None, 9).await.expect("read").len(), 2);
}

pub(super) async fn a_signal_may_come_before_the_wait(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    commit(&store, started(new_run(OWN, "dag", version, 2, 1))).await;
    let early = signal(1, 1, "go");
    assert!(matches!(store.signal_insert(&early).await, Err(StoreError::Conflict { .. })));
    waiting(&store, 1, &[(WaitKind::Signal, "go"), (WaitKind::Signal, "stop"), (WaitKind::Signal, "go")]).await;
    assert_eq!(met(&store, 1).await, [false, false, false]);

    assert!(store.signal_insert(&early).await.expect("sent"));
    let again = NewSignal { payload: "2".into(), ..early.clone() };
    assert!(!store.signal_insert(&again).await.expect("sent"));
    assert!(store.signal_insert(&signal(2, 2, "stop")).await.expect("sent"));
    assert!(store.signal_insert(&signal(3, 1, "go")).await.expect("sent"));
    assert_eq!(met(&store, 1).await, [true, false, true]);

    let wake = |number, node| RunCommit {
        transitions: vec![transition(1, node, (-1, -1), TaskState::Scheduled, None)],
        woken: vec![(OWN, instance(1, node, -1))],
        signals: vec![taken(number, instance(1, node, -1))],
        ..RunCommit::default()
    };
    commit(&store, wake(1, 0)).await;
    // It is theirs alone.
    match store.commit(wake(1, 2)).await {
        Err(CommitError::Overtaken(runs)) => assert_eq!(runs, [run_key(1)]),
        other => panic!("{other:?}"),
    }
    let found = store.signal_list(OWN, run_key(1)).await.expect("read");
    let first = SignalRow { signal: early, taken_by: Some(instance(1, 0, -1)) };
    assert_eq!(found, [first.clone(), SignalRow { signal: signal(3, 1, "go"), taken_by: None }]);
    assert_eq!(store.signal_of_instance(OWN, instance(1, 0, -1)).await.expect("read"), Some(first));
    assert_eq!(store.signal_of_instance(OWN, instance(1, 2, -1)).await.expect("read"), None);
    assert_eq!(store.signal_list(OTHER, run_key(1)).await.expect("read"), []);
    assert_eq!(met(&store, 1).await, [false, true]);
}

pub(super) async fn signals_have_a_limit_and_end_with_the_run(database: &impl Database) {
    let store = database.open().await;
    waiting(&store, 1, &[(WaitKind::Signal, "go")]).await;
    let all: Vec<_> = (0..u128::from(SIGNALS_MAX)).map(|number| signal(number, 1, "go")).collect();
    for some in all.chunks(100) {
        let sent = join_all(some.iter().map(|signal| store.signal_insert(signal))).await;
        assert!(sent.into_iter().all(|sent| sent.expect("sent")));
    }
    let more = signal(u128::from(SIGNALS_MAX), 1, "go");
    assert!(matches!(store.signal_insert(&more).await, Err(StoreError::LimitReached { .. })));
    let wake = RunCommit { signals: vec![taken(7, instance(1, 0, -1))], ..RunCommit::default() };
    commit(&store, wake).await;
    assert!(store.signal_insert(&more).await.expect("sent"));
    let to = RunState::Failed;
    let over = RunStateChange { scope: OWN, run: run_key(1), to, reason: None, at: at(5) };
    commit(&store, RunCommit { run_states: vec![over], ..RunCommit::default() }).await;
    assert!(matches!(store.signal_insert(&signal(9_999, 1, "go")).await, Err(StoreError::Conflict { .. })));
    assert!(!store.signal_insert(&more).await.expect("sent before"));
}

pub(super) async fn a_wait_for_an_asset_is_met_by_a_later_event(database: &impl Database) {
    let store = database.open().await;
    let event = |name: &str, seconds| NewAssetEvent {
        scope: OWN,
        asset: model::AssetName::new(name).expect("a legal name"),
        extra: "{}".into(),
        source: AssetSource::Api { by: "somebody".to_owned() },
        at: at(seconds),
    };
    store.asset_event_insert(&event("words", 3)).await.expect("written");
    waiting(&store, 1, &[(WaitKind::Asset, "words"), (WaitKind::Asset, "other"), (WaitKind::Time, "")]).await;
    assert_eq!(met(&store, 1).await, [false, false, false]);
    store.asset_event_insert(&event("words", 4)).await.expect("written");
    assert_eq!(met(&store, 1).await, [true, false, false]);
}

pub(super) async fn a_wait_for_a_run_is_met_by_its_end(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    commit(&store, started(new_run(OWN, "dag", version, 2, 1))).await;
    let (there, gone) = (run_key(2).uuid().to_string(), run_key(3).uuid().to_string());
    waiting(&store, 1, &[(WaitKind::DagRun, &there), (WaitKind::DagRun, &gone)]).await;
    assert_eq!(met(&store, 1).await, [false, true]);
    let over = RunStateChange { scope: OWN, run: run_key(2), to: RunState::Success, reason: None, at: at(5) };
    commit(&store, RunCommit { run_states: vec![over], ..RunCommit::default() }).await;
    assert_eq!(met(&store, 1).await, [true, true]);
}

pub(super) async fn an_approval_has_a_form(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let runs = vec![new_run(OWN, "dag", version, 1, 1)];
    let waits = vec![NewWait {
        fence: model::Fence::NONE,
        form: Some(r#"{"title":"é"}"#.into()),
        ..wait(1, 0, WaitKind::Signal, "approval")
    }];
    let made = vec![instances(1, 0, -1, 1, TaskState::None)];
    let ask = Transition { retry_at: None, ..transition(1, 0, (-1, -1), TaskState::AwaitingInput, Some(1)) };
    commit(&store, RunCommit { runs, instances: made, transitions: vec![ask], waits, ..RunCommit::default() }).await;
    let with_form = WaitFilter { has_form: true, ..WaitFilter::default() };
    let found = store.wait_list(OWN, &with_form, PAGE).await.expect("read").rows;
    assert_eq!(found[0].wait.form.as_deref(), Some(r#"{"title":"é"}"#));
    assert_eq!((found[0].state, found[0].times_out_at), (TaskState::AwaitingInput, None));
}
