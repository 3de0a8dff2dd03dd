//! Backfills: each date once, no more at a time than may be, whenever the server dies.

use jiff::Timestamp;
use model::{BackfillId, BackfillState, DagId, Reprocess, RunState, RunType, SliceState};
use serde_json::json;
use simulation::{SCOPE, Side};
use store::{BackfillStore, NewBackfill, NewSlice, PageRequest, ScheduleStore};

use crate::stage::{Stage, play_time};

const ALL: PageRequest = PageRequest { limit: 100, offset: 0 };

fn day(number: i64) -> Timestamp {
    Timestamp::from_second(number * 86_400).unwrap()
}

fn new_backfill(days: &[i64], reprocess: Reprocess) -> NewBackfill {
    let slice =
        |at: &i64| NewSlice { logical_date: day(*at), data_interval: (day(*at - 1), day(*at)), run_after: day(*at) };
    NewBackfill {
        dag_id: DagId::new("dag").unwrap(),
        from: day(days[0]),
        to: day(days[days.len() - 1]),
        is_backwards: false,
        reprocess,
        max_active_runs: 2,
        version: None,
        conf: r#"{"why":"backfill"}"#.into(),
        params: None,
        created_by: "anna".to_owned(),
        created_at: day(0),
        slices: days.iter().map(slice).collect(),
    }
}

async fn insert(stage: &Stage, backfill: NewBackfill) -> BackfillId {
    let id = stage.ground.store.backfill_insert(SCOPE, &backfill).await.unwrap();
    stage.poke().await;
    id
}

async fn state(stage: &Stage, id: BackfillId) -> BackfillState {
    stage.ground.store.backfill_fetch(SCOPE, id).await.unwrap().expect("it is there").state
}

async fn slices(stage: &Stage, id: BackfillId) -> Vec<SliceState> {
    let slices = stage.ground.store.slice_list(SCOPE, id, ALL).await.unwrap();
    slices.rows.into_iter().map(|slice| slice.state).collect()
}

async fn days(stage: &Stage) -> Vec<String> {
    let runs = stage.runs().await.into_iter();
    runs.map(|(id, _)| id.replace("backfill__1970-01-", "").replace("T00:00:00+00:00", "")).collect()
}

