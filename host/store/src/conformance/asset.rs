//! Assets: declared by DAGs, changed by events that wait for those who await them, consumed once.

use model::asset::AssetDocument;
use model::{AssetEventId, AssetId, AssetName, TaskState, TenantScope};
use serde_json::{Map, json};

use super::fixture::*;
use super::{Database, Stores};
use crate::{
    AssetDeclaration, AssetEventFilter, AssetSource, AssetStart, AssetStore, AssetUse, Catalog, NewAssetEvent,
    PageRequest, RunCommit, RunStore, ScheduleStore,
};

const ALL: PageRequest = PageRequest { limit: 100, offset: 0 };

fn name(name: &str) -> AssetName {
    AssetName::new(name).expect("a legal name")
}

fn document(asset: &str, uri: Option<&str>) -> AssetDocument {
    let extra = uri.map(|uri| Map::from_iter([("uri".to_owned(), json!(uri))])).unwrap_or_default();
    AssetDocument { name: name(asset), uri: uri.map(str::to_owned), group: uri.map(|_| "g".to_owned()), extra }
}

fn awaits(dag: &str, assets: &[&str]) -> AssetDeclaration {
    let awaited = assets.iter().map(|asset| name(asset)).collect();
    AssetDeclaration { dag_id: dag_id(dag), produced: Vec::new(), read: Vec::new(), awaited }
}

