//! Commits that fail, and what is told when.

use model::EndKind::{Cancelled, Failed, Success};
use model::RunState;
use scheduler::TriggerError;
use simulation::{Faults, Side};
use store::StoreError;

use crate::stage::{Stage, play};

#[test]
fn nothing_is_told_before_it_is_durable() {
    play("a -> b", async |stage| {
        let worker = stage.worker(1).await;
        for side in [Side::Before, Side::After] {
            stage.link().hold("commit", side);
            let trigger = stage.new_trigger(if side == Side::Before { "before" } else { "after" });
            let key = trigger.key;
            let answer = stage.send(trigger).await;
            stage.pass(5).await;
            assert!(answer.lock().unwrap().is_none() && stage.held(worker).is_empty());
            stage.link().let_go();
            stage.rest().await;
            assert!(matches!(*answer.lock().unwrap(), Some(Ok(()))));

            stage.link().hold("commit", side);
            stage.end(worker, "ok").await;
            stage.pass(5).await;
            assert!(!stage.process.workers[worker].is_settled() && stage.held(worker).is_empty());
            stage.link().let_go();
            stage.rest().await;
            assert!(stage.process.workers[worker].is_settled());
            stage.end(worker, "ok").await;
            stage.check(key, RunState::Success, &[Success, Success]).await;
        }
    });
}

#[test]
fn every_run_of_a_failed_commit_is_read_again_and_no_execution_is_lost() {
    for is_done in [false, true] {
        play("a: retries=1 retry_delay=0", async |stage| {
            let worker = stage.worker(2).await;
            let (first, second) = (stage.trigger("first").await, stage.trigger("second").await);
            if is_done {
                stage.link().lose_next_answer()
            } else {
                stage.link().refuse_next()
            }
            stage.end(worker, "fail").await;
            let reads = stage.ground.trace.text().matches("read of a run: done").count();
            assert!(reads >= 2, "{}", stage.ground.trace.text());
            stage.pass(2).await;
            assert!(stage.process.workers[worker].is_settled());
            stage.end(worker, "ok").await;
            stage.check(first, RunState::Success, &[Failed, Success]).await;
            stage.check(second, RunState::Success, &[Failed, Success]).await;
        });
    }
}

#[test]
fn commits_that_fail_in_a_row_do_not_spin() {
    play("a:", async |stage| {
        let run = stage.trigger("run").await;
        stage.link().set_faults(Faults { overtaken: 1_000, ..Faults::default() });
        let worker = stage.worker(1).await;
        stage.pass(1).await;
        let commits = stage.ground.trace.text().matches("told that it was overtaken").count();
        assert!((2..20).contains(&commits), "{commits}");
        stage.link().set_faults(Faults::default());
        stage.pass(1).await;
        stage.end(worker, "ok").await;
        stage.check(run, RunState::Success, &[Success]).await;
    });
}

#[test]
fn a_worker_is_told_to_end_what_it_runs_when_that_is_durable() {
    play("a:\ndag: run_timeout=3000", async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        stage.link().hold("commit", Side::Before);
        stage.pass(4).await;
        assert!(!stage.held(worker)[0].is_cancelled);
        stage.link().let_go();
        stage.rest().await;
        assert!(stage.held(worker)[0].is_cancelled);
        stage.check(run, RunState::Failed, &[Cancelled]).await;
    });
}

#[test]
fn a_report_that_comes_while_its_run_is_read_again_is_repeated() {
    play("a, b", async |stage| {
        let (one, two) = (stage.worker(1).await, stage.worker(1).await);
        let run = stage.trigger("run").await;
        // The commit fails, and then the reads fail too.
        for _ in 0..3 {
            stage.link().refuse_next();
        }
        stage.end(one, "ok").await;
        stage.end(two, "ok").await;
        assert!(!stage.process.workers[two].is_settled());
        stage.pass(10).await;
        stage.check(run, RunState::Success, &[Success, Success]).await;
    });
}

#[test]
fn a_clear_whose_answer_is_lost_is_carried_on() {
    play("a:", async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        stage.end(worker, "ok").await;
        // The reads of the run and its version, then the commit.
        stage.link().let_next();
        stage.link().let_next();
        stage.link().lose_next_answer();
        let answer = stage.clear(run, false).await;
        assert!(matches!(
            *answer.lock().unwrap(),
            Some(Err(scheduler::ControlError::Store(StoreError::Unavailable { .. })))
        ));
        stage.check(run, RunState::Running, &[Success]).await;
        stage.end(worker, "ok").await;
        stage.check(run, RunState::Success, &[Success, Success]).await;
    });
}

