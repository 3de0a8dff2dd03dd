//! Backfills: one of a DAG at a time, dates that are begun once, states that follow each other.

use model::{BackfillId, BackfillState, Reprocess, RunState, SliceState, TenantScope, VersionKey};

use super::fixture::*;
use super::{Database, Stores};
use crate::{BackfillStore, BegunSlice, NewBackfill, NewSlice, PageRequest, RunCommit, RunStateChange, StoreError};

const ALL: PageRequest = PageRequest { limit: 100, offset: 0 };

fn slice(day: i64) -> NewSlice {
    NewSlice { logical_date: at(day * 100), data_interval: (at(day * 100), at(day * 100 + 100)), run_after: at(day) }
}

fn new_backfill(dag: &str, version: Option<VersionKey>) -> NewBackfill {
    NewBackfill {
        dag_id: dag_id(dag),
        from: at(0),
        to: at(300),
        is_backwards: true,
        reprocess: Reprocess::Failed,
        max_active_runs: 2,
        version,
        conf: r#"{"a":1}"#.into(),
        params: version.map(|_| "{}".into()),
        created_by: "anna".to_owned(),
        created_at: at(1),
        slices: vec![slice(3), slice(2), slice(1)],
    }
}

async fn ordinals(store: &impl Stores, id: BackfillId, state: SliceState, limit: u32) -> Vec<u32> {
    let slices = store.slices_in(OWN, id, state, limit).await.expect("read");
    slices.into_iter().map(|slice| slice.ordinal).collect()
}

