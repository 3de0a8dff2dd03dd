//! Triggers that are repeated because their answer was lost.

use model::EndKind::Success;
use model::RunState;
use scheduler::TriggerError;
use simulation::Side;

use crate::stage::play;

#[test]
fn a_repeated_trigger_under_the_same_key_does_not_harm_the_run() {
    play("a -> b", async |stage| {
        let worker = stage.worker(1).await;
        let trigger = stage.new_trigger("run");
        let key = trigger.key;
        // Pools are read first.
        stage.link().let_next();
        stage.link().lose_next_answer();
        let answer = stage.send(trigger.clone()).await;
        assert!(matches!(*answer.lock().unwrap(), Some(Err(TriggerError::Store(_)))));
        for _ in 0..3 {
            let answer = stage.send(trigger.clone()).await;
            assert!(matches!(*answer.lock().unwrap(), Some(Err(TriggerError::Duplicate(_)))), "{answer:?}");
        }
        stage.pass(1).await;
        stage.end(worker, "ok").await;
        stage.end(worker, "ok").await;
        let rows = stage.rows(key).await;
        assert_eq!(rows.row.state, RunState::Success);
    });
}

#[test]
fn a_report_that_comes_with_a_repeated_trigger_counts() {
    play("a:", async |stage| {
        let worker = stage.worker(1).await;
        let trigger = stage.new_trigger("run");
        let key = trigger.key;
        stage.send(trigger.clone()).await;
        // While the loop waits for a commit, the trigger comes once more, and then the report.
        stage.link().hold("commit", Side::After);
        stage.send(stage.new_trigger("other")).await;
        stage.send(trigger).await;
        stage.end(worker, "ok").await;
        stage.link().let_go();
        stage.pass(1).await;
        stage.check(key, RunState::Success, &[Success]).await;
    });
}

#[test]
fn a_repeated_trigger_of_a_run_that_is_still_to_be_read_does_not_harm_it() {
    play("a:", async |stage| {
        let trigger = stage.new_trigger("run");
        let key = trigger.key;
        stage.send(trigger.clone()).await;
        stage.crash(|link| link.hold("read of tenants", Side::Before)).await;
        let answer = stage.send(trigger).await;
        assert!(matches!(*answer.lock().unwrap(), Some(Err(TriggerError::Duplicate(_)))), "{answer:?}");
        stage.link().let_go();
        let worker = stage.worker(1).await;
        stage.end(worker, "ok").await;
        stage.check(key, RunState::Success, &[Success]).await;
    });
}

#[test]
fn another_run_of_the_same_id_is_refused_and_leaves_the_first_alone() {
    play("a:", async |stage| {
        let worker = stage.worker(2).await;
        let first = stage.trigger("run").await;
        let answer = stage.send(stage.new_trigger("run")).await;
        assert!(matches!(*answer.lock().unwrap(), Some(Err(TriggerError::Duplicate(_)))), "{answer:?}");
        assert_eq!(stage.held(worker).len(), 1);
        stage.end(worker, "ok").await;
        stage.check(first, RunState::Success, &[Success]).await;
    });
}