#[test]
fn a_clear_of_what_failed_leaves_what_runs_alone() {
    play("a: retries=0\nb:", async |stage| {
        let worker = stage.worker(1).await;
        let other = stage.worker(1).await;
        let run = stage.trigger("run").await;
        // Nothing has failed yet.
        stage.clear(run, true).await;
        stage.end(worker, "fail").await;
        stage.clear(run, true).await;
        assert!(!stage.held(other)[0].is_cancelled);
        stage.end(other, "ok").await;
        stage.end(worker, "ok").await;
        let rows = stage.rows(run).await;
        assert_eq!(rows.row.state, RunState::Success);
        let ends: usize = rows.attempts.iter().map(Vec::len).sum();
        assert_eq!(ends, 3, "{:?}", rows.attempts);
    });
}

#[test]
fn a_clear_of_everything_cancels_what_runs() {
    play("a:", async |stage| {
        let worker = stage.worker(2).await;
        let run = stage.trigger("run").await;
        stage.clear(run, false).await;
        let held = stage.held(worker);
        let cancelled: Vec<_> = held.iter().map(|it| it.is_cancelled).collect();
        assert_eq!(cancelled, [true, false], "the old execution is ended, the new one runs");
        stage.end(worker, "ok").await;
        stage.check(run, RunState::Success, &[Cancelled, Success]).await;
    });
}

#[test]
fn a_clear_never_uses_the_number_of_a_try_again() {
    play("a: expand(2)", async |stage| {
        let worker = stage.worker(2).await;
        let run = stage.trigger("run").await;
        stage.clear(run, false).await;
        // What is cancelled holds its slots until it has ended.
        stage.end(worker, "ok").await;
        stage.end(worker, "ok").await;
        let rows = stage.rows(run).await;
        let tries: Vec<Vec<_>> =
            rows.attempts.iter().map(|it| it.iter().map(|it| (it.try_number.0, it.end)).collect()).collect();
        assert_eq!(tries, [[(1, Cancelled), (2, Success)], [(1, Cancelled), (2, Success)]]);
    });
}

#[test]
fn a_clear_of_what_failed_runs_what_a_timeout_kept_from_running() {
    play("a -> b -> c\ndag: run_timeout=3000", async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        stage.pass(4).await;
        stage.check(run, RunState::Failed, &[Cancelled]).await;
        stage.clear(run, true).await;
        for _ in 0..4 {
            stage.end(worker, "ok").await;
        }
        stage.check(run, RunState::Success, &[Cancelled, Success, Success, Success]).await;
    });
}

#[test]
fn only_the_one_that_the_database_refuses_is_refused() {
    const LARGE: &str = r#"{"large":true}"#;
    play("a:", async |stage| {
        stage.link().take_no_conf(LARGE);
        let together = async |stage: &Stage, name: &str| {
            stage.link().hold("commit", Side::Before);
            let before = stage.send(stage.new_trigger(&format!("{name}-before"))).await;
            let good = stage.send(stage.new_trigger(&format!("{name}-good"))).await;
            let mut large = stage.new_trigger(&format!("{name}-large"));
            large.conf = LARGE.into();
            let large = stage.send(large).await;
            stage.link().let_go();
            stage.rest().await;
            assert!(matches!(*before.lock().unwrap(), Some(Ok(()))));
            (good, large)
        };
        let (good, large) = together(stage, "first").await;
        for answer in [good, large] {
            let answer = answer.lock().unwrap();
            assert!(
                matches!(*answer, Some(Err(TriggerError::Store(StoreError::Unavailable { .. })))),
                "nobody knows whose it was: {answer:?}"
            );
        }
        let (good, large) = together(stage, "again").await;
        assert!(matches!(*good.lock().unwrap(), Some(Ok(()))));
        assert!(matches!(*large.lock().unwrap(), Some(Err(TriggerError::Store(StoreError::Refused { .. })))));
    });
}

#[test]
fn a_run_of_which_nothing_runs_does_not_wait_for_the_masses() {
    play("a, b, c, d, e, f", async |stage| {
        let worker = stage.worker(4).await;
        for number in 0..20 {
            stage.trigger(&format!("mass-{number}")).await;
        }
        let late = stage.trigger("late").await;
        let is_late = |held: &simulation::Held| held.claim.run.key == late;
        // Runs of before of which nothing runs come first; every second slot is for those.
        for _ in 0..12 {
            if stage.held(worker).iter().any(is_late) {
                break;
            }
            stage.end(worker, "ok").await;
        }
        assert!(stage.held(worker).iter().any(is_late));
        for _ in 0..60 {
            stage.end(worker, "ok").await;
        }
    });
}