#[test]
fn dates_are_begun_in_order_as_the_backfill_has_room() {
    use SliceState::{Begun, Ended, Waiting};
    play_time("a:", json!({}), async |stage| {
        let worker = stage.worker(9).await;
        let id = insert(stage, new_backfill(&[5, 4, 3], Reprocess::None)).await;
        assert_eq!(days(stage).await, ["05", "06"]);
        assert_eq!(slices(stage, id).await, [Begun, Begun, Waiting]);
        let run = stage.ground.store.run_of_date(SCOPE, &DagId::new("dag").unwrap(), day(5)).await.unwrap().unwrap();
        let row = stage.rows(run.key).await.row;
        assert_eq!((row.run_type, row.conf.as_ref()), (RunType::Backfill, r#"{"why":"backfill"}"#));
        assert_eq!((row.triggered_by.as_str(), row.data_interval), ("anna", Some((day(4), day(5)))));
        stage.end(worker, "ok").await;
        assert_eq!(slices(stage, id).await, [Ended, Ended, Begun]);
        assert_eq!(state(stage, id).await, BackfillState::Running);
        stage.end(worker, "fail").await;
        assert_eq!((days(stage).await.len(), state(stage, id).await), (3, BackfillState::Completed));
    });
}

#[test]
fn a_server_that_dies_at_any_step_makes_each_date_once() {
    let calls = [
        "backfills in",
        "slices in",
        "read of a date",
        "slice begin",
        "commit of 1 runs",
        "commit of 2 ended",
        "slice end",
        "backfill move",
        "commit of 1 reopened",
    ];
    for call in calls {
        for side in [Side::Before, Side::After] {
            play_time("a:", json!({}), async |stage| {
                stage.worker(9).await;
                let first = insert(stage, new_backfill(&[1, 2], Reprocess::None)).await;
                stage.end(0, "ok").await;
                assert_eq!(state(stage, first).await, BackfillState::Completed);

                stage.link().hold(call, side);
                let id = insert(stage, new_backfill(&[1, 2, 3, 4, 5], Reprocess::Completed)).await;
                for _ in 0..8 {
                    if !stage.link().is_holding() {
                        stage.end(0, "ok").await;
                    }
                }
                assert!(stage.link().is_holding(), "{call} {side:?}");
                stage.crash(|_| {}).await;
                stage.worker(9).await;
                for _ in 0..8 {
                    stage.pass(11).await;
                    stage.end(0, "ok").await;
                }
                let story = || format!("{call} {side:?}\n{}", stage.ground.trace.text());
                assert_eq!(state(stage, id).await, BackfillState::Completed, "{}", story());
                assert_eq!(slices(stage, id).await, [SliceState::Ended; 5], "{}", story());
                assert_eq!(days(stage).await, ["02", "03", "04", "05", "06"], "{}", story());
                for (at, clears) in [(1, 1), (2, 1), (3, 0), (4, 0), (5, 0)] {
                    let dag = DagId::new("dag").unwrap();
                    let run = stage.ground.store.run_of_date(SCOPE, &dag, day(at)).await.unwrap().unwrap();
                    assert_eq!((run.state, run.clears), (RunState::Success, clears), "{at} {}", story());
                }
            });
        }
    }
}

#[test]
fn what_has_run_is_left_or_run_again_as_the_author_says() {
    use SliceState::{Begun, Left};
    for (reprocess, expect) in
        [(Reprocess::None, [Left, Left]), (Reprocess::Failed, [Left, Begun]), (Reprocess::Completed, [Begun, Begun])]
    {
        play_time("a:", json!({}), async |stage| {
            let worker = stage.worker(1).await;
            let first = insert(stage, new_backfill(&[1, 2], Reprocess::None)).await;
            for word in ["ok", "fail"] {
                stage.end(worker, word).await;
            }
            assert_eq!(state(stage, first).await, BackfillState::Completed);
            let id = insert(stage, new_backfill(&[1, 2], reprocess)).await;
            assert_eq!(slices(stage, id).await, expect, "{reprocess}");
            stage.pass(20).await;
            for _ in 0..2 {
                stage.end(worker, "ok").await;
            }
            stage.pass(20).await;
            assert_eq!(state(stage, id).await, BackfillState::Completed, "{reprocess}");
            assert_eq!(days(stage).await.len(), 2);
        });
    }
}

#[test]
fn a_paused_backfill_begins_nothing_and_a_cancelled_one_never_does() {
    play_time("a:", json!({}), async |stage| {
        let id = insert(stage, new_backfill(&[1, 2, 3, 4, 5, 6], Reprocess::None)).await;
        let move_to = async |to| {
            assert!(stage.ground.store.backfill_move(SCOPE, id, to, day(1)).await.unwrap());
            stage.poke().await;
        };
        move_to(BackfillState::Paused).await;
        assert_eq!(days(stage).await.len(), 2);
        move_to(BackfillState::Running).await;
        assert_eq!(days(stage).await.len(), 2, "there is no room");
        move_to(BackfillState::Cancelled).await;
    });
    play_time("a:", json!({}), async |stage| {
        let worker = stage.worker(9).await;
        let id = insert(stage, new_backfill(&[1, 2, 3, 4], Reprocess::None)).await;
        assert!(stage.ground.store.backfill_move(SCOPE, id, BackfillState::Paused, day(1)).await.unwrap());
        stage.end(worker, "ok").await;
        stage.pass(30).await;
        assert_eq!(days(stage).await.len(), 2);
        assert_eq!(slices(stage, id).await[..2], [SliceState::Ended; 2], "what ran is done all the same");
        assert!(stage.ground.store.backfill_move(SCOPE, id, BackfillState::Running, day(1)).await.unwrap());
        stage.pass(11).await;
        assert_eq!(days(stage).await.len(), 4);
        assert!(stage.ground.store.backfill_move(SCOPE, id, BackfillState::Cancelled, day(1)).await.unwrap());
        stage.end(worker, "ok").await;
        stage.pass(30).await;
        let runs = stage.runs().await;
        assert!(runs.iter().all(|(_, state)| *state == RunState::Success), "what runs goes on: {runs:?}");
    });
}
