//! Workers that are idle, late, silent or gone.

use std::time::Duration;

use model::EndKind::{HostLost, Success};
use model::{RunState, TaskState};

use crate::stage::play;

#[test]
fn a_worker_that_was_idle_for_long_works_on() {
    play("a:", async |stage| {
        let worker = stage.worker(4).await;
        // It does not even beat.
        stage.process.workers[worker].stop_for(Duration::from_secs(70));
        stage.pass(60).await;
        let (first, second) = (stage.trigger("first").await, stage.trigger("second").await);
        for run in [first, second] {
            assert_eq!(stage.rows(run).await.instances[0].state, TaskState::Running, "it is given work all the same");
        }
        stage.pass(11).await;
        assert_eq!(stage.held(worker).len(), 2);
        stage.pass(14).await;
        stage.end(worker, "ok").await;
        stage.check(first, RunState::Success, &[Success]).await;
        stage.check(second, RunState::Success, &[Success]).await;
    });
}

#[test]
fn a_late_report_is_stale_and_the_worker_stays() {
    play("a: retries=0", async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        stage.process.workers[worker].stop_for(Duration::from_secs(30));
        stage.pass(25).await;
        stage.check(run, RunState::Running, &[HostLost]).await;
        // It does not know yet, and reports.
        stage.process.workers[worker].go_on();
        stage.end(worker, "ok").await;
        stage.check(run, RunState::Running, &[HostLost]).await;
        assert!(stage.process.workers[worker].is_settled());
        assert_eq!(stage.held(worker).len(), 1, "it has been heard of and gets the instance again");
        stage.end(worker, "ok").await;
        stage.check(run, RunState::Success, &[HostLost, Success]).await;
    });
}

#[test]
fn a_silent_worker_gets_no_more_work() {
    play("a:", async |stage| {
        let worker = stage.worker(4).await;
        let run = stage.trigger("run").await;
        stage.process.workers[worker].stop_for(Duration::from_secs(600));
        stage.pass(300).await;
        stage.check(run, RunState::Running, &[HostLost]).await;
        let other = stage.worker(1).await;
        stage.end(other, "ok").await;
        stage.check(run, RunState::Success, &[HostLost, Success]).await;
    });
}

#[test]
fn a_machine_that_stood_still_goes_on() {
    play("a:", async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        stage.clock().advance(Duration::from_secs(100));
        stage.rest().await;
        stage.pass(10).await;
        // Whether the beat or the look at leases came first: the run ends well, and nobody waits for ever.
        stage.end(worker, "ok").await;
        stage.pass(10).await;
        stage.end(worker, "ok").await;
        let rows = stage.rows(run).await;
        assert_eq!(rows.row.state, RunState::Success);
    });
}
