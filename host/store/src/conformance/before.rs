//! The run before another one, and runs that may not stand beside each other.

use model::{BackfillId, Digest, NodeIdx, RunState, RunType, TaskState, VersionKey};

use super::fixture::*;
use super::{Database, Stores};
use crate::{
    DuplicateKind, Expansion, IdempotencyKey, NewRun, RequestedRun, RunCommit, RunParent, RunReader, RunStateChange,
    RunStore,
};

fn dated(version: VersionKey, number: u128, date: Option<i64>, after: i64) -> NewRun {
    let (run_type, logical_date) = (RunType::Scheduled, date.map(at));
    NewRun { run_type, logical_date, run_after: at(after), ..new_run(OWN, "dag", version, number, 1) }
}

fn backfilled(version: VersionKey, number: u128, date: i64, backfill: i64) -> NewRun {
    let backfill = Some(BackfillId::from_number(backfill));
    NewRun { run_type: RunType::Backfill, backfill, ..dated(version, number, Some(date), 0) }
}

async fn before(store: &impl Stores, run: u128) -> Option<u128> {
    let found = store.run_before(OWN, run_key(run)).await.expect("read")?;
    (1..20).find(|number| found.key == run_key(*number))
}

pub(super) async fn runs_come_after_each_other(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    // The latest date is made first.
    let runs = vec![
        dated(version, 1, Some(300), 9),
        dated(version, 2, Some(100), 20),
        dated(version, 3, Some(200), 5),
        backfilled(version, 4, 150, 1),
        backfilled(version, 5, 160, 2),
        backfilled(version, 6, 170, 1),
        dated(version, 7, None, 5),
        dated(version, 8, None, 7),
    ];
    commit(&store, RunCommit { runs, ..RunCommit::default() }).await;
    let mut found = Vec::new();
    for run in 1..=8 {
        found.push(before(&store, run).await);
    }
    // Of 7 and 8, without dates, by the time after which they may run.
    assert_eq!(found, [Some(3), None, Some(2), Some(2), Some(2), Some(4), Some(3), Some(7)]);
    assert_eq!(before(&store, 9).await, None);
    assert_eq!(store.run_before(OTHER, run_key(1)).await.expect("read"), None);
}

pub(super) async fn tasks_of_the_run_before_are_met_when_all_has_gone_well(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let first = NewRun { nodes: new_run(OWN, "dag", version, 1, 5).nodes, ..dated(version, 1, Some(1), 0) };
    let runs = vec![first, dated(version, 2, Some(2), 0)];
    let made = vec![
        instances(1, 0, -1, 1, TaskState::Skipped),
        instances(1, 1, -1, 1, TaskState::None),
        instances(1, 2, -1, 1, TaskState::None),
        instances(1, 3, -1, 1, TaskState::Failed),
    ];
    commit(&store, RunCommit { runs, instances: made, ..RunCommit::default() }).await;
    let met = async || {
        let found = store.run_before(OWN, run_key(2)).await.expect("read").expect("found");
        assert_eq!((found.run_id, found.state), (run_id("run-1"), RunState::Running));
        found.tasks.iter().map(|task| task.is_met).collect::<Vec<_>>()
    };
    assert_eq!(met().await, [true, false, false, false, false]);
    let expand = RunCommit {
        expansions: vec![Expansion { scope: OWN, run: run_key(1), node: NodeIdx(1), length: 3 }],
        instances: vec![instances(1, 1, 0, 2, TaskState::Skipped)],
        transitions: vec![transition(1, 2, (-1, -1), TaskState::Success, None)],
        ..RunCommit::default()
    };
    commit(&store, expand).await;
    // Not all rows are made.
    assert_eq!(met().await, [true, false, true, false, false]);
    let made = vec![instances(1, 1, 2, 1, TaskState::Removed)];
    commit(&store, RunCommit { instances: made, ..RunCommit::default() }).await;
    assert_eq!(met().await, [true, true, true, false, false]);
}

pub(super) async fn what_is_in_the_way_of_a_run_is_named(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let request = |text: &str| Some(IdempotencyKey { key: text.into(), digest: Digest::of(text.as_bytes()) });
    let asked = |number, date, text| NewRun { idempotency: request(text), ..dated(version, number, date, 0) };
    let first = asked(1, Some(100), "one");
    commit(&store, RunCommit { runs: vec![first.clone()], ..RunCommit::default() }).await;
    let same_id = NewRun { run_id: run_id("run-1"), ..asked(5, None, "five") };
    let runs = vec![
        asked(2, Some(200), "one"),
        asked(3, Some(100), "three"),
        asked(4, Some(300), "four"),
        same_id,
        // Of the same commit.
        asked(6, Some(300), "six"),
        asked(7, None, "four"),
        asked(8, None, "eight"),
    ];
    let committed = store.commit(RunCommit { runs, ..RunCommit::default() }).await.expect("committed");
    let expect = [
        duplicate(2, DuplicateKind::IdempotencyKey, 1),
        duplicate(3, DuplicateKind::LogicalDate, 1),
        duplicate(5, DuplicateKind::RunId, 1),
        duplicate(6, DuplicateKind::LogicalDate, 4),
        duplicate(7, DuplicateKind::IdempotencyKey, 4),
    ];
    assert_eq!(committed.duplicate_runs, expect);
    let found = store.run_of_request(OWN, &dag_id("dag"), "four").await.expect("read");
    let digest = Digest::of(b"four");
    assert_eq!(found, Some(RequestedRun { run: run_key(4), run_id: run_id("run-4"), digest }));
    assert_eq!(store.run_of_request(OWN, &dag_id("dag"), "six").await.expect("read"), None);
    assert_eq!(store.run_of_request(OTHER, &dag_id("dag"), "one").await.expect("read"), None);
}

pub(super) async fn what_a_run_was_given_stays(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let parent = RunParent { instance: instance(7, 3, 5), depth: 2 };
    let run = NewRun {
        is_latest: false,
        variables: r#"{"list":[1,2]}"#.into(),
        parent: Some(parent),
        ..backfilled(version, 1, 5, 42)
    };
    let plain = new_run(OWN, "dag", version, 2, 1);
    commit(&store, RunCommit { runs: vec![run, plain], ..RunCommit::default() }).await;
    let over = RunStateChange { scope: OWN, run: run_key(1), to: RunState::Failed, reason: None, at: at(5) };
    commit(&store, RunCommit { run_states: vec![over], ..RunCommit::default() }).await;
    let found = snapshot(&store, 1).await.run;
    assert_eq!((found.is_latest, &*found.variables), (false, r#"{"list":[1,2]}"#));
    assert_eq!((found.parent, found.backfill), (Some(parent), Some(BackfillId::from_number(42))));
    let plain = snapshot(&store, 2).await.run;
    assert_eq!((plain.is_latest, plain.parent, plain.backfill), (true, None, None));
}
