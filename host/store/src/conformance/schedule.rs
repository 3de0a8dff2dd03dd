//! Schedules: cursors that only move forwards, what is due, pausing, and runs that are found by their dates.

use jiff::Timestamp;
use model::{Digest, RunState, RunType, TenantId, TenantScope, VersionKey};

use super::fixture::*;
use super::{Database, Stores};
use crate::{Catalog, DuplicateKind, NewRun, RunCommit, RunStateChange, RunStore, ScheduleState, ScheduleStore};

fn state(dag: &str, version: VersionKey, cursor: i64, next: Option<i64>) -> ScheduleState {
    ScheduleState {
        dag_id: dag_id(dag),
        version,
        digest: Digest::of(dag.as_bytes()),
        since: at(0),
        cursor: at(cursor),
        next_fire_at: next.map(at),
        last_fire_at: (cursor > 0).then(|| at(cursor)),
        skipped: 3,
    }
}

async fn unread(store: &impl Stores) -> Vec<(String, Option<i64>)> {
    let unread = store.schedule_unread(OWN, 100).await.expect("read");
    let cursor = |state: ScheduleState| state.cursor.as_second() - at(0).as_second();
    unread.into_iter().map(|it| (it.dag_id.to_string(), it.known.map(cursor))).collect()
}

async fn due(store: &impl Stores, scope: TenantScope, now: i64) -> Vec<String> {
    let due = store.schedule_due(scope, at(now), 100).await.expect("read");
    due.into_iter().map(|row| row.state.dag_id.to_string()).collect()
}

pub(super) async fn a_dag_is_looked_at_once_for_each_version(database: &impl Database) {
    let store = database.open().await;
    assert_eq!(store.schedule_tenants().await.expect("read"), [TenantScope::assume(TenantId::DEFAULT)]);
    let registered = store.bundle_register(OWN, bundle("words", &[("a", "one"), ("b", "one")], 0)).await;
    let dags = registered.expect("registered").dags;
    assert_eq!(unread(&store).await, [("a".to_owned(), None), ("b".to_owned(), None)]);
    assert_eq!(store.schedule_unread(OWN, 1).await.expect("read").len(), 1);
    assert_eq!(store.schedule_unread(OTHER, 9).await.expect("read"), []);
    assert!(store.schedule_put(OWN, &state("a", dags[0].version, 5, Some(9))).await.expect("written"));
    assert_eq!(unread(&store).await, [("b".to_owned(), None)]);

    store.bundle_register(OWN, bundle("words", &[("a", "two")], 1)).await.expect("registered");
    assert_eq!(unread(&store).await, [("a".to_owned(), Some(5))], "b is stale");
    assert_eq!(store.schedule_fetch(OWN, &dag_id("b")).await.expect("read"), None);
    let missing = state("nobody", dags[0].version, 0, None);
    assert!(!store.schedule_put(OWN, &missing).await.expect("nothing"), "there is no such DAG");
}

pub(super) async fn a_cursor_only_moves_forwards(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let (early, late) = (state("dag", version, 5, Some(9)), state("dag", version, 7, None));
    assert!(store.schedule_put(OWN, &early).await.expect("written"));
    let row = store.schedule_fetch(OWN, &dag_id("dag")).await.expect("read").expect("found");
    assert_eq!((row.state, row.is_paused, row.pause_reason, row.unpaused_at), (early.clone(), false, None, None));
    assert!(store.schedule_put(OWN, &late).await.expect("written"));
    assert!(store.schedule_put(OWN, &late).await.expect("written again"));
    assert!(!store.schedule_put(OWN, &early).await.expect("too late"));
    assert_eq!(store.schedule_fetch(OWN, &dag_id("dag")).await.expect("read").expect("found").state, late);
    assert_eq!(store.schedule_fetch(OTHER, &dag_id("dag")).await.expect("read"), None);
}

pub(super) async fn what_is_due_comes_in_order_and_not_while_it_is_paused(database: &impl Database) {
    let store = database.open().await;
    let dags = [("a", Some(30)), ("b", Some(10)), ("c", None), ("d", Some(20))];
    for (dag, next) in dags {
        let version = version(&store, OWN, dag).await;
        store.schedule_put(OWN, &state(dag, version, 0, next)).await.expect("written");
    }
    let next = async |after: i64| store.schedule_next(OWN, at(after)).await.expect("read");
    assert_eq!(due(&store, OWN, 9).await, [] as [&str; 0]);
    assert_eq!(due(&store, OWN, 20).await, ["b", "d"]);
    assert_eq!(due(&store, OWN, 99).await, ["b", "d", "a"]);
    assert_eq!(due(&store, OTHER, 99).await, [] as [&str; 0]);
    assert_eq!((next(0).await, next(10).await, next(30).await), (Some(at(10)), Some(at(20)), None));

    let pause = async |scope, dag: &str, is_paused, reason, now: i64| {
        store.dag_pause(scope, &dag_id(dag), is_paused, reason, at(now)).await.expect("written")
    };
    assert!(!pause(OWN, "nobody", true, None, 1).await);
    assert!(!pause(OTHER, "d", true, None, 1).await);
    assert!(pause(OWN, "d", true, Some("three runs failed"), 1).await);
    assert!(pause(OWN, "d", true, Some("again"), 2).await);
    assert_eq!(due(&store, OWN, 99).await, ["b", "a"]);
    assert_eq!(next(10).await, Some(at(30)));
    let row = store.schedule_fetch(OWN, &dag_id("d")).await.expect("read").expect("found");
    assert_eq!((row.is_paused, row.pause_reason.as_deref()), (true, Some("three runs failed")));
    assert!(store.dag_fetch(OWN, &dag_id("d")).await.expect("read").expect("found").is_paused);

    assert!(pause(OWN, "d", false, Some("unused"), 3).await);
    assert!(pause(OWN, "d", false, None, 4).await);
    let row = store.schedule_fetch(OWN, &dag_id("d")).await.expect("read").expect("found");
    assert_eq!((row.is_paused, row.pause_reason, row.unpaused_at), (false, None, Some(at(3))));
    assert_eq!(due(&store, OWN, 99).await, ["b", "d", "a"]);

    store.bundle_register(OWN, bundle("bundle_b", &[("other", "v1")], 9)).await.expect("registered");
    assert_eq!(due(&store, OWN, 99).await, ["d", "a"], "b is stale");
    let paused = state("d", row.state.version, 1, Some(20));
    pause(OWN, "d", true, None, 5).await;
    store.schedule_put(OWN, &paused).await.expect("written");
    assert_eq!(due(&store, OWN, 99).await, ["a"], "a write does not set it going");
}

