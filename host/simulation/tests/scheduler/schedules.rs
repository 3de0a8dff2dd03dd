//! Runs of timetables: made once, whenever the server dies; held, passed over, paused.

use model::{DagId, RunState};
use serde_json::{Value, json};
use simulation::{SCOPE, Side};
use store::{Catalog, ScheduleStore};

use crate::stage::{Stage, play_time};

/// What the timekeeper asks for and writes on its way to a run.
const CALLS: [&str; 6] = [
    "read of all tenants",
    "count of runs",
    "read of what is due",
    "commit of 1 runs",
    "write of a schedule",
    "read of the next fire",
];

/// Every minute from the first second of the simulation.
fn minutes(catchup: bool, more: Value) -> Value {
    let mut schedule = json!({
        "schedule": {"interval": {"every_ms": 60_000}},
        "start_date": "2026-01-01T00:00:00Z",
        "catchup": catchup,
    });
    schedule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    schedule
}

async fn dates(stage: &Stage) -> Vec<String> {
    let runs = stage.runs().await.into_iter();
    runs.map(|(id, _)| id.trim_start_matches("scheduled__2026-01-01T00:").trim_end_matches("+00:00").to_owned())
        .collect()
}

async fn row(stage: &Stage) -> store::ScheduleRow {
    let dag = DagId::new("dag").unwrap();
    stage.ground.store.schedule_fetch(SCOPE, &dag).await.unwrap().expect("it was looked at")
}

async fn set_going(stage: &Stage, is_going: bool) {
    let (dag, now) = (DagId::new("dag").unwrap(), clock::Clock::now(stage.clock()));
    assert!(stage.ground.store.dag_pause(SCOPE, &dag, !is_going, None, now).await.unwrap());
    stage.poke().await;
}

#[test]
fn runs_are_made_when_they_are_due() {
    play_time("a:", minutes(true, json!({})), async |stage| {
        assert_eq!(dates(stage).await, ["00:00"]);
        stage.pass(59).await;
        assert_eq!(dates(stage).await, ["00:00"]);
        stage.pass(1).await;
        assert_eq!(dates(stage).await, ["00:00", "01:00"]);
        stage.pass(150).await;
        assert_eq!(dates(stage).await, ["00:00", "01:00", "02:00", "03:00"]);
        let state = row(stage).await.state;
        assert_eq!((state.skipped, state.last_fire_at), (0, Some("2026-01-01T00:03:00Z".parse().unwrap())));
        let run = stage.ground.store.run_of_date(SCOPE, &state.dag_id, "2026-01-01T00:02:00Z".parse().unwrap()).await;
        let run = stage.rows(run.unwrap().expect("the run of the date").key).await.row;
        let interval = (Some("2026-01-01T00:01:00Z".parse().unwrap()), run.logical_date);
        assert_eq!(run.data_interval.unzip(), interval);
        assert_eq!((run.triggered_by.as_str(), Some(run.run_after)), ("scheduled", run.logical_date));
    });
}

#[test]
fn a_server_that_dies_at_any_step_makes_each_run_once() {
    for call in CALLS {
        for side in [Side::Before, Side::After] {
            play_time("a:", minutes(true, json!({})), async |stage| {
                stage.pass(70).await;
                stage.link().hold(call, side);
                stage.pass(70).await;
                assert!(stage.link().is_holding(), "{call} {side:?}");
                stage.crash(|_| {}).await;
                stage.pass(50).await;
                let expect = ["00:00", "01:00", "02:00", "03:00"];
                assert_eq!(dates(stage).await, expect, "{call} {side:?}\n{}", stage.ground.trace.text());
            });
        }
    }
}

#[test]
fn what_the_database_refuses_is_done_later() {
    play_time("a:", minutes(true, json!({})), async |stage| {
        for _ in 0..6 {
            stage.link().refuse_next();
            stage.pass(7).await;
            stage.link().lose_next_answer();
            stage.pass(23).await;
        }
        stage.pass(15).await;
        assert_eq!(dates(stage).await, ["00:00", "01:00", "02:00", "03:00"]);
    });
}