pub(super) async fn every_field_of_a_backfill_comes_back(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    for new in [new_backfill("dag", Some(version)), new_backfill("other", None)] {
        let id = store.backfill_insert(OWN, &new).await.expect("made");
        let row = store.backfill_fetch(OWN, id).await.expect("read").expect("found");
        assert_eq!((row.id, &row.dag_id, row.state), (id, &new.dag_id, BackfillState::Running));
        assert_eq!((row.from, row.to, row.is_backwards), (new.from, new.to, true));
        assert_eq!((row.reprocess, row.max_active_runs, row.version), (Reprocess::Failed, 2, new.version));
        assert_eq!((&row.conf, &row.params, &row.created_by), (&new.conf, &new.params, &new.created_by));
        assert_eq!((row.created_at, row.updated_at, row.ended_at), (at(1), at(1), None));
        let slices = store.slice_list(OWN, id, ALL).await.expect("read");
        assert_eq!(slices.rows.iter().map(|row| row.slice).collect::<Vec<_>>(), new.slices);
        assert!(slices.rows.iter().all(|row| row.state == SliceState::Waiting && row.begun.is_none()));
        let page = store.slice_list(OWN, id, PageRequest { limit: 1, offset: 1 }).await.expect("read");
        assert_eq!((page.rows.len(), page.rows[0].ordinal, page.total), (1, 1, 3));
        assert!(store.backfill_fetch(OTHER, id).await.expect("read").is_none());
        assert_eq!(store.slice_list(OTHER, id, ALL).await.expect("read").rows, []);
    }
    let list = async |scope: TenantScope, dag: Option<&str>| {
        let page = store.backfill_list(scope, dag.map(dag_id).as_ref(), ALL).await.expect("read");
        page.rows.into_iter().map(|row| row.dag_id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(OWN, None).await, ["other", "dag"]);
    assert_eq!(list(OWN, Some("dag")).await, ["dag"]);
    assert_eq!(list(OTHER, None).await, [] as [&str; 0]);
    let nobody = BackfillId::from_number(999);
    assert!(store.backfill_fetch(OWN, nobody).await.expect("read").is_none());
}

pub(super) async fn a_dag_has_one_backfill_that_has_not_ended(database: &impl Database) {
    let store = database.open().await;
    let insert = async |scope, dag: &str| store.backfill_insert(scope, &new_backfill(dag, None)).await;
    let first = insert(OWN, "dag").await.expect("made");
    for (scope, dag) in [(OWN, "other"), (OTHER, "dag")] {
        insert(scope, dag).await.expect("made");
    }
    let refused = insert(OWN, "dag").await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(store.slice_list(OWN, BackfillId::from_number(first.number() + 9), ALL).await.expect("read").total, 0);

    let move_to = async |to, now: i64| store.backfill_move(OWN, first, to, at(now)).await.expect("written");
    assert!(!move_to(BackfillState::Running, 2).await);
    assert!(move_to(BackfillState::Paused, 3).await);
    assert!(!store.backfill_move(OTHER, first, BackfillState::Cancelled, at(3)).await.expect("nothing"));
    assert!(!move_to(BackfillState::Completed, 4).await, "a paused one does not complete");
    assert!(insert(OWN, "dag").await.is_err());
    let dags = async |state| {
        let rows = store.backfills_in(OWN, state).await.expect("read");
        rows.into_iter().map(|row| row.dag_id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        (dags(BackfillState::Running).await, dags(BackfillState::Paused).await.len()),
        (vec!["other".to_owned()], 1)
    );
    assert!(move_to(BackfillState::Running, 5).await);
    assert_eq!(dags(BackfillState::Running).await, ["dag", "other"]);
    assert!(move_to(BackfillState::Cancelled, 6).await);
    assert!(!move_to(BackfillState::Running, 7).await);
    let row = store.backfill_fetch(OWN, first).await.expect("read").expect("found");
    assert_eq!((row.state, row.updated_at, row.ended_at), (BackfillState::Cancelled, at(6), Some(at(6))));
    insert(OWN, "dag").await.expect("the one before has ended");
}

pub(super) async fn a_date_is_begun_once_and_ends_once(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let id = store.backfill_insert(OWN, &new_backfill("dag", Some(version))).await.expect("made");
    let begun = |run, clears_before| BegunSlice { run: run_key(run), clears_before, now: None };
    let begin = async |ordinal, what| store.slice_begin(OWN, id, ordinal, what).await.expect("written");
    assert_eq!(ordinals(&store, id, SliceState::Waiting, 2).await, [0, 1]);
    assert!(begin(1, begun(1, None)).await);
    assert!(!begin(1, begun(2, None)).await, "it was begun");
    assert!(!begin(7, begun(2, None)).await, "there is no such date");
    assert!(!store.slice_begin(OTHER, id, 0, begun(2, None)).await.expect("nothing"));
    assert!(begin(2, begun(3, Some(4))).await);
    assert_eq!(ordinals(&store, id, SliceState::Waiting, 9).await, [0]);

    commit(&store, started(new_run(OWN, "dag", version, 1, 1))).await;
    let end = RunStateChange { scope: OWN, run: run_key(1), to: RunState::Failed, reason: None, at: at(5) };
    commit(&store, RunCommit { run_states: vec![end], ..RunCommit::default() }).await;
    let slices = store.slices_in(OWN, id, SliceState::Begun, 9).await.expect("read");
    let now: Vec<_> = slices.iter().map(|slice| slice.begun.expect("begun")).collect();
    assert_eq!(now, [BegunSlice { now: Some((RunState::Failed, 0)), ..begun(1, None) }, begun(3, Some(4))]);
    commit(&store, reopened(1)).await;
    let slices = store.slice_list(OWN, id, ALL).await.expect("read").rows;
    assert_eq!(slices[1].begun.and_then(|begun| begun.now), Some((RunState::Running, 1)));

    let end = async |ordinal, to| store.slice_end(OWN, id, ordinal, to).await.expect("written");
    assert!(!store.slice_end(OTHER, id, 1, SliceState::Ended).await.expect("nothing"));
    assert!(end(1, SliceState::Ended).await);
    assert!(!end(1, SliceState::Left).await, "it has ended");
    assert!(end(0, SliceState::Left).await);
    assert_eq!(ordinals(&store, id, SliceState::Ended, 9).await, [1]);
    assert_eq!(ordinals(&store, id, SliceState::Left, 9).await, [0]);

    store.backfill_move(OWN, id, BackfillState::Cancelled, at(9)).await.expect("written");
    let id = store.backfill_insert(OWN, &new_backfill("dag", None)).await.expect("made");
    store.backfill_move(OWN, id, BackfillState::Paused, at(9)).await.expect("written");
    assert!(!store.slice_begin(OWN, id, 0, begun(9, None)).await.expect("nothing"), "a paused one begins nothing");
}
