//! What instances wait for without a worker.

use model::EndKind::{Deferred, Success};
use model::outcome::{End, Wake, WakeOn};
use model::{RunState, TaskState};
use testkit::outcome::Outcome;

use crate::stage::{Stage, play, play_changed};

/// The worker's only execution waits.
async fn defer(stage: &mut Stage, worker: usize, on: WakeOn) {
    let end = End::Deferred { wake: Wake { on, timeout_ms: None } };
    let outcome = Outcome { end, ..Outcome::of_word("none") };
    let ends = stage.held(worker).iter().map(|held| (held.claim.token, outcome.clone())).collect();
    stage.process.workers[worker].end(ends, false);
    stage.rest().await;
}

#[test]
fn a_signal_wakes_who_waits_for_it_whenever_it_comes() {
    for is_early in [true, false] {
        play("a:", async |stage| {
            let worker = stage.worker(1).await;
            let run = stage.trigger("run").await;
            if is_early {
                stage.signal(run, "go").await;
            }
            defer(stage, worker, WakeOn::Signal("go".to_owned())).await;
            if !is_early {
                assert!(stage.held(worker).is_empty());
                stage.signal(run, "go").await;
            }
            let woken = stage.held(worker)[0].claim.woken.clone().unwrap();
            assert_eq!(woken.payload.as_deref(), Some(r#"{"yes":true}"#));
            stage.end(worker, "ok").await;
            stage.check(run, RunState::Success, &[Deferred, Success]).await;
        });
    }
}

#[test]
fn sleepers_are_found_again_after_a_crash() {
    play("a:", async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        defer(stage, worker, WakeOn::Signal("go".to_owned())).await;
        stage.crash(|_| {}).await;
        stage.signal(run, "go").await;
        stage.crash(|_| {}).await;
        let worker = stage.worker(1).await;
        stage.end(worker, "ok").await;
        stage.check(run, RunState::Success, &[Deferred, Success]).await;
    });
}

#[test]
fn the_end_of_another_run_wakes() {
    play("a:", async |stage| {
        let worker = stage.worker(1).await;
        let other = stage.trigger("other").await;
        let run = stage.trigger("run").await;
        let first = stage.held(worker)[0].claim.run.key;
        let (first, second) = if first == run { (run, other) } else { (other, run) };
        let name = if first == run { "dag/other" } else { "run" };
        defer(stage, worker, WakeOn::DagRun(name.to_owned())).await;
        // The slot is the other one's now.
        stage.end(worker, "ok").await;
        stage.check(second, RunState::Success, &[Success]).await;
        let woken = stage.held(worker)[0].claim.woken.clone().unwrap();
        assert!(woken.payload.as_deref().is_some_and(|text| text.contains("success")), "{woken:?}");
        stage.end(worker, "ok").await;
        stage.check(first, RunState::Success, &[Deferred, Success]).await;
    });
}

#[test]
fn who_waits_for_a_run_that_is_not_there_goes_on() {
    play("a:", async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        defer(stage, worker, WakeOn::DagRun("nobody".to_owned())).await;
        stage.end(worker, "ok").await;
        stage.check(run, RunState::Success, &[Deferred, Success]).await;
    });
}

#[test]
fn an_approval_waits_for_its_answer_across_a_crash() {
    play("a -> ask -> b\nask: kind=approval", async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        stage.end(worker, "ok").await;
        assert_eq!(stage.states(run).await, [TaskState::Success, TaskState::AwaitingInput, TaskState::None]);
        stage.crash(|_| {}).await;
        stage.signal(run, "approval:ask").await;
        let worker = stage.worker(1).await;
        stage.end(worker, "ok").await;
        stage.check(run, RunState::Success, &[Success, Success]).await;
    });
}

#[test]
fn a_task_waits_for_the_same_task_of_the_run_before() {
    let past = |document: &mut model::document::DagDocument| document.tasks[0].depends_on_past = true;
    play_changed("a:", past, async |stage| {
        let worker = stage.worker(2).await;
        let first = stage.trigger("first").await;
        stage.pass(1).await;
        let second = stage.trigger("second").await;
        assert_eq!(stage.held(worker).len(), 1);
        stage.crash(|_| {}).await;
        let worker = stage.worker(2).await;
        assert_eq!(stage.held(worker)[0].claim.run.key, first);
        stage.end(worker, "ok").await;
        assert_eq!(stage.held(worker)[0].claim.run.key, second);
        stage.end(worker, "ok").await;
        stage.check(second, RunState::Success, &[Success]).await;
    });
}