#[test]
fn only_the_last_of_what_was_missed_is_made_unless_it_is_to_be_caught_up_with() {
    for (catchup, expect, skipped) in [
        (false, vec!["00:00", "01:00", "05:00", "06:00"], 3),
        (true, vec!["00:00", "01:00", "02:00", "03:00", "04:00", "05:00", "06:00"], 0),
    ] {
        play_time("a:", minutes(catchup, json!({})), async |stage| {
            stage.pass(70).await;
            set_going(stage, false).await;
            stage.pass(250).await;
            set_going(stage, true).await;
            stage.pass(50).await;
            assert_eq!(dates(stage).await, expect);
            assert_eq!(row(stage).await.state.skipped, skipped);
        });
    }
}

#[test]
fn no_more_runs_are_unfinished_than_may_be() {
    play_time("a:", minutes(true, json!({"max_active_runs": 2})), async |stage| {
        let worker = stage.worker(9).await;
        stage.pass(300).await;
        assert_eq!(dates(stage).await, ["00:00", "01:00"]);
        stage.trigger("by-hand").await;
        stage.end(worker, "ok").await;
        // The end of a run makes room at once.
        let dates = dates(stage).await;
        assert_eq!(dates, ["by-hand", "00:00", "01:00", "02:00", "03:00"]);
    });
}

#[test]
fn a_dag_whose_runs_keep_failing_is_paused_until_somebody_sets_it_going() {
    play_time("a:", minutes(true, json!({"max_consecutive_failed_runs": 2})), async |stage| {
        let worker = stage.worker(9).await;
        for word in ["fail", "ok", "fail"] {
            stage.end(worker, word).await;
            stage.pass(60).await;
        }
        assert!(!row(stage).await.is_paused);
        stage.end(worker, "fail").await;
        let paused = row(stage).await;
        assert!(paused.is_paused);
        assert!(paused.pause_reason.is_some_and(|reason| reason.contains("the last 2 runs failed")));
        let dag = stage.ground.store.dag_fetch(SCOPE, &DagId::new("dag").unwrap()).await.unwrap();
        assert!(dag.is_some_and(|dag| dag.is_paused));
        stage.pass(90).await;
        assert_eq!(dates(stage).await.len(), 4);
        set_going(stage, true).await;
        assert!(!row(stage).await.is_paused, "what failed before does not count any more");
        assert_eq!(dates(stage).await.len(), 5);
        stage.end(worker, "fail").await;
        stage.pass(60).await;
        assert!(!row(stage).await.is_paused);
    });
}

#[test]
fn failures_that_nobody_looked_at_before_a_crash_are_seen_after_it() {
    play_time("a:", minutes(true, json!({"max_consecutive_failed_runs": 1})), async |stage| {
        let worker = stage.worker(9).await;
        stage.link().hold("read of ends", Side::Before);
        stage.end(worker, "fail").await;
        assert!(stage.link().is_holding());
        stage.crash(|_| {}).await;
        stage.pass(61).await;
        assert!(row(stage).await.is_paused);
        assert_eq!(dates(stage).await, ["00:00"]);
    });
}

#[test]
fn once_is_once() {
    for side in [Side::Before, Side::After] {
        play_time("a:", json!({"schedule": "once"}), async |stage| {
            assert_eq!(stage.runs().await.len(), 1);
            stage.crash(|link| link.hold("read of all tenants", side)).await;
            stage.pass(100).await;
            stage.crash(|_| {}).await;
            stage.pass(100).await;
            assert_eq!(stage.runs().await.len(), 1);
        });
    }
}

#[test]
fn a_continuous_dag_runs_again_as_soon_as_it_has_ended() {
    play_time("a:", json!({"schedule": "continuous"}), async |stage| {
        let worker = stage.worker(9).await;
        stage.pass(40).await;
        assert_eq!(stage.runs().await.len(), 1);
        for count in 2..5 {
            stage.end(worker, "ok").await;
            stage.pass(1).await;
            let runs = stage.runs().await;
            let unfinished = runs.iter().filter(|(_, state)| *state == RunState::Running).count();
            assert_eq!((runs.len(), unfinished), (count, 1), "{runs:?}");
        }
        stage.crash(|_| {}).await;
        stage.pass(40).await;
        assert_eq!(stage.runs().await.len(), 4);
    });
}
