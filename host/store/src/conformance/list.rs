//! Lists: filters, order and pages.

use model::limits::http::TOTAL_ENTRIES_MAX;
use model::{MapIndex, RunState, RunType, TaskState};

use super::fixture::*;
use super::{Database, Stores};
use crate::{InstanceFilter, NewRun, PageRequest, RunCommit, RunFilter, RunOrder, RunStateChange};

const ALL: PageRequest = PageRequest { limit: 100, offset: 0 };

async fn runs(store: &impl Stores, filter: RunFilter, expect: &[&str]) {
    let found = store.run_list(OWN, &filter, ALL).await.expect("read");
    let ids: Vec<_> = found.rows.iter().map(|it| it.run_id.as_str()).collect();
    assert_eq!(ids, expect, "{filter:?}");
    for offset in 0..expect.len() as u32 + 1 {
        let page = PageRequest { limit: 2, offset };
        let found = store.run_list(OWN, &filter, page).await.expect("read");
        let ids: Vec<_> = found.rows.iter().map(|it| it.run_id.as_str()).collect();
        let rest = &expect[offset as usize..];
        assert_eq!(ids, &rest[..rest.len().min(2)], "{filter:?} {page:?}");
        assert_eq!(found.total, expect.len() as u64, "{filter:?} {page:?}");
    }
}

pub(super) async fn runs_are_filtered_and_ordered(database: &impl Database) {
    let store = database.open().await;
    let (a, b) = (version(&store, OWN, "a").await, version(&store, OWN, "b").await);
    let run = |number, dag, version, id: &str, seconds, run_type, state| NewRun {
        run_id: run_id(id),
        run_after: at(seconds),
        run_type,
        state,
        started_at: (state == Running).then_some(at(100 - seconds)),
        logical_date: (number != 2).then_some(at(number as i64)),
        ..new_run(OWN, dag, version, number, 1)
    };
    use RunState::{Queued, Running};
    use RunType::{Backfill, Manual, Scheduled};
    let made = vec![
        run(1, "a", a, "m_1", 40, Manual, Running),
        run(2, "a", a, "s_2", 30, Scheduled, Running),
        run(3, "b", b, "m_3", 20, Manual, Running),
        run(4, "a", a, "b_4", 10, Backfill, Queued),
    ];
    commit(&store, RunCommit { runs: made, ..RunCommit::default() }).await;
    let to =
        |number, to, seconds| RunStateChange { scope: OWN, run: run_key(number), to, reason: None, at: at(seconds) };
    let run_states = vec![to(1, RunState::Success, 200), to(3, RunState::Failed, 150)];
    commit(&store, RunCommit { run_states, ..RunCommit::default() }).await;

    let all = RunFilter::default;
    let of_a = || RunFilter { dag_id: Some(dag_id("a")), ..RunFilter::default() };
    runs(&store, all(), &["m_1", "s_2", "m_3", "b_4"]).await;
    runs(&store, RunFilter { descending: true, ..all() }, &["b_4", "m_3", "s_2", "m_1"]).await;
    runs(&store, of_a(), &["m_1", "s_2", "b_4"]).await;
    runs(&store, RunFilter { descending: true, ..of_a() }, &["b_4", "s_2", "m_1"]).await;
    let some_dags = vec![dag_id("b"), dag_id("c")];
    runs(&store, RunFilter { dag_ids: some_dags, ..all() }, &["m_3"]).await;
    runs(&store, RunFilter { states: vec![Queued, Running], ..all() }, &["s_2", "b_4"]).await;
    runs(&store, RunFilter { states: vec![Queued], ..all() }, &["b_4"]).await;
    runs(&store, RunFilter { states: vec![RunState::Failed], ..all() }, &["m_3"]).await;
    runs(&store, RunFilter { states: vec![RunState::Success, Running], ..of_a() }, &["m_1", "s_2"]).await;
    runs(&store, RunFilter { run_types: vec![Manual, Backfill], ..all() }, &["m_1", "m_3", "b_4"]).await;
    runs(&store, RunFilter { run_id_pattern: Some("m\\_%".into()), ..all() }, &["m_1", "m_3"]).await;
    runs(&store, RunFilter { version_number: Some(1), ..of_a() }, &["m_1", "s_2", "b_4"]).await;
    runs(&store, RunFilter { version_number: Some(1), ..all() }, &["m_1", "s_2", "m_3", "b_4"]).await;
    runs(&store, RunFilter { version_number: Some(2), ..all() }, &[]).await;
    runs(&store, RunFilter { run_after: (Some(at(20)), Some(at(30))), ..all() }, &["s_2", "m_3"]).await;
    runs(&store, RunFilter { started_at: (Some(at(61)), None), ..all() }, &["s_2", "m_3"]).await;
    runs(&store, RunFilter { ended_at: (None, Some(at(150))), ..all() }, &["m_3"]).await;
    runs(&store, RunFilter { logical_date: (None, Some(at(3))), ..all() }, &["m_1", "m_3"]).await;
    let by = |order, descending| RunFilter { order, descending, ..RunFilter::default() };
    runs(&store, by(RunOrder::RunAfter, false), &["b_4", "m_3", "s_2", "m_1"]).await;
    runs(&store, by(RunOrder::RunAfter, true), &["m_1", "s_2", "m_3", "b_4"]).await;
    let of_a_by_run_after = RunFilter { order: RunOrder::RunAfter, ..of_a() };
    runs(&store, of_a_by_run_after, &["b_4", "s_2", "m_1"]).await;
    // What has no such time comes last in both directions.
    runs(&store, by(RunOrder::StartedAt, false), &["m_1", "s_2", "m_3", "b_4"]).await;
    runs(&store, by(RunOrder::StartedAt, true), &["m_3", "s_2", "m_1", "b_4"]).await;
    runs(&store, by(RunOrder::EndedAt, true), &["m_1", "m_3", "b_4", "s_2"]).await;
    runs(&store, by(RunOrder::LogicalDate, false), &["m_1", "m_3", "b_4", "s_2"]).await;
    runs(&store, by(RunOrder::RunId, false), &["b_4", "m_1", "m_3", "s_2"]).await;
    runs(&store, by(RunOrder::State, false), &["m_3", "b_4", "s_2", "m_1"]).await;
}

