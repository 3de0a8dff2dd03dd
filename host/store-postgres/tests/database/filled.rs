//! Stores with something in them.

use std::sync::Arc;

use jiff::Timestamp;
use model::{
    AttemptToken, BundleName, BundleVersionKey, DagId, Digest, Fence, InstanceKey, MapIndex, NodeIdx, RunId, RunKey,
    RunState, RunType, TaskId, TaskState, TenantId, TenantScope, TryNumber, VersionKey, WorkerId,
};
use sqlx::{Connection, PgConnection};
use store::{
    Catalog, InstanceClaim, NewBundleVersion, NewDagVersion, NewInstances, NewNode, NewRun, RunCommit, RunStore,
    StoreError,
};
use store_postgres::PostgresStore;
use uuid::Uuid;

pub(crate) const OWN: TenantScope = TenantScope::assume(TenantId::DEFAULT);
pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const VERSION: VersionKey = VersionKey::from_uuid(Uuid::from_u128(2));

pub(crate) async fn open(url: &str) -> Result<PostgresStore, StoreError> {
    PostgresStore::open(url, Arc::new(clock::Real)).await
}

/// A connection that knows nothing of the store.
pub(crate) async fn raw(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

/// Registers the DAG of the runs.
pub(crate) async fn register(store: &PostgresStore) {
    let dag = NewDagVersion {
        key: VERSION,
        dag_id: DagId::new("dag").unwrap(),
        digest: Digest::of(b"dag"),
        document: "{}".into(),
        label: None,
    };
    let bundle = NewBundleVersion {
        key: BundleVersionKey::from_uuid(Uuid::from_u128(1)),
        name: BundleName::new("bundle").unwrap(),
        component: Digest::of(b"component"),
        size_bytes: 1,
        dags: vec![dag],
        created_at: NOW,
    };
    store.bundle_register(OWN, bundle).await.unwrap();
}

pub(crate) fn run_key(number: u128) -> RunKey {
    RunKey::from_uuid(Uuid::from_u128(number))
}

/// A commit that makes a run of so many scheduled instances of one mapped task, the first of which runs.
pub(crate) fn new_run(number: u128, instances: u32) -> RunCommit {
    let run = NewRun {
        scope: OWN,
        key: run_key(number),
        dag_id: DagId::new("dag").unwrap(),
        run_id: RunId::new(format!("run-{number}")).unwrap(),
        version: VERSION,
        run_type: RunType::Manual,
        state: RunState::Running,
        conf: "{}".into(),
        params: "{}".into(),
        note: None,
        triggered_by: "test".to_owned(),
        logical_date: None,
        data_interval: None,
        run_after: NOW,
        queued_at: NOW,
        is_latest: true,
        variables: "{}".into(),
        parent: None,
        backfill: None,
        idempotency: None,
        log: None,
        started_at: Some(NOW),
        nodes: vec![NewNode { node: NodeIdx(0), task_id: TaskId::new("task").unwrap(), map_length: Some(instances) }],
    };
    let rows = NewInstances {
        scope: OWN,
        run: run.key,
        node: NodeIdx(0),
        first: MapIndex::at(0),
        count: instances,
        state: TaskState::Scheduled,
        try_number: TryNumber(1),
        max_tries: 1,
        retry_at: None,
        reason: None,
        at: NOW,
    };
    let token = running(number);
    let worker = WorkerId::from_uuid(Uuid::from_u128(4));
    RunCommit {
        runs: vec![run],
        instances: vec![rows],
        claims: vec![InstanceClaim { scope: OWN, instance: token.instance, worker, at: NOW }],
        fence: Some(token.fence),
        ..RunCommit::default()
    }
}

/// The attempt of a new run's first instance.
pub(crate) fn running(number: u128) -> AttemptToken {
    let instance = InstanceKey { run: run_key(number), node: NodeIdx(0), map_index: MapIndex::at(0) };
    AttemptToken { instance, try_number: TryNumber(1), fence: Fence::new(1, 1) }
}

/// Run 1, one instance of which runs.
pub(crate) async fn fill(store: &PostgresStore) {
    register(store).await;
    store.commit(new_run(1, 2)).await.unwrap();
}
