//! Runs and their snapshots.

use model::{NodeIdx, RunState, TaskState};

use super::Database;
use super::fixture::*;
use crate::{NewRun, RETURN_VALUE, RunCommit, RunReader, RunStateChange, RunStore, ValueStore};

pub(super) async fn unfinished_runs_are_found_by_tenant(database: &impl Database) {
    let store = database.open().await;
    assert_eq!(store.tenants_with_work().await.expect("read"), []);
    let own = version(&store, OWN, "dag").await;
    let other = version(&store, OTHER, "dag").await;
    for number in 1..=7 {
        let state = if number == 3 { RunState::Queued } else { RunState::Running };
        let runs = vec![NewRun { state, ..new_run(OWN, "dag", own, number, 1) }];
        commit(&store, RunCommit { runs, ..RunCommit::default() }).await;
    }
    commit(&store, RunCommit { runs: vec![new_run(OTHER, "dag", other, 8, 1)], ..RunCommit::default() }).await;
    let over =
        |number| RunStateChange { scope: OWN, run: run_key(number), to: RunState::Success, reason: None, at: at(5) };
    commit(&store, RunCommit { run_states: vec![over(2), over(7)], ..RunCommit::default() }).await;

    assert_eq!(store.tenants_with_work().await.expect("read"), [OWN, OTHER]);
    let first = store.runs_unfinished(OWN, None, 3).await.expect("read");
    assert_eq!(first, [run_key(1), run_key(3), run_key(4)]);
    let rest = store.runs_unfinished(OWN, Some(run_key(4)), 3).await.expect("read");
    assert_eq!(rest, [run_key(5), run_key(6)]);
    assert_eq!(store.runs_unfinished(OWN, Some(run_key(6)), 3).await.expect("read"), []);
    assert_eq!(store.runs_unfinished(OTHER, None, 9).await.expect("read"), [run_key(8)]);
}

pub(super) async fn epochs_rise(database: &impl Database) {
    let store = database.open().await;
    let first = store.epoch_advance().await.expect("advanced");
    assert!(first > 0);
    assert_eq!(store.epoch_advance().await.expect("advanced"), first + 1);
    assert_eq!(database.open().await.epoch_advance().await.expect("advanced"), first + 2);
}

pub(super) async fn what_was_committed_is_there_after_a_restart(database: &impl Database) {
    let store = database.open().await;
    one_run(&store, 2).await;
    commit(&store, claims(1, vec![claim(1, 0, -1)])).await;
    let end = success(token(1, 0, -1, 1, 1), &[(RETURN_VALUE, "7")]);
    commit(&store, RunCommit { ended: vec![end], ..RunCommit::default() }).await;
    let before = format!("{:?}", snapshot(&store, 1).await);
    drop(store);
    let store = database.open().await;
    assert_eq!(format!("{:?}", snapshot(&store, 1).await), before);
    assert_eq!(states(&store, 1).await, [(0, -1, TaskState::Success), (1, -1, TaskState::Scheduled)]);
    assert_eq!(store.xcom_list(OWN, run_key(1), NodeIdx(0), NONE).await.expect("read").len(), 1);
    assert_eq!(store.attempt_list(OWN, instance(1, 0, -1)).await.expect("read").len(), 1);
}
