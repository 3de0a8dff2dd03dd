//! Rows for the cases. Keys are numbers, so that a failure names them readably.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use model::outcome::{End, ResourcesUsed};
use model::{
    AttemptToken, BundleName, BundleVersionKey, DagId, Digest, Fence, InstanceKey, Key, MapIndex, NodeIdx, RunId,
    RunKey, RunState, RunType, TaskId, TaskState, TenantId, TenantScope, TryNumber, VersionKey, WorkerId,
};
use uuid::Uuid;

use super::Stores;
use crate::{
    DuplicateKind, DuplicateRun, Ended, Execution, InstanceClaim, InstanceSnapshot, NamedValue, NewBundleVersion,
    NewDagVersion, NewInstances, NewNode, NewRun, Reopened, RunCommit, RunSnapshot, StoredValue, Transition,
};

pub(super) const OWN: TenantScope = TenantScope::assume(TenantId::DEFAULT);
pub(super) const OTHER: TenantScope = TenantScope::assume(TenantId::from_row(2));
pub(super) const NONE: MapIndex = MapIndex::NONE;
pub(super) const WORKER: WorkerId = WorkerId::from_uuid(Uuid::from_u128(0x77));

/// Seconds after a fixed time.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::constant(1_800_000_000, 0) + SignedDuration::from_secs(seconds)
}

pub(super) fn dag_id(name: &str) -> DagId {
    DagId::new(name).expect("a legal name")
}

pub(super) fn run_id(name: &str) -> RunId {
    RunId::new(name).expect("a legal name")
}

pub(super) fn key(name: &str) -> Key {
    Key::new(name).expect("a legal name")
}

pub(super) fn bundle_name(name: &str) -> BundleName {
    BundleName::new(name).expect("a legal name")
}

pub(super) fn task_id(node: u32) -> TaskId {
    TaskId::new(format!("task_{node}")).expect("a legal name")
}

pub(super) fn run_key(number: u128) -> RunKey {
    RunKey::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number))
}

pub(super) fn fence(counter: u64) -> Fence {
    Fence::new(1, counter)
}

