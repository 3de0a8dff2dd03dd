//! What people ask of runs.

use model::EndKind::{Cancelled, Failed, Success};
use model::TaskState as State;
use model::{RunState, TaskId};
use scheduler::{Act, Clear, ControlError, Instances, Mark};

use crate::stage::{Stage, ada, play};

fn task(name: &str) -> Instances {
    Instances { tasks: vec![TaskId::new(name).unwrap()], ..Instances::default() }
}

fn clear(instances: Instances) -> Act {
    Act::Clear(Clear { instances, ..Clear::default() })
}

/// What a dry run says, as task and state.
async fn dry(stage: &Stage, run: model::RunKey, act: Act) -> Vec<(String, State)> {
    let scheduler = stage.process.started().unwrap().scheduler;
    let changes = scheduler.act(simulation::SCOPE, run, act, ada(), true).await.unwrap();
    changes.instances.iter().map(|change| (change.task_id.to_string(), change.to)).collect()
}

#[test]
fn a_clear_of_a_task_of_an_ended_run_runs_it_and_what_follows_again() {
    play("a -> b -> c\na -> d", async |stage| {
        let worker = stage.worker(2).await;
        let run = stage.trigger("run").await;
        for _ in 0..3 {
            stage.end(worker, "ok").await;
        }
        stage.check(run, RunState::Success, &[Success; 4]).await;
        let act = clear(Instances { downstream: true, ..task("b") });
        let told = dry(stage, run, act.clone()).await;
        assert_eq!(told, [("b".to_owned(), State::None), ("c".to_owned(), State::None)]);
        stage.check(run, RunState::Success, &[Success; 4]).await;
        let answer = stage.act(run, act).await;
        assert_eq!(answer.lock().unwrap().take().unwrap().unwrap().count(), 2);
        for _ in 0..2 {
            stage.end(worker, "ok").await;
        }
        stage.check(run, RunState::Success, &[Success; 6]).await;
        assert_eq!(stage.states(run).await, [State::Success; 4]);
    });
}

#[test]
fn what_is_marked_while_it_runs_cannot_finish_green() {
    play("a -> b", async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        stage.act(run, Act::Mark(Mark { instances: task("a"), to: State::Failed })).await;
        stage.end(worker, "ok").await;
        stage.check(run, RunState::Failed, &[Cancelled]).await;
        assert_eq!(stage.states(run).await, [State::Failed, State::UpstreamFailed]);
        // Marked the other way, what could not run for it runs.
        stage.act(run, Act::Mark(Mark { instances: task("a"), to: State::Success })).await;
        stage.end(worker, "ok").await;
        stage.check(run, RunState::Success, &[Cancelled, Success]).await;
    });
}

#[test]
fn a_run_that_waits_for_a_retry_is_ended() {
    play("a: retries=3 retry_delay=60000\na -> b", async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        stage.end(worker, "fail").await;
        stage.act(run, Act::Cancel).await;
        stage.check(run, RunState::Failed, &[Failed]).await;
        let again = stage.act(run, Act::Cancel).await;
        let again = again.lock().unwrap().take().unwrap();
        assert!(matches!(again, Err(ControlError::Ended(RunState::Failed))), "{again:?}");
        stage.crash(|_| {}).await;
        stage.pass(120).await;
        stage.check(run, RunState::Failed, &[Failed]).await;
    });
}

#[test]
fn a_run_that_is_cancelled_is_undone_through_crashes_and_a_second_cancel_ends_that() {
    let dag = "s: kind=setup\ns -> a -> t\ns -> t\nt: kind=teardown\na -> b";
    for is_stopped in [false, true] {
        play(dag, async |stage| {
            let worker = stage.worker(1).await;
            let run = stage.trigger("run").await;
            stage.end(worker, "ok").await;
            let told = dry(stage, run, Act::Cancel).await;
            assert_eq!(told, [("a".to_owned(), State::Failed), ("b".to_owned(), State::Skipped)]);
            stage.act(run, Act::Cancel).await;
            stage.crash(|_| {}).await;
            let worker = stage.worker(1).await;
            assert_eq!(stage.held(worker).len(), 1, "the teardown");
            // Marked failed once more it is what it was.
            let again = stage.act(run, Act::MarkRun(RunState::Failed)).await;
            assert_eq!(again.lock().unwrap().take().unwrap().unwrap().count(), 0);
            if is_stopped {
                assert_eq!(dry(stage, run, Act::Cancel).await, [("t".to_owned(), State::Failed)]);
                stage.act(run, Act::Cancel).await;
                stage.check(run, RunState::Failed, &[Success, Cancelled, Cancelled]).await;
                assert_eq!(stage.states(run).await, [State::Success, State::Failed, State::Failed, State::Skipped]);
            } else {
                stage.end(worker, "ok").await;
                stage.check(run, RunState::Failed, &[Success, Cancelled, Success]).await;
                assert_eq!(stage.states(run).await, [State::Success, State::Failed, State::Success, State::Skipped]);
            }
        });
    }
}

#[test]
fn a_run_that_is_marked_has_that_state_at_once() {
    play("a -> b\nc: expand(b)", async |stage| {
        let worker = stage.worker(1).await;
        let run = stage.trigger("run").await;
        stage.end(worker, "ok").await;
        stage.act(run, Act::MarkRun(RunState::Success)).await;
        stage.check(run, RunState::Success, &[Success, Cancelled]).await;
        stage.end(worker, "fail").await;
        stage.check(run, RunState::Success, &[Success, Cancelled]).await;
        stage.act(run, Act::MarkRun(RunState::Failed)).await;
        stage.check(run, RunState::Failed, &[Success, Cancelled]).await;
    });
}

#[test]
fn a_clear_of_one_index_touches_nothing_else() {
    play("list -> many\nmany: expand(list)", async |stage| {
        let worker = stage.worker(3).await;
        let run = stage.trigger("run").await;
        stage.end(worker, "list=3").await;
        stage.end(worker, "ok").await;
        stage.check(run, RunState::Success, &[Success; 4]).await;
        let one = Instances { map_indexes: vec![model::MapIndex::at(1)], ..task("many") };
        assert_eq!(dry(stage, run, clear(one.clone())).await.len(), 1);
        stage.act(run, clear(one)).await;
        assert_eq!(stage.held(worker).len(), 1);
        stage.crash(|_| {}).await;
        let worker = stage.worker(3).await;
        stage.end(worker, "ok").await;
        assert_eq!(stage.states(run).await, [State::Success; 4]);
        let none = Instances { map_indexes: vec![model::MapIndex::at(7)], ..task("many") };
        let refused = stage.act(run, clear(none)).await;
        let refused = refused.lock().unwrap().take().unwrap();
        assert!(matches!(refused, Err(ControlError::UnknownInstance { .. })), "{refused:?}");
    });
}