pub(super) async fn patterns_match_names(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "a").await;
    let names = ["run_1", "runx1", "RUN_2", "manual__2026-01-01T00:00:00+00:00"];
    for (number, name) in (1..).zip(names) {
        let runs = vec![NewRun { run_id: run_id(name), ..new_run(OWN, "a", version, number, 0) }];
        commit(&store, RunCommit { runs, ..RunCommit::default() }).await;
    }
    let check = async |pattern: &str, expect: &[&str]| {
        runs(&store, RunFilter { run_id_pattern: Some(pattern.to_owned()), ..RunFilter::default() }, expect).await;
    };
    check("%", &names).await;
    check("run_1", &["run_1", "runx1"]).await;
    check(r"run\_%", &["run_1", "RUN_2"]).await;
    check("%00:00", &["manual__2026-01-01T00:00:00+00:00"]).await;
    check("'; --", &[]).await;
    check("", &[]).await;
}

async fn found(store: &impl Stores, filter: InstanceFilter, expect: &[(u128, u32, i32)]) {
    let keys = |rows: &[crate::InstanceRow]| -> Vec<_> { rows.iter().map(|it| it.key).collect() };
    let expect: Vec<_> = expect.iter().map(|&(run, node, index)| instance(run, node, index)).collect();
    let all = store.instance_list(OWN, &filter, ALL).await.expect("read");
    assert_eq!(keys(&all.rows), expect, "{filter:?}");
    for offset in 0..=expect.len() {
        let page = PageRequest { limit: 3, offset: offset as u32 };
        let part = store.instance_list(OWN, &filter, page).await.expect("read");
        assert_eq!(keys(&part.rows), expect[offset..expect.len().min(offset + 3)], "{filter:?} {page:?}");
        assert_eq!(part.total, expect.len() as u64, "{filter:?} {page:?}");
    }
}