fn dated(version: VersionKey, number: u128, run_type: RunType, date: Option<i64>) -> NewRun {
    NewRun { run_type, logical_date: date.map(at), ..new_run(OWN, "dag", version, number, 1) }
}

pub(super) async fn a_date_has_one_run(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let runs = vec![
        dated(version, 1, RunType::Scheduled, Some(60)),
        dated(version, 2, RunType::Manual, None),
        dated(version, 3, RunType::Manual, None),
        dated(version, 4, RunType::AssetTriggered, None),
        dated(version, 5, RunType::AssetTriggered, None),
        dated(version, 6, RunType::Backfill, Some(120)),
    ];
    commit(&store, RunCommit { runs, ..RunCommit::default() }).await;
    let again = vec![
        dated(version, 7, RunType::Backfill, Some(60)),
        dated(version, 8, RunType::Scheduled, Some(120)),
        dated(version, 9, RunType::Scheduled, Some(180)),
        dated(version, 10, RunType::Manual, Some(60)),
        dated(version, 11, RunType::Manual, Some(180)),
    ];
    let committed = store.commit(RunCommit { runs: again, ..RunCommit::default() }).await.expect("committed");
    let of_date = |run, existing| duplicate(run, DuplicateKind::LogicalDate, existing);
    assert_eq!(committed.duplicate_runs, [of_date(7, 1), of_date(8, 6), of_date(10, 1), of_date(11, 9)]);

    let of_date =
        async |scope, seconds: i64| store.run_of_date(scope, &dag_id("dag"), at(seconds)).await.expect("read");
    let found = of_date(OWN, 60).await.expect("found");
    assert_eq!((found.key, found.run_type, found.state), (run_key(1), RunType::Scheduled, RunState::Running));
    assert_eq!((found.run_id, found.clears), (run_id("run-1"), 0));
    assert_eq!(of_date(OWN, 120).await.expect("found").key, run_key(6));
    assert_eq!((of_date(OWN, 61).await, of_date(OTHER, 60).await), (None, None));

    let mut counts = store.runs_unfinished_by_dag(OWN).await.expect("read");
    counts.sort();
    let count = |run_type, count| (dag_id("dag"), run_type, count);
    let expect = [
        count(RunType::Manual, 2),
        count(RunType::Scheduled, 2),
        count(RunType::Backfill, 1),
        count(RunType::AssetTriggered, 2),
    ];
    assert_eq!(counts, expect);
    assert_eq!(store.runs_unfinished_by_dag(OTHER).await.expect("read"), []);
}

pub(super) async fn how_the_last_runs_ended(database: &impl Database) {
    use RunState::{Failed, Success};
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let runs = (1..=5).map(|number| new_run(OWN, "dag", version, number, 1)).collect();
    let ends = [(1, Failed), (2, Success), (3, Failed), (5, Failed)];
    let end = |(number, to): (u128, RunState)| RunStateChange {
        scope: OWN,
        run: run_key(number),
        to,
        reason: None,
        at: at(5),
    };
    let run_states = ends.map(end).into();
    commit(&store, RunCommit { runs, run_states, ..RunCommit::default() }).await;
    let last = async |after: Option<u128>, limit| {
        store.runs_ended_last(OWN, &dag_id("dag"), after.map(run_key), limit).await.expect("read")
    };
    assert_eq!(last(None, 9).await, [Failed, Failed, Success, Failed]);
    assert_eq!(last(None, 2).await, [Failed, Failed]);
    assert_eq!(last(Some(2), 9).await, [Failed, Failed]);
    assert_eq!(last(Some(5), 9).await, []);
    assert_eq!(store.runs_ended_last(OTHER, &dag_id("dag"), None, 9).await.expect("read"), []);
    let nothing: Option<Timestamp> = store.schedule_next(OWN, at(0)).await.expect("read");
    assert_eq!(nothing, None);
}
