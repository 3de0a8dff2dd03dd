//! Runs that events of assets start: no event starts two, and none is lost.

use std::collections::BTreeMap;

use model::{AssetEventId, AssetName, DagId, MapIndex, RunState, RunType};
use serde_json::json;
use simulation::{SCOPE, Side};
use store::{AssetEventFilter, AssetSource, AssetStore, NewAssetEvent, PageRequest, ScheduleStore};

use crate::stage::{Stage, play_time, with};

const ALL: PageRequest = PageRequest { limit: 100, offset: 0 };

async fn tell(stage: &Stage, asset: &str) -> AssetEventId {
    let event = NewAssetEvent {
        scope: SCOPE,
        asset: AssetName::new(asset).unwrap(),
        extra: "{}".into(),
        source: AssetSource::Api { by: "anna".to_owned() },
        at: clock::Clock::now(stage.clock()),
    };
    let id = stage.ground.store.asset_event_insert(&event).await.unwrap();
    stage.poke().await;
    id
}

/// How many events the runs consumed, the smallest number first.
async fn consumed(stage: &Stage) -> Vec<usize> {
    let events = stage.ground.store.asset_event_list(SCOPE, &AssetEventFilter::default(), ALL).await.unwrap().rows;
    let mut by_run = BTreeMap::new();
    for event in events {
        let runs = stage.ground.store.asset_event_runs(SCOPE, event.id).await.unwrap();
        assert!(runs.len() <= 1, "an event was consumed twice");
        for run in runs {
            *by_run.entry(run).or_insert(0) += 1;
            let row = stage.rows(run).await.row;
            assert_eq!(row.run_type, RunType::AssetTriggered);
        }
    }
    let mut counts: Vec<_> = by_run.into_values().collect();
    counts.sort();
    counts
}

#[test]
fn a_run_begins_when_its_expression_is_met_and_consumes_what_waits() {
    let schedule = json!({"schedule": {"assets": {"all": [{"asset": "a"}, {"asset": "b"}]}}});
    play_time("a:", schedule, async |stage| {
        for asset in ["a", "a", "c"] {
            tell(stage, asset).await;
        }
        assert_eq!(stage.runs().await.len(), 0);
        stage.pass(5).await;
        tell(stage, "b").await;
        assert_eq!((stage.runs().await.len(), consumed(stage).await), (1, vec![3]));
        tell(stage, "b").await;
        tell(stage, "a").await;
        assert_eq!(consumed(stage).await, [2, 3]);
        assert_eq!(stage.ground.store.asset_starts(SCOPE, 9).await.unwrap(), []);
    });
}

#[test]
fn a_server_that_dies_at_any_step_consumes_each_event_once() {
    let calls = [
        "dags with waiting events",
        "asset events waiting",
        "asset consume",
        "asset starts",
        "commit of 1 runs",
        "asset start done",
    ];
    for call in calls {
        for side in [Side::Before, Side::After] {
            play_time("a:", json!({"schedule": {"assets": {"asset": "a"}}}), async |stage| {
                tell(stage, "a").await;
                stage.link().hold(call, side);
                tell(stage, "a").await;
                stage.pass(12).await;
                tell(stage, "a").await;
                assert!(stage.link().is_holding(), "{call} {side:?}");
                stage.crash(|_| {}).await;
                tell(stage, "a").await;
                stage.pass(30).await;
                let counts = consumed(stage).await;
                let story = || format!("{call} {side:?}\n{}", stage.ground.trace.text());
                assert_eq!(counts.iter().sum::<usize>(), 4, "{}", story());
                assert_eq!(counts.len(), stage.runs().await.len(), "{}", story());
                assert_eq!(stage.ground.store.asset_starts(SCOPE, 9).await.unwrap(), [], "{}", story());
            });
        }
    }
}

#[test]
fn the_success_of_a_task_changes_its_outlets() {
    let schedule = json!({"schedule": {"assets": {"any": [{"asset": "made"}, {"asset": "other"}]}}});
    play_time("a:\nb:", schedule, async |stage| {
        let tasks = json!([
            {"task_id": "work", "outlets": [{"name": "made", "extra": {"by": "work"}}]},
            {"task_id": "fails", "outlets": [{"name": "other"}]},
        ]);
        let producer = stage.ground.register_document(SCOPE, "producer", with("a:", json!({"tasks": tasks}))).await;
        let worker = stage.worker(9).await;
        let run = stage.ground.trigger(&producer, model::RunId::new("produce").unwrap());
        let key = run.key;
        stage.send(run).await;
        let held = stage.held(worker);
        let word = |held: &simulation::Held| if held.claim.token.instance.node.0 == 0 { "ok" } else { "fail" };
        let ends = held.iter().map(|held| (held.claim.token, testkit::outcome::Outcome::of_word(word(held)))).collect();
        stage.process.workers[worker].end(ends, false);
        stage.rest().await;
        let events = stage.ground.store.asset_event_list(SCOPE, &AssetEventFilter::default(), ALL).await.unwrap().rows;
        assert_eq!(events.len(), 1, "{events:?}");
        let AssetSource::Task { dag_id, run, task_id, map_index, .. } = &events[0].source else { panic!("{events:?}") };
        assert_eq!((dag_id.as_str(), *run, task_id.as_str(), *map_index), ("producer", key, "work", MapIndex::NONE));
        assert_eq!(events[0].extra.as_ref(), r#"{"by":"work"}"#);
        assert_eq!(consumed(stage).await, [1]);
        let runs = stage.runs().await;
        assert_eq!(runs.len(), 2, "{runs:?}");
    });
}

#[test]
fn events_wait_while_the_dag_is_paused_and_while_there_is_no_room() {
    let schedule = json!({"schedule": {"assets": {"asset": "a"}}, "max_active_runs": 1});
    play_time("a:", schedule, async |stage| {
        let worker = stage.worker(9).await;
        let dag = DagId::new("dag").unwrap();
        let now = clock::Clock::now(stage.clock());
        stage.ground.store.dag_pause(SCOPE, &dag, true, None, now).await.unwrap();
        tell(stage, "a").await;
        assert_eq!(stage.runs().await.len(), 0);
        stage.ground.store.dag_pause(SCOPE, &dag, false, None, now).await.unwrap();
        tell(stage, "a").await;
        assert_eq!(consumed(stage).await, [2]);
        tell(stage, "a").await;
        tell(stage, "a").await;
        assert_eq!(stage.runs().await.len(), 1);
        stage.end(worker, "ok").await;
        assert_eq!(consumed(stage).await, [2, 2]);
        let states: Vec<_> = stage.runs().await.into_iter().map(|(_, state)| state).collect();
        assert_eq!(states.iter().filter(|state| **state == RunState::Running).count(), 1);
    });
}
