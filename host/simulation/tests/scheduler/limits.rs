//! Limits that no run knows alone, and who goes first.

use jiff::Timestamp;
use model::document::DagDocument;
use model::{PoolName, RunKey, RunState};
use scheduler::Beyond;
use simulation::SCOPE;
use store::{PoolRow, PoolStore};

use crate::stage::{Stage, play_changed};

async fn pool(stage: &Stage, slots: u32) {
    let name = PoolName::new("narrow").unwrap();
    let row = PoolRow {
        name,
        slots: Some(slots),
        description: None,
        include_deferred: false,
        updated_at: Timestamp::UNIX_EPOCH,
    };
    stage.ground.store.pool_put(SCOPE, &row, false).await.unwrap();
}

fn narrow(document: &mut DagDocument) {
    document.tasks.iter_mut().for_each(|task| task.pool = Some(PoolName::new("narrow").unwrap()));
}

/// The runs of what the worker holds.
fn runs(stage: &Stage, worker: usize) -> Vec<RunKey> {
    stage.held(worker).iter().map(|held| held.claim.run.key).collect()
}

#[test]
fn a_pool_has_so_many_slots_over_all_runs() {
    play_changed("a: priority=1\nb: priority=9", narrow, async |stage| {
        pool(stage, 1).await;
        let worker = stage.worker(8).await;
        let run = stage.trigger("first").await;
        let other = stage.trigger("second").await;
        assert_eq!(runs(stage, worker), [run]);
        let told = stage.explain(other, "a").await;
        assert!(matches!(told.beyond[..], [Beyond::Pool { slots: 1, taken: 1, wanted: 1, .. }]), "{told:?}");
        // The higher priority goes first, then the older run.
        stage.end(worker, "ok").await;
        assert_eq!(runs(stage, worker), [other]);
        for _ in 0..3 {
            assert_eq!(stage.held(worker).len(), 1);
            stage.end(worker, "ok").await;
        }
        for run in [run, other] {
            assert_eq!(stage.rows(run).await.row.state, RunState::Success);
        }
    });
}

#[test]
fn a_pool_that_grows_lets_more_start() {
    play_changed("a:\nb:\nc:", narrow, async |stage| {
        let worker = stage.worker(8).await;
        let run = stage.trigger("run").await;
        assert!(stage.held(worker).is_empty());
        let told = stage.explain(run, "a").await;
        assert!(matches!(told.beyond[..], [Beyond::NoPool { .. }]), "{told:?}");
        pool(stage, 2).await;
        stage.pass(6).await;
        assert_eq!(stage.held(worker).len(), 2);
        stage.crash(|_| {}).await;
        let worker = stage.worker(8).await;
        assert_eq!(stage.held(worker).len(), 2);
        stage.end(worker, "ok").await;
        stage.end(worker, "ok").await;
        assert_eq!(stage.rows(run).await.row.state, RunState::Success);
    });
}

#[test]
fn a_task_runs_so_often_over_all_runs() {
    let one = |document: &mut DagDocument| document.tasks[0].max_active_per_dag = Some(1);
    play_changed("a:\nb:", one, async |stage| {
        let worker = stage.worker(8).await;
        let first = stage.trigger("first").await;
        let second = stage.trigger("second").await;
        assert_eq!(stage.held(worker).len(), 3);
        let told = [stage.explain(first, "a").await, stage.explain(second, "a").await];
        let held = told.iter().filter(|told| matches!(told.beyond[..], [Beyond::TaskOverRuns { running: 1, cap: 1 }]));
        assert_eq!(held.count(), 1, "{told:?}");
        stage.end(worker, "ok").await;
        assert_eq!(stage.held(worker).len(), 1);
    });
}
