//! A tenant reaches its own rows only.

use model::{NodeIdx, TaskState, TryNumber};

use super::fixture::*;
use super::{Database, Stores};
use crate::{
    AttemptRow, Catalog, DagFilter, Expansion, InstanceClaim, InstanceFilter, NewInstances, PageRequest, PageSize,
    RETURN_VALUE, Reopened, Reset, RunCommit, RunFilter, RunReader, RunStateChange, RunStore, StateStore, StoreError,
    Transition, ValueStore,
};

const ALL: PageRequest = PageRequest { limit: 100, offset: 0 };

/// Run 1 of the own tenant: one instance has ended and left a value, one runs and has state.
async fn own_rows(store: &impl Stores) {
    one_run(store, 2).await;
    commit(store, claims(1, vec![claim(1, 0, -1), claim(1, 1, -1)])).await;
    let end = success(token(1, 0, -1, 1, 1), &[(RETURN_VALUE, "1")]);
    commit(store, RunCommit { ended: vec![end], ..RunCommit::default() }).await;
    store.state_put(OWN, token(1, 1, -1, 1, 1), &key("k"), "1", None, at(5)).await.expect("put");
}

pub(super) async fn nothing_of_another_tenant_is_read(database: &impl Database) {
    let store = database.open().await;
    own_rows(&store).await;
    let version = snapshot(&store, 1).await.run.version;
    let (run, node, name, result) = (run_key(1), NodeIdx(0), dag_id("dag"), key(RETURN_VALUE));

    assert_eq!(store.bundle_list(OTHER, ALL).await.expect("read").total, 0);
    assert!(store.dag_fetch(OTHER, &name).await.expect("read").is_none());
    let filter = DagFilter { include_stale: true, ..DagFilter::default() };
    assert_eq!(store.dag_list(OTHER, &filter, ALL).await.expect("read").rows, []);
    let tagged = DagFilter { tags: vec!["all".to_owned()], ..filter };
    assert_eq!(store.dag_list(OTHER, &tagged, ALL).await.expect("read").rows, []);
    assert!(store.dag_version_fetch(OTHER, version).await.expect("read").is_none());
    assert!(store.dag_version_find(OTHER, &name, 1).await.expect("read").is_none());
    assert_eq!(store.dag_version_list(OTHER, &name, ALL).await.expect("read").rows, []);

    assert!(store.run_fetch(OTHER, &name, &run_id("run-1")).await.expect("read").is_none());
    assert_eq!(store.run_list(OTHER, &RunFilter::default(), ALL).await.expect("read").rows, []);
    assert_eq!(store.node_list(OTHER, run).await.expect("read"), []);
    assert_eq!(store.instance_list(OTHER, &InstanceFilter::default(), ALL).await.expect("read").rows, []);
    let of_run = InstanceFilter { run: Some(run), ..InstanceFilter::default() };
    assert_eq!(store.instance_list(OTHER, &of_run, ALL).await.expect("read").rows, []);
    assert_eq!(store.instance_counts(OTHER, run).await.expect("read"), []);
    assert_eq!(store.attempt_list(OTHER, instance(1, 0, -1)).await.expect("read"), [] as [AttemptRow; 0]);
    assert!(store.run_snapshot(OTHER, run).await.expect("read").is_none());
    assert_eq!(store.runs_unfinished(OTHER, None, 9).await.expect("read"), []);

    assert!(store.xcom_fetch(OTHER, run, node, NONE, &result).await.expect("read").is_none());
    assert_eq!(store.xcom_list(OTHER, run, node, NONE).await.expect("read"), []);
    assert_eq!(store.xcom_count(OTHER, run, node, &result).await.expect("read"), 0);
    assert_eq!(store.xcom_indexes(OTHER, run, node, &result, NONE, 9).await.expect("read"), []);
    let size = PageSize { values: 9, bytes: 9 };
    assert_eq!(store.xcom_page(OTHER, run, node, &result, NONE, size).await.expect("read"), []);
    assert_eq!(store.map_length(OTHER, run, node).await.expect("read"), None);
    let token = token(1, 1, -1, 1, 1);
    assert_eq!(store.state_fetch(OTHER, token, &key("k"), at(5)).await.expect("read"), None);
    assert_eq!(store.state_keys(OTHER, token, "", at(5)).await.expect("read"), [] as [String; 0]);
}

pub(super) async fn nothing_of_another_tenant_is_written(database: &impl Database) {
    let store = database.open().await;
    own_rows(&store).await;
    let before = format!("{:?}", snapshot(&store, 1).await);
    let running = token(1, 1, -1, 1, 1);
    let scope = OTHER;
    let (run, node) = (run_key(1), NodeIdx(1));

    let refused = store.state_put(scope, running, &key("k"), "2", None, at(5)).await;
    assert!(matches!(refused, Err(StoreError::StaleFence)), "{refused:?}");
    let refused = store.state_delete(scope, running, &key("k")).await;
    assert!(matches!(refused, Err(StoreError::StaleFence)), "{refused:?}");
    let end = crate::Ended { scope, ..ended(running, TaskState::Success) };
    let claimed = InstanceClaim { scope, ..claim(1, 1, -1) };
    let moved = Transition { scope, ..transition(1, 0, (-1, -1), TaskState::Scheduled, None) };
    let reset = Reset { scope, run, node, first: NONE, last: NONE, keeps_state: false };
    let refused = [
        RunCommit {
            reopened: vec![Reopened { scope, run, version: None, tasks: None, at: at(5) }],
            ..RunCommit::default()
        },
        RunCommit { resets: vec![reset], ..RunCommit::default() },
        RunCommit { ended: vec![end], ..RunCommit::default() },
        claims(9, vec![claimed]),
        RunCommit { transitions: vec![moved], ..RunCommit::default() },
        RunCommit { expansions: vec![Expansion { scope, run, node, length: 0 }], ..RunCommit::default() },
        RunCommit {
            run_states: vec![RunStateChange { scope, run, to: model::RunState::Failed, reason: None, at: at(5) }],
            ..RunCommit::default()
        },
    ];
    for commit in refused {
        assert!(store.commit(commit.clone()).await.is_err(), "{commit:?}");
    }
    // A row of the other tenant with the same key is another row.
    let rows = NewInstances { scope, try_number: TryNumber(1), ..instances(1, 1, -1, 1, TaskState::Scheduled) };
    commit(&store, RunCommit { instances: vec![rows], ..RunCommit::default() }).await;
    assert_eq!(format!("{:?}", snapshot(&store, 1).await), before);
    assert_eq!(store.state_fetch(OWN, running, &key("k"), at(5)).await.expect("read").as_deref(), Some("1"));
    let first = store.bundle_register(scope, bundle("bundle_dag", &[("dag", "v1")], 0)).await.expect("registered");
    assert!(first.created);
    assert_eq!(store.dag_list(OWN, &DagFilter::default(), ALL).await.expect("read").total, 1);
}