/// A bundle whose DAGs have one version each for each text; keys follow from the texts.
pub(super) fn bundle(name: &str, dags: &[(&str, &str)], seconds: i64) -> NewBundleVersion {
    let all: String = dags.iter().map(|(dag, text)| format!("{dag}={text};")).collect();
    let version_of = |(dag, text): &(&str, &str)| NewDagVersion {
        key: VersionKey::from_uuid(uuid_of(&format!("{name}/{dag}/{text}/{seconds}"))),
        dag_id: dag_id(dag),
        digest: Digest::of(format!("{dag}/{text}").as_bytes()),
        document: format!(r#"{{"dag_id":"{dag}","doc_md":"{text}","tags":["{text}","all"]}}"#).into(),
        label: Some(format!("label {text}")),
    };
    NewBundleVersion {
        key: BundleVersionKey::from_uuid(uuid_of(&format!("{name}/{all}/{seconds}"))),
        name: bundle_name(name),
        component: Digest::of(format!("{name}:{all}").as_bytes()),
        size_bytes: 1234,
        dags: dags.iter().map(version_of).collect(),
        created_at: at(seconds),
    }
}

fn uuid_of(text: &str) -> Uuid {
    let digest = Digest::of(text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.bytes()[..16]);
    Uuid::from_bytes(bytes)
}

/// Registers a bundle with one DAG and gives its version.
pub(super) async fn version(store: &impl Stores, scope: TenantScope, dag: &str) -> VersionKey {
    let registered = store.bundle_register(scope, bundle(&format!("bundle_{dag}"), &[(dag, "v1")], 0)).await;
    registered.expect("registered").dags[0].version
}

/// A running run of the DAG with so many tasks.
pub(super) fn new_run(scope: TenantScope, dag: &str, version: VersionKey, number: u128, nodes: u32) -> NewRun {
    NewRun {
        scope,
        key: run_key(number),
        dag_id: dag_id(dag),
        run_id: run_id(&format!("run-{number}")),
        version,
        run_type: RunType::Manual,
        state: RunState::Running,
        conf: "{}".into(),
        params: "{}".into(),
        note: None,
        triggered_by: "conformance".to_owned(),
        logical_date: None,
        data_interval: None,
        run_after: at(0),
        queued_at: at(0),
        is_latest: true,
        variables: "{}".into(),
        parent: None,
        backfill: None,
        idempotency: None,
        log: None,
        started_at: Some(at(0)),
        nodes: (0..nodes)
            .map(|node| NewNode { node: NodeIdx(node), task_id: task_id(node), map_length: None })
            .collect(),
    }
}

pub(super) fn instances(run: u128, node: u32, first: i32, count: u32, state: TaskState) -> NewInstances {
    NewInstances {
        scope: OWN,
        run: run_key(run),
        node: NodeIdx(node),
        first: index(first),
        count,
        state,
        try_number: TryNumber(u32::from(state == TaskState::Scheduled)),
        max_tries: 3,
        retry_at: None,
        reason: None,
        at: at(1),
    }
}

pub(super) fn index(number: i32) -> MapIndex {
    MapIndex::from_number(number).expect("-1 or more")
}

pub(super) fn instance(run: u128, node: u32, map_index: i32) -> InstanceKey {
    InstanceKey { run: run_key(run), node: NodeIdx(node), map_index: index(map_index) }
}

pub(super) fn token(run: u128, node: u32, map_index: i32, try_number: u32, counter: u64) -> AttemptToken {
    AttemptToken { instance: instance(run, node, map_index), try_number: TryNumber(try_number), fence: fence(counter) }
}

pub(super) fn claim(run: u128, node: u32, map_index: i32) -> InstanceClaim {
    InstanceClaim { scope: OWN, instance: instance(run, node, map_index), worker: WORKER, at: at(2) }
}

/// Claims under one fence, as a commit.
pub(super) fn claims(counter: u64, claims: Vec<InstanceClaim>) -> RunCommit {
    RunCommit { claims, fence: Some(fence(counter)), ..RunCommit::default() }
}

pub(super) fn transition(
    run: u128,
    node: u32,
    range: (i32, i32),
    to: TaskState,
    try_number: Option<u32>,
) -> Transition {
    Transition {
        scope: OWN,
        run: run_key(run),
        node: NodeIdx(node),
        first: index(range.0),
        last: index(range.1),
        to,
        try_number: try_number.map(TryNumber),
        retry_at: None,
        reason: None,
        at: at(3),
    }
}

/// An execution that ended as `to` says.
pub(super) fn ended(token: AttemptToken, to: TaskState) -> Ended {
    let message = "as told".to_owned();
    let end = match to {
        TaskState::Success => End::Success,
        TaskState::Skipped => End::Skipped { reason: message },
        TaskState::Scheduled => End::HostLost { message, suspect: true },
        _ => End::Failed { message, retry: true, delay_ms: None },
    };
    Ended {
        scope: OWN,
        instance: token.instance,
        try_number: token.try_number,
        fence: token.fence,
        execution: Execution {
            started_at: at(2),
            ended_at: at(4),
            end,
            used: ResourcesUsed { wall_us: 17, cpu_us: 11, memory_bytes: 65_536 },
        },
        to,
        retry_at: (to == TaskState::UpForRetry).then(|| at(9)),
        since: None,
        times_out: false,
        reason: None,
        lost_executions: u32::from(to == TaskState::Scheduled),
        suspect: to == TaskState::Scheduled,
        xcoms: Vec::new(),
        has_value: false,
        list_length: None,
    }
}

/// A success that leaves values.
pub(super) fn success(token: AttemptToken, values: &[(&str, &str)]) -> Ended {
    let xcoms = values.iter().map(|(name, value)| inline(name, value)).collect();
    let has_value = values.iter().any(|(name, _)| *name == crate::RETURN_VALUE);
    Ended { xcoms, has_value, ..ended(token, TaskState::Success) }
}

pub(super) fn inline(name: &str, value: &str) -> NamedValue {
    NamedValue { key: key(name), value: StoredValue::Inline(Arc::from(value)) }
}

/// A run with one unmapped, scheduled instance for each task.
pub(super) fn started(run: NewRun) -> RunCommit {
    let instances = run.nodes.iter().map(|node| NewInstances {
        scope: run.scope,
        run: run.key,
        node: node.node,
        first: NONE,
        count: 1,
        state: TaskState::Scheduled,
        try_number: TryNumber(1),
        max_tries: 3,
        retry_at: None,
        reason: None,
        at: at(1),
    });
    let instances = instances.collect();
    RunCommit { runs: vec![run], instances, ..RunCommit::default() }
}

/// Run 1 of a DAG `dag` with so many tasks, all scheduled, and the DAG's version.
pub(super) async fn one_run(store: &impl Stores, nodes: u32) -> VersionKey {
    let version = version(store, OWN, "dag").await;
    commit(store, started(new_run(OWN, "dag", version, 1, nodes))).await;
    version
}

/// Run `run` runs again, and counts as cleared once more.
pub(super) fn reopened(run: u128) -> RunCommit {
    let reopened = Reopened { scope: OWN, run: run_key(run), version: None, tasks: None, at: at(20) };
    RunCommit { reopened: vec![reopened], ..RunCommit::default() }
}

/// A run that is not written, for one that is there.
pub(super) fn duplicate(run: u128, kind: DuplicateKind, existing: u128) -> DuplicateRun {
    DuplicateRun { run: run_key(run), kind, existing: run_id(&format!("run-{existing}")) }
}

/// A commit that is to succeed.
pub(super) async fn commit(store: &impl Stores, commit: RunCommit) {
    let committed = store.commit(commit).await.expect("committed");
    assert_eq!(committed.duplicate_runs, []);
}

pub(super) async fn snapshot(store: &impl Stores, run: u128) -> RunSnapshot {
    store.run_snapshot(OWN, run_key(run)).await.expect("read").expect("the run exists")
}

pub(super) async fn instance_of(store: &impl Stores, run: u128, node: u32, map_index: i32) -> InstanceSnapshot {
    let snapshot = snapshot(store, run).await;
    let found = snapshot.instances.iter().find(|it| it.node == NodeIdx(node) && it.map_index == index(map_index));
    *found.expect("the instance exists")
}

/// States of a run's instances as (node, index, state).
pub(super) async fn states(store: &impl Stores, run: u128) -> Vec<(u32, i32, TaskState)> {
    let snapshot = snapshot(store, run).await;
    snapshot.instances.iter().map(|it| (it.node.0, it.map_index.number(), it.state)).collect()
}
