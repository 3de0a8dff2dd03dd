//! What runs owe is called, whoever dies in between; and deadlines.

use model::RunState;
use model::callback::{CallbackEvent, CallbackState};
use model::limits::callback::{LEASE_MS, TRIES_MAX};
use serde_json::json;
use simulation::{SCOPE, Side};
use store::{CallbackRow, CallbackStore, PageRequest};

use crate::stage::{Stage, play, play_changed, with};

const PAGE: PageRequest = PageRequest { limit: 100, offset: 0 };

async fn callbacks(stage: &Stage, run: model::RunKey) -> Vec<CallbackRow> {
    stage.ground.store.callback_list(SCOPE, run, PAGE).await.expect("the simulated store answers").rows
}

async fn told(stage: &Stage, run: model::RunKey) -> Vec<(CallbackEvent, CallbackState, u32)> {
    callbacks(stage, run).await.iter().map(|row| (row.event, row.state, row.try_number.0)).collect()
}

fn of_run() -> serde_json::Value {
    json!({ "callbacks": { "on_success": ["tell"], "on_failure": ["page"] } })
}

/// Plays a test on a server that knows a DAG of one task with these members.
fn play_owing(more: serde_json::Value, body: impl AsyncFnOnce(&mut Stage)) {
    play_changed("a:", |document| *document = with("a:", more), body);
}

#[test]
fn a_callback_is_called_whoever_dies_in_between() {
    for call in ["commit", "begin of callbacks", "end of callbacks"] {
        for side in [Side::Before, Side::After] {
            play_owing(of_run(), async |stage| {
                let worker = stage.worker(2).await;
                let run = stage.trigger("run").await;
                stage.link().hold(call, side);
                for _ in 0..2 {
                    stage.end(worker, "ok").await;
                    stage.pass(2).await;
                }
                // A second crash while the first is made up for.
                for _ in 0..2 {
                    stage.crash(|_| {}).await;
                    stage.pass(2).await;
                }
                let worker = stage.worker(2).await;
                for _ in 0..4 {
                    stage.end(worker, "ok").await;
                    stage.pass(LEASE_MS / 1_000).await;
                }
                assert_eq!(stage.rows(run).await.row.state, RunState::Success, "{call} {side:?}");
                let expected = [(CallbackEvent::Success, CallbackState::Success, 1)];
                assert_eq!(told(stage, run).await, expected, "{call} {side:?}\n{}", stage.ground.trace.text());
            });
        }
    }
}

#[test]
fn a_commit_whose_answer_is_lost_owes_nothing_twice() {
    play_owing(of_run(), async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        stage.link().lose_next_answer();
        stage.end(worker, "fail").await;
        stage.pass(2).await;
        assert_eq!(stage.rows(run).await.row.state, RunState::Failed);
        assert_eq!(callbacks(stage, run).await.len(), 1);
        stage.end(worker, "ok").await;
        stage.pass(2).await;
        assert_eq!(told(stage, run).await, [(CallbackEvent::Failure, CallbackState::Success, 1)]);
    });
}

#[test]
fn one_that_fails_is_tried_again_and_changes_nothing_of_its_run() {
    play_owing(of_run(), async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        stage.end(worker, "ok").await;
        for _ in 0..TRIES_MAX {
            stage.pass(30).await;
            stage.end(worker, "fail").await;
        }
        stage.pass(100).await;
        assert!(stage.held(worker).is_empty());
        assert_eq!(told(stage, run).await, [(CallbackEvent::Success, CallbackState::Failed, TRIES_MAX)]);
        assert!(callbacks(stage, run).await[0].error.is_some());
        assert_eq!(stage.rows(run).await.row.state, RunState::Success);
    });
}

#[test]
fn who_is_slow_keeps_its_lease_and_who_is_gone_does_not() {
    play_owing(of_run(), async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        stage.end(worker, "ok").await;
        stage.pass(5 * LEASE_MS / 1_000).await;
        let fence = callbacks(stage, run).await[0].fence;
        assert_eq!(told(stage, run).await, [(CallbackEvent::Success, CallbackState::Running, 1)]);
        stage.crash(|_| {}).await;
        let worker = stage.worker(1).await;
        stage.pass(1).await;
        let row = callbacks(stage, run).await[0].clone();
        assert!(row.fence > fence && row.lost_executions == 1, "{row:#?}");
        stage.end(worker, "ok").await;
        assert_eq!(told(stage, run).await, [(CallbackEvent::Success, CallbackState::Success, 1)]);
    });
}

#[test]
fn a_deadline_is_missed_once_whatever_dies() {
    let late = json!({
        "deadline": { "from": "queued_at", "within_ms": 60_000 },
        "callbacks": { "on_deadline_missed": ["late"] },
    });
    play_owing(late, async |stage| {
        let worker = stage.worker(2).await;
        let run = stage.trigger("run").await;
        let quick = stage.trigger("quick").await;
        assert_eq!(told(stage, quick).await, [(CallbackEvent::DeadlineMissed, CallbackState::Waiting, 1)]);
        let held = stage.held(worker);
        let quick_one = held.iter().find(|held| held.claim.run.key == quick).expect("it runs").claim.token;
        stage.process.workers[worker].end(vec![(quick_one, testkit::outcome::Outcome::of_word("ok"))], false);
        stage.pass(1).await;
        assert_eq!(told(stage, quick).await, [], "it ended in time");
        stage.pass(30).await;
        stage.crash(|_| {}).await;
        let worker = stage.worker(2).await;
        stage.pass(28).await;
        assert_eq!(told(stage, run).await, [(CallbackEvent::DeadlineMissed, CallbackState::Waiting, 1)]);
        stage.pass(5).await;
        assert_eq!(told(stage, run).await, [(CallbackEvent::DeadlineMissed, CallbackState::Running, 1)]);
        stage.end(worker, "ok").await;
        stage.pass(100).await;
        assert_eq!(stage.rows(run).await.row.state, RunState::Success);
        assert_eq!(told(stage, run).await, [(CallbackEvent::DeadlineMissed, CallbackState::Success, 1)]);
        // Cleared, it has its deadline anew.
        stage.clear(run, false).await;
        let again = (CallbackEvent::DeadlineMissed, CallbackState::Waiting, 1);
        assert_eq!(told(stage, run).await, [(CallbackEvent::DeadlineMissed, CallbackState::Success, 1), again]);
    });
}

#[test]
fn runs_without_callbacks_owe_nothing() {
    play("a -> b", async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        for _ in 0..2 {
            stage.end(worker, "ok").await;
        }
        assert_eq!(stage.rows(run).await.row.state, RunState::Success);
        assert_eq!(callbacks(stage, run).await, []);
        let trace = stage.ground.trace.text();
        assert!(!trace.contains("callbacks"), "nobody asks for any\n{trace}");
    });
}