pub(super) async fn instances_are_filtered_and_paged(database: &impl Database) {
    let store = database.open().await;
    let (a, b) = (version(&store, OWN, "a").await, version(&store, OWN, "b").await);
    for (number, dag, version) in [(1, "a", a), (2, "b", b)] {
        let rows =
            vec![instances(number, 0, -1, 1, TaskState::Success), instances(number, 1, 0, 3, TaskState::Scheduled)];
        let runs = vec![new_run(OWN, dag, version, number, 2)];
        commit(&store, RunCommit { runs, instances: rows, ..RunCommit::default() }).await;
    }
    commit(&store, claims(1, vec![claim(2, 1, 1)])).await;

    let all = InstanceFilter::default;
    let everything = [(1, 0, -1), (1, 1, 0), (1, 1, 1), (1, 1, 2), (2, 0, -1), (2, 1, 0), (2, 1, 1), (2, 1, 2)];
    found(&store, all(), &everything).await;
    let mut backwards = everything;
    backwards.reverse();
    found(&store, InstanceFilter { descending: true, ..all() }, &backwards).await;
    found(&store, InstanceFilter { dag_id: Some(dag_id("b")), ..all() }, &everything[4..]).await;
    found(&store, InstanceFilter { run: Some(run_key(1)), ..all() }, &everything[..4]).await;
    found(&store, InstanceFilter { run: Some(run_key(1)), dag_id: Some(dag_id("b")), ..all() }, &[]).await;
    found(&store, InstanceFilter { task_ids: vec![task_id(0)], ..all() }, &[(1, 0, -1), (2, 0, -1)]).await;
    found(&store, InstanceFilter { states: vec![TaskState::Running], ..all() }, &[(2, 1, 1)]).await;
    let states = vec![TaskState::Running, TaskState::Success];
    found(&store, InstanceFilter { states, ..all() }, &[(1, 0, -1), (2, 0, -1), (2, 1, 1)]).await;
    let map_indexes = vec![MapIndex::at(2), MapIndex::NONE];
    found(&store, InstanceFilter { map_indexes, ..all() }, &[(1, 0, -1), (1, 1, 2), (2, 0, -1), (2, 1, 2)]).await;
    found(&store, InstanceFilter { mapped: Some(false), ..all() }, &[(1, 0, -1), (2, 0, -1)]).await;
    let mapped = InstanceFilter { mapped: Some(true), run: Some(run_key(2)), ..all() };
    found(&store, mapped, &[(2, 1, 0), (2, 1, 1), (2, 1, 2)]).await;
}

pub(super) async fn totals_are_counted_up_to_a_limit(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "a").await;
    let longest = u32::try_from(TOTAL_ENTRIES_MAX).expect("a small number");
    for (number, count) in [(1, longest - 1), (2, longest), (3, longest + 1)] {
        let rows = vec![instances(number, 0, 0, count, TaskState::Scheduled)];
        let runs = vec![new_run(OWN, "a", version, number, 1)];
        commit(&store, RunCommit { runs, instances: rows, ..RunCommit::default() }).await;
        let filter = InstanceFilter { run: Some(run_key(number)), ..InstanceFilter::default() };
        let total = u64::from(count).min(TOTAL_ENTRIES_MAX);
        total_of(&store, &filter, PageRequest { limit: 2, offset: 0 }, (2, total)).await;
        total_of(&store, &filter, PageRequest { limit: 10, offset: count - 5 }, (5, total)).await;
    }
}

async fn total_of(store: &impl Stores, filter: &InstanceFilter, page: PageRequest, expect: (usize, u64)) {
    let found = store.instance_list(OWN, filter, page).await.expect("read");
    assert_eq!((found.rows.len(), found.total), expect, "{page:?}");
}