fn told(scope: TenantScope, asset: &str, seconds: i64) -> NewAssetEvent {
    let source = AssetSource::Api { by: "anna".to_owned() };
    NewAssetEvent { scope, asset: name(asset), extra: r#"{"rows":1}"#.into(), source, at: at(seconds) }
}

async fn waiting(store: &impl Stores, scope: TenantScope, dag: &str) -> Vec<AssetEventId> {
    let waiting = store.asset_events_waiting(scope, &dag_id(dag), 100).await.expect("read");
    waiting.into_iter().map(|event| event.id).collect()
}

async fn id(store: &impl Stores, asset: &str) -> AssetId {
    store.asset_find(OWN, &name(asset)).await.expect("read").expect("found").id
}

pub(super) async fn a_dag_declares_its_assets(database: &impl Database) {
    let store = database.open().await;
    let declaration = AssetDeclaration {
        produced: vec![
            (task_id(0), document("out", Some("s3://out"))),
            (task_id(1), document("out", Some("s3://out"))),
        ],
        read: vec![(task_id(0), name("in"))],
        ..awaits("dag", &["in", "out"])
    };
    store.asset_declare(OWN, &declaration, at(1)).await.expect("declared");
    store.asset_declare(OWN, &declaration, at(2)).await.expect("declared again");
    store.asset_declare(OWN, &awaits("reader", &["out"]), at(3)).await.expect("declared");
    let out = store.asset_find(OWN, &name("out")).await.expect("read").expect("found");
    assert_eq!((out.uri.as_deref(), out.group.as_deref()), (Some("s3://out"), Some("g")));
    assert_eq!((out.extra.as_ref(), out.created_at, out.updated_at), (r#"{"uri":"s3://out"}"#, at(1), at(1)));
    assert_eq!(store.asset_fetch(OWN, out.id).await.expect("read"), Some(out.clone()));
    assert_eq!(store.asset_fetch(OTHER, out.id).await.expect("read"), None);
    assert_eq!(store.asset_find(OTHER, &name("out")).await.expect("read"), None);

    let users = async |asset| {
        let users = store.asset_users(OWN, asset).await.expect("read");
        users.into_iter().map(|user| (user.kind, user.dag_id.to_string(), user.task_id)).collect::<Vec<_>>()
    };
    let by = |kind, dag: &str, task: Option<u32>| (kind, dag.to_owned(), task.map(task_id));
    let expect = [
        by(AssetUse::Produced, "dag", Some(0)),
        by(AssetUse::Produced, "dag", Some(1)),
        by(AssetUse::Awaited, "dag", None),
        by(AssetUse::Awaited, "reader", None),
    ];
    assert_eq!(users(out.id).await, expect);
    assert_eq!(store.asset_users(OTHER, out.id).await.expect("read"), []);

    let moved = AssetDeclaration { produced: vec![(task_id(2), document("out", None))], ..awaits("dag", &[]) };
    store.asset_declare(OWN, &moved, at(9)).await.expect("declared");
    assert_eq!(users(out.id).await, [by(AssetUse::Produced, "dag", Some(2)), by(AssetUse::Awaited, "reader", None)]);
    let out = store.asset_fetch(OWN, out.id).await.expect("read").expect("found");
    assert_eq!((out.uri, out.extra.as_ref(), out.updated_at), (None, "{}", at(9)));

    let names = async |pattern, page| {
        let page = store.asset_list(OWN, pattern, page).await.expect("read");
        (page.rows.into_iter().map(|row| row.name.to_string()).collect::<Vec<_>>(), page.total)
    };
    assert_eq!(names(None, ALL).await, (vec!["in".to_owned(), "out".to_owned()], 2));
    assert_eq!(names(Some("o%"), ALL).await, (vec!["out".to_owned()], 1));
    assert_eq!(names(None, PageRequest { limit: 1, offset: 1 }).await, (vec!["out".to_owned()], 2));
}

pub(super) async fn an_event_waits_for_those_who_await_its_asset(database: &impl Database) {
    let store = database.open().await;
    for dag in ["dag", "other"] {
        version(&store, OWN, dag).await;
    }
    let nobody = store.asset_event_insert(&told(OWN, "a", 0)).await.expect("inserted");
    store.asset_declare(OWN, &awaits("dag", &["a", "b"]), at(0)).await.expect("declared");
    store.asset_declare(OWN, &awaits("other", &["b"]), at(0)).await.expect("declared");
    let first = store.asset_event_insert(&told(OWN, "a", 1)).await.expect("inserted");
    let second = store.asset_event_insert(&told(OWN, "b", 2)).await.expect("inserted");
    store.asset_event_insert(&told(OTHER, "a", 3)).await.expect("inserted");
    assert!(nobody < first && first < second);
    assert_eq!(waiting(&store, OWN, "dag").await, [first, second]);
    assert_eq!(waiting(&store, OWN, "other").await, [second]);
    assert_eq!(waiting(&store, OTHER, "dag").await, []);
    let detail = store.asset_events_waiting(OWN, &dag_id("dag"), 1).await.expect("read");
    assert_eq!(detail.len(), 1);
    assert_eq!((&detail[0].name, detail[0].asset, detail[0].at), (&name("a"), id(&store, "a").await, at(1)));

    assert_eq!(store.dags_with_waiting_events(OWN).await.expect("read"), [dag_id("dag"), dag_id("other")]);
    store.dag_pause(OWN, &dag_id("dag"), true, None, at(3)).await.expect("paused");
    assert_eq!(store.dags_with_waiting_events(OWN).await.expect("read"), [dag_id("other")]);
    store.dag_pause(OWN, &dag_id("dag"), false, None, at(3)).await.expect("set going");

    store.asset_declare(OWN, &awaits("dag", &["a"]), at(4)).await.expect("declared");
    assert_eq!(waiting(&store, OWN, "dag").await, [first], "it does not wait for b any more");
    assert_eq!(store.asset_events_drop(OWN, &dag_id("dag"), Some(id(&store, "b").await)).await.expect("dropped"), 0);
    assert_eq!(store.asset_events_drop(OTHER, &dag_id("dag"), None).await.expect("dropped"), 0);
    assert_eq!(store.asset_events_drop(OWN, &dag_id("dag"), Some(id(&store, "a").await)).await.expect("dropped"), 1);
    assert_eq!(store.asset_events_drop(OWN, &dag_id("other"), None).await.expect("dropped"), 1);
    assert_eq!(store.dags_with_waiting_events(OWN).await.expect("read"), []);
}

pub(super) async fn events_are_consumed_once(database: &impl Database) {
    let store = database.open().await;
    version(&store, OWN, "dag").await;
    store.asset_declare(OWN, &awaits("dag", &["a"]), at(0)).await.expect("declared");
    let mut ids = Vec::new();
    for seconds in 1..=3 {
        ids.push(store.asset_event_insert(&told(OWN, "a", seconds)).await.expect("inserted"));
    }
    let start = |run| AssetStart { dag_id: dag_id("dag"), run: run_key(run), data_interval: (at(1), at(2)), at: at(9) };
    let consume = async |scope, run, events: &[AssetEventId]| {
        store.asset_consume(scope, &start(run), events).await.expect("written")
    };
    assert!(!consume(OTHER, 1, &ids[..2]).await);
    assert!(consume(OWN, 1, &ids[..2]).await);
    assert!(!consume(OWN, 2, &ids[1..]).await, "one of them was consumed");
    assert_eq!(waiting(&store, OWN, "dag").await, ids[2..]);
    assert_eq!(store.asset_starts(OWN, 9).await.expect("read"), [start(1)]);
    assert_eq!(store.asset_starts(OTHER, 9).await.expect("read"), []);
    store.asset_start_done(OTHER, run_key(1)).await.expect("nothing");
    assert_eq!(store.asset_starts(OWN, 9).await.expect("read").len(), 1);
    store.asset_start_done(OWN, run_key(1)).await.expect("done");
    store.asset_start_done(OWN, run_key(1)).await.expect("done again");
    assert_eq!(store.asset_starts(OWN, 9).await.expect("read"), []);

    let of_run = async |scope, run| {
        let events = store.asset_events_of_run(scope, run_key(run)).await.expect("read");
        events.into_iter().map(|event| event.id).collect::<Vec<_>>()
    };
    assert_eq!(
        (of_run(OWN, 1).await, of_run(OWN, 2).await, of_run(OTHER, 1).await),
        (ids[..2].to_vec(), vec![], vec![])
    );
    assert_eq!(store.asset_event_runs(OWN, ids[0]).await.expect("read"), [run_key(1)]);
    assert_eq!(store.asset_event_runs(OWN, ids[2]).await.expect("read"), []);
    assert_eq!(store.asset_event_runs(OTHER, ids[0]).await.expect("read"), []);
}

pub(super) async fn a_success_and_its_events_are_one(database: &impl Database) {
    let store = database.open().await;
    one_run(&store, 2).await;
    store.asset_declare(OWN, &awaits("dag", &["a"]), at(0)).await.expect("declared");
    commit(&store, claims(1, vec![claim(1, 0, -1), claim(1, 1, -1)])).await;
    let event = |node: u32, asset: &str| NewAssetEvent {
        source: AssetSource::Task {
            dag_id: dag_id("dag"),
            run: run_key(1),
            run_id: run_id("run-1"),
            task_id: task_id(node),
            map_index: NONE,
        },
        ..told(OWN, asset, 5)
    };
    let ended = vec![success(token(1, 0, -1, 1, 1), &[])];
    let asset_events = vec![event(0, "a"), event(0, "new")];
    commit(&store, RunCommit { ended, asset_events, ..RunCommit::default() }).await;
    assert_eq!(waiting(&store, OWN, "dag").await.len(), 1);

    let stale = vec![ended_twice()];
    let refused =
        store.commit(RunCommit { ended: stale, asset_events: vec![event(0, "a")], ..RunCommit::default() }).await;
    assert!(refused.is_err(), "{refused:?}");
    store.asset_event_insert(&told(OWN, "a", 6)).await.expect("inserted");

    let list = async |scope, filter: AssetEventFilter, page| {
        let page = store.asset_event_list(scope, &filter, page).await.expect("read");
        let seconds = |row: &crate::AssetEventRow| (row.name.to_string(), row.at.as_second() - at(0).as_second());
        (page.rows.iter().map(seconds).collect::<Vec<_>>(), page.total)
    };
    let all = AssetEventFilter::default();
    let (a5, new5, a6) = (("a".to_owned(), 5), ("new".to_owned(), 5), ("a".to_owned(), 6));
    let events = list(OWN, all.clone(), ALL).await;
    assert_eq!(events.1, 3);
    assert!(events.0[..2].contains(&a5) && events.0[..2].contains(&new5) && events.0[2] == a6, "{events:?}");
    let of_a = AssetEventFilter { asset: Some(id(&store, "a").await), descending: true, ..all.clone() };
    assert_eq!(list(OWN, of_a, ALL).await, (vec![a6.clone(), a5], 2));
    let of_dag = AssetEventFilter { source_dag: Some(dag_id("dag")), ..all.clone() };
    assert_eq!(list(OWN, of_dag.clone(), ALL).await.1, 2);
    let late = AssetEventFilter { at: (Some(at(6)), Some(at(7))), ..all.clone() };
    assert_eq!(list(OWN, late, ALL).await, (vec![a6.clone()], 1));
    assert_eq!(list(OWN, all.clone(), PageRequest { limit: 1, offset: 2 }).await, (vec![a6], 3));
    assert_eq!(list(OTHER, all, ALL).await.1, 0);

    let rows = store.asset_event_list(OWN, &of_dag, ALL).await.expect("read").rows;
    assert!(rows.iter().all(|row| row.source == event(0, "a").source), "{rows:?}");
    assert!(rows.iter().all(|row| row.extra.as_ref() == r#"{"rows":1}"#));
    assert!(store.dag_fetch(OWN, &dag_id("dag")).await.expect("read").is_some());
}

/// The end of an execution that has ended.
fn ended_twice() -> crate::Ended {
    ended(token(1, 0, -1, 1, 1), TaskState::Failed)
}
