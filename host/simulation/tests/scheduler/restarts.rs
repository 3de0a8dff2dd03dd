//! Servers that begin with what another one left.

use model::EndKind::{Failed, HostLost, Success};
use model::RunState;
use simulation::Side;

use crate::stage::play;

#[test]
fn reading_is_repeated_while_the_database_does_not_answer() {
    // The advance of the epoch, tenants, unfinished runs, one run: each fails once.
    for failures in 1..=4 {
        play("a -> b", async |stage| {
            let worker = stage.worker(1).await;
            let run = stage.trigger("run").await;
            stage.end(worker, "ok").await;
            stage.crash(|link| (0..failures).for_each(|_| link.refuse_next())).await;
            stage.pass(5).await;
            let worker = stage.worker(1).await;
            stage.check(run, RunState::Running, &[Success, HostLost]).await;
            stage.end(worker, "ok").await;
            stage.check(run, RunState::Success, &[Success, HostLost, Success]).await;
        });
    }
}

#[test]
fn a_second_crash_while_reading_changes_nothing() {
    play("a:", async |stage| {
        stage.worker(1).await;
        let run = stage.trigger("run").await;
        for call in ["advance", "read of tenants", "read of unfinished runs", "read of a run", "commit"] {
            for side in [Side::Before, Side::After] {
                stage.crash(|link| link.hold(call, side)).await;
                stage.pass(2).await;
            }
        }
        stage.crash(|_| {}).await;
        let worker = stage.worker(1).await;
        stage.end(worker, "ok").await;
        stage.check(run, RunState::Success, &[HostLost, Success]).await;
    });
}

#[test]
fn what_was_read_before_the_loop_dealt_with_a_run_is_not_believed() {
    play("a: retries=1 retry_delay=1000", async |stage| {
        let older = stage.trigger("older").await;
        stage.crash(|link| link.hold("read of unfinished runs", Side::Before)).await;
        let worker = stage.worker(2).await;
        let run = stage.trigger("run").await;
        stage.end(worker, "fail").await;
        // Reading finds both runs; what it reads of the second one, of which a try waits for its time, is held.
        for _ in 0..2 {
            stage.link().let_go();
            stage.link().hold("read of a run", Side::After);
            stage.rest().await;
        }
        // Meanwhile the run comes to its end.
        stage.pass(2).await;
        stage.end(worker, "ok").await;
        stage.check(run, RunState::Success, &[Failed, Success]).await;
        stage.check(older, RunState::Success, &[Success]).await;
        stage.link().let_go();
        stage.pass(5).await;
        assert!(stage.held(worker).is_empty(), "{}", stage.ground.trace.text());
        stage.check(run, RunState::Success, &[Failed, Success]).await;
    });
}
