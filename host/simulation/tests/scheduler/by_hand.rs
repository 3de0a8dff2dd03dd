//! What people ask of runs.

use model::EndKind::{Cancelled, Failed, Success};
use model::TaskState as State;
use model::{RunState, TaskId, VersionKey};
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

/// What a dry run says, as task and state, in the order of names.
async fn dry_sorted(stage: &Stage, run: model::RunKey, act: Act) -> Vec<(String, State)> {
    let mut told = dry(stage, run, act).await;
    told.sort();
    told
}

fn onto(version: VersionKey, instances: Instances) -> Act {
    Act::Clear(Clear { instances, version: Some(version), keeps_state: false })
}

#[test]
fn a_run_that_is_cleared_onto_a_version_with_other_tasks_loses_some_and_gets_others() {
    play("a -> b -> c", async |stage| {
        let worker = stage.worker(3).await;
        let (run, own) = (stage.trigger("run").await, stage.version());
        for _ in 0..3 {
            stage.end(worker, "ok").await;
        }
        let other = stage.register("a -> c -> d").await;
        let told =
            |pairs: &[(&str, State)]| pairs.iter().map(|(task, to)| ((*task).to_owned(), *to)).collect::<Vec<_>>();
        let whole = onto(other, Instances::default());
        let expected = told(&[("a", State::None), ("b", State::Removed), ("c", State::None), ("d", State::None)]);
        assert_eq!(dry_sorted(stage, run, whole.clone()).await, expected);
        let gone = stage.act(run, onto(other, task("b"))).await;
        let gone = gone.lock().unwrap().take().unwrap();
        assert!(matches!(gone, Err(ControlError::OtherTasks { .. })), "{gone:?}");
        stage.check(run, RunState::Success, &[Success; 3]).await;

        stage.act(run, whole).await;
        stage.end(worker, "ok").await;
        stage.crash(|_| {}).await;
        let worker = stage.worker(3).await;
        stage.end(worker, "ok").await;
        // What the crash lost is tried again.
        for _ in 0..3 {
            stage.end(worker, "ok").await;
        }
        assert_eq!(stage.states(run).await, [State::Success, State::Removed, State::Success, State::Success]);
        let rows = stage.rows(run).await;
        assert_eq!((rows.row.state, rows.row.version), (RunState::Success, other));
        let of_b: Vec<_> = rows.attempts[1].iter().map(|attempt| attempt.version).collect();
        assert_eq!(of_b, [own]);
        let of_a: Vec<_> = rows.attempts[0].iter().map(|attempt| attempt.version).collect();
        assert_eq!((of_a.first(), of_a.last()), (Some(&own), Some(&other)));

        // And back: what is gone comes again in its place.
        let back = onto(own, Instances::default());
        let expected = told(&[("a", State::None), ("b", State::None), ("c", State::None), ("d", State::Removed)]);
        assert_eq!(dry_sorted(stage, run, back.clone()).await, expected);
        stage.act(run, back).await;
        for _ in 0..3 {
            stage.end(worker, "ok").await;
        }
        assert_eq!(stage.states(run).await, [State::Success, State::Success, State::Success, State::Removed]);
        assert_eq!(stage.rows(run).await.row.state, RunState::Success);
    });
}

#[test]
fn a_task_that_is_cleared_onto_another_version_goes_on_in_its_structure() {
    play("list -> b -> m\nm: expand(list)\nm -> sum", async |stage| {
        let worker = stage.worker(4).await;
        let run = stage.trigger("run").await;
        stage.end(worker, "list=2").await;
        for _ in 0..3 {
            stage.end(worker, "ok").await;
        }
        // A group comes before everything that is mapped, so that levels have other numbers.
        let other = stage.register("group g: expand(2)\nx: in(g)\nlist -> m\nm: expand(list)\nm -> sum -> x").await;
        let act = onto(other, task("sum"));
        let told = dry_sorted(stage, run, act.clone()).await;
        assert_eq!(told, [("sum".to_owned(), State::None), ("x".to_owned(), State::None)]);
        stage.act(run, act).await;
        stage.end(worker, "ok").await;
        stage.crash(|_| {}).await;
        let worker = stage.worker(4).await;
        for _ in 0..2 {
            stage.end(worker, "ok").await;
        }
        let rows = stage.rows(run).await;
        assert!(rows.instances.iter().all(|row| row.state == State::Success), "{:#?}", rows.instances);
        let of = |task: &str| {
            let node = rows.nodes.iter().find(|node| node.task_id.as_str() == task).unwrap().node;
            rows.of_node(node).map(|row| row.try_number.0).collect::<Vec<_>>()
        };
        assert_eq!((of("m"), of("b"), of("sum"), of("x").len()), (vec![1, 1], vec![1], vec![2], 2));

        // A task that is mapped in another way is another one; what it was stays as it was, and counts no more.
        let flat = stage.register("list -> m -> sum").await;
        let told = dry_sorted(stage, run, onto(flat, Instances::default())).await;
        let of_m: Vec<_> = told.iter().filter(|(task, _)| task == "m").map(|(_, to)| *to).collect();
        assert_eq!(of_m, [State::None, State::Removed], "{told:?}");
        stage.act(run, onto(flat, Instances::default())).await;
        for _ in 0..3 {
            stage.end(worker, "ok").await;
        }
        assert_eq!(stage.rows(run).await.row.state, RunState::Success);
    });
}

#[test]
fn a_run_begins_when_it_may_through_a_crash() {
    play("a -> b", async |stage| {
        let worker = stage.worker(1).await;
        let mut trigger = stage.new_trigger("later");
        let run = trigger.key;
        trigger.run_after = clock::Clock::now(stage.clock()) + jiff::SignedDuration::from_secs(60);
        stage.send(trigger).await;
        stage.check(run, RunState::Queued, &[]).await;
        stage.pass(30).await;
        assert_eq!(stage.held(worker).len(), 0);
        stage.crash(|_| {}).await;
        let worker = stage.worker(1).await;
        stage.pass(29).await;
        stage.check(run, RunState::Queued, &[]).await;
        stage.pass(2).await;
        for _ in 0..2 {
            stage.end(worker, "ok").await;
        }
        stage.check(run, RunState::Success, &[Success; 2]).await;
    });
}

#[test]
fn a_run_that_may_not_begin_yet_is_ended() {
    play("s: kind=setup\ns -> m -> t\ns -> t\nt: kind=teardown\nm: expand(2)\nn: expand(m)", async |stage| {
        let worker = stage.worker(1).await;
        let mut trigger = stage.new_trigger("later");
        let run = trigger.key;
        trigger.run_after = clock::Clock::now(stage.clock()) + jiff::SignedDuration::from_secs(60);
        stage.send(trigger).await;
        let cleared = stage.clear(run, false).await;
        let cleared = cleared.lock().unwrap().take().unwrap();
        assert!(matches!(cleared, Err(ControlError::NotBegun { .. })), "{cleared:?}");
        stage.act(run, Act::Cancel).await;
        stage.pass(120).await;
        stage.check(run, RunState::Failed, &[]).await;
        assert!(stage.states(run).await.iter().all(|state| *state == State::Skipped));
        assert_eq!(stage.held(worker).len(), 0);
    });
}
