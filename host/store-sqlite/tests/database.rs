//! What holds of the database file itself: its schema, its journal, and rows that something else wrote.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use model::{
    AttemptToken, BundleName, BundleVersionKey, DagId, Digest, Fence, InstanceKey, Key, MapIndex, NodeIdx, RunId,
    RunKey, RunState, RunType, TaskId, TaskState, TenantId, TenantScope, TryNumber, VersionKey, WorkerId,
};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, SqliteConnection};
use store::{
    Catalog, InstanceClaim, NewBundleVersion, NewDagVersion, NewInstances, NewNode, NewRun, RunCommit, RunReader,
    RunStore, StateStore, StoreError,
};
use store_sqlite::SqliteStore;
use uuid::Uuid;

const OWN: TenantScope = TenantScope::assume(TenantId::DEFAULT);
const RUN: RunKey = RunKey::from_uuid(Uuid::from_u128(3));
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

async fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, Arc::new(clock::Real)).await
}

async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

/// One run with one running instance.
async fn fill(store: &SqliteStore) -> AttemptToken {
    let version = VersionKey::from_uuid(Uuid::from_u128(2));
    let dag_id = DagId::new("dag").unwrap();
    let dag = NewDagVersion {
        key: version,
        dag_id: dag_id.clone(),
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
    let run = NewRun {
        scope: OWN,
        key: RUN,
        dag_id,
        run_id: RunId::new("run").unwrap(),
        version,
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
        nodes: vec![NewNode { node: NodeIdx(0), task_id: TaskId::new("task").unwrap(), map_length: None }],
    };
    let row = NewInstances {
        scope: OWN,
        run: RUN,
        node: NodeIdx(0),
        first: MapIndex::NONE,
        count: 1,
        state: TaskState::Scheduled,
        try_number: TryNumber(1),
        max_tries: 1,
        retry_at: None,
        reason: None,
        at: NOW,
    };
    let instance = InstanceKey { run: RUN, node: NodeIdx(0), map_index: MapIndex::NONE };
    let worker = WorkerId::from_uuid(Uuid::from_u128(4));
    let fence = Fence::new(1, 1);
    let commit = RunCommit {
        runs: vec![run],
        instances: vec![row],
        claims: vec![InstanceClaim { scope: OWN, instance, worker, at: NOW }],
        fence: Some(fence),
        ..RunCommit::default()
    };
    store.commit(commit).await.unwrap();
    AttemptToken { instance, try_number: TryNumber(1), fence }
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waft.db");
    drop(open(&path).await.unwrap());
    raw(&path).await.execute("PRAGMA user_version = 99").await.unwrap();
    match open(&path).await {
        Err(StoreError::NewerSchema { found: 99, known }) => assert!(known < 99),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn two_programs_that_start_at_once_migrate_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waft.db");
    let (one, other) = tokio::join!(open(&path), open(&path));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((one.epoch_advance().await.unwrap(), other.epoch_advance().await.unwrap()), (1, 2));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waft.db");
    std::fs::write(&path, "a text that is long enough to be no header of a database. ".repeat(100)).unwrap();
    assert!(matches!(open(&path).await, Err(StoreError::Unavailable { .. })));
    let nowhere = open(&folder.path().join("missing").join("waft.db")).await;
    assert!(matches!(nowhere, Err(StoreError::Unavailable { .. })), "{nowhere:?}");
}

#[tokio::test]
async fn versions_and_attempts_do_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waft.db");
    let store = open(&path).await.unwrap();
    fill(&store).await;
    let mut conn = raw(&path).await;
    for (sql, why) in [
        ("UPDATE dag_version SET label = 'other'", "never change"),
        ("UPDATE bundle_version SET name = 'other'", "never change"),
        // The run and the DAG refer to the one, and it refers to the other.
        ("DELETE FROM dag_version", "foreign key"),
        ("DELETE FROM bundle_version", "foreign key"),
    ] {
        let error = conn.execute(sql).await.unwrap_err().to_string().to_lowercase();
        assert!(error.contains(why), "{sql}: {error}");
    }
}

#[tokio::test]
async fn rows_that_fit_no_type_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waft.db");
    let store = open(&path).await.unwrap();
    fill(&store).await;
    let mut conn = raw(&path).await;
    for (table, column, wrong) in [
        ("task_instance", "state", "'dancing'"),
        ("task_instance", "try_number", "-1"),
        ("task_instance", "suspect", "7"),
        ("task_instance", "started_at", "9223372036854775807"),
        ("task_node", "task_id", "'no task!'"),
        ("task_node", "map_length", "4294967296"),
        ("dag_run", "run_type", "''"),
        ("dag_run", "interval_to", "1"),
    ] {
        conn.execute(AssertSqlSafe(format!("CREATE TABLE kept AS SELECT * FROM {table}"))).await.unwrap();
        conn.execute(AssertSqlSafe(format!("UPDATE {table} SET {column} = {wrong}"))).await.unwrap();
        match store.run_snapshot(OWN, RUN).await {
            Err(StoreError::CorruptRow { table: found, detail }) => {
                assert_eq!(found, table);
                assert!(detail.contains(column), "{detail}");
            }
            other => panic!("{table}.{column}: {other:?}"),
        }
        conn.execute(AssertSqlSafe(format!("UPDATE {table} SET {column} = (SELECT {column} FROM kept)")))
            .await
            .unwrap();
        conn.execute("DROP TABLE kept").await.unwrap();
        assert!(store.run_snapshot(OWN, RUN).await.unwrap().is_some());
    }
    assert_eq!(store.node_list(OWN, RUN).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_stays_bounded_while_the_writer_never_rests() {
    const LOG_MAX_BYTES: u64 = 64 << 20;
    const WRITERS: u64 = 8;
    const VALUES: u64 = 400;
    const VALUE_BYTES: u64 = 60 << 10;
    const { assert!(WRITERS * VALUES * VALUE_BYTES > 2 * LOG_MAX_BYTES, "more is written than the journal may hold") };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waft.db");
    let store = open(&path).await.unwrap();
    let token = fill(&store).await;
    let value = "x".repeat(usize::try_from(VALUE_BYTES).unwrap());
    let journal = folder.path().join("waft.db-wal");
    let writers = (0..WRITERS).map(async |number| {
        let key = Key::new(format!("k{number}")).unwrap();
        for _ in 0..VALUES {
            store.state_put(OWN, token, &key, &value, None, NOW).await.unwrap();
            let bytes = std::fs::metadata(&journal).unwrap().len();
            assert!(bytes < LOG_MAX_BYTES + LOG_MAX_BYTES / 2, "the journal has {bytes} bytes");
        }
    });
    futures::future::join_all(writers).await;
}
