//! What a worker talks to, played: orders that a test gives, values that it lays out, and a program that compiles nothing.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use blobs::{BlobStore, LogStore};
use clock::{Clock, Real};
use jiff::Timestamp;
use model::{
    AttemptToken, ConnectionId, Dag, DagId, Digest, Fence, InstanceKey, Key, MapIndex, NodeIdx, Place, RunId, RunKey,
    TenantId, TenantScope, TryNumber, VersionKey, WorkerId,
};
use sandbox::{RunRequest, RunStatus, RunnerCommand};
use store::{
    Claim, ClaimedRun, ConnectionRow, ConnectionStore, Hidden, NamedValue, Page, PageRequest, PageSize, RETURN_VALUE,
    Report, StateStore, StoreError, StoredValue, TaskQueue, ValueStore, VariableRow, VariableStore, WorkOrder,
    WorkerRegistration, XcomRow,
};
use tempfile::TempDir;
use tokio::sync::{Semaphore, mpsc};
use uuid::Uuid;

use crate::{Artefacts, RunOf, RunPort, RunPortError, Worker, WorkerParts};

pub(crate) const OWN: TenantScope = TenantScope::assume(TenantId::DEFAULT);
/// A test that waits longer than this waits for ever.
const PATIENCE: Duration = Duration::from_secs(100);

/// A worker and everything around it.
pub(crate) struct Surroundings {
    pub(crate) worker: Worker,
    pub(crate) queue: Arc<Queue>,
    pub(crate) values: Arc<Values>,
    pub(crate) blobs: BlobStore,
    orders: Option<mpsc::UnboundedSender<WorkOrder>>,
    reports: mpsc::UnboundedReceiver<Report>,
    _folder: TempDir,
}

impl Surroundings {
    /// With a program that compiles anything to nothing, and is no runner.
    pub(crate) async fn new() -> Self {
        Self::with(None, Arc::new(Real)).await
    }

    pub(crate) async fn with(command: Option<RunnerCommand>, clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let command = command.unwrap_or_else(|| script(folder.path(), "cat > /dev/null; echo native"));
        let (orders, ordered) = mpsc::unbounded_channel();
        let (reported, reports) = mpsc::unbounded_channel();
        let queue = Arc::new(Queue {
            orders: ordered.into(),
            reports: reported,
            is_broken: AtomicBool::new(false),
            refusal: Mutex::default(),
        });
        let values = Arc::new(Values::default());
        let blobs = BlobStore::in_memory();
        let worker = Worker::start(WorkerParts {
            id: WorkerId::from_uuid(Uuid::from_u128(0x77)),
            slots: 2,
            queue: queue.clone(),
            values: values.clone(),
            variables: Arc::new(Variables::default()),
            connections: Arc::new(Connections),
            runs: Arc::new(NoRuns),
            states: Arc::new(NoStates::default()),
            blobs: blobs.clone(),
            logs: LogStore::in_memory(),
            artefacts: Arc::new(Artefacts::new(command.clone(), blobs.clone(), Arc::new(Real))),
            command,
            clock,
            outage_wait: Duration::ZERO,
        })
        .await
        .expect("the queue takes the worker");
        Self { worker, queue, values, blobs, orders: Some(orders), reports, _folder: folder }
    }

    /// A run of a DAG of the fixture language, whose component is these bytes.
    pub(crate) async fn run(&self, dag: &str, component: &[u8]) -> Arc<ClaimedRun> {
        let component = self.blobs.put(OWN, component.to_vec().into()).await.expect("memory takes it");
        run_of(testkit::dag::dag(dag), component)
    }

    pub(crate) fn order(&self, order: WorkOrder) {
        self.orders.as_ref().expect("orders go on").send(order).expect("the worker takes orders");
    }

    pub(crate) fn end_orders(&mut self) {
        self.orders = None;
    }

    /// The next report.
    pub(crate) async fn report(&mut self) -> Report {
        tokio::time::timeout(PATIENCE, self.reports.recv()).await.expect("a report comes").expect("the queue lives")
    }

    /// The reports that have come and were not asked for.
    pub(crate) fn other_reports(&mut self) -> Vec<Report> {
        std::iter::from_fn(|| self.reports.try_recv().ok()).collect()
    }
}

/// A program for `runner` and `compile`.
pub(crate) fn script(folder: &Path, text: &str) -> RunnerCommand {
    let program = folder.join("program");
    std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).expect("the folder takes it");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).expect("it may be run");
    RunnerCommand { program }
}

pub(crate) fn run_of(dag: Dag, component: Digest) -> Arc<ClaimedRun> {
    Arc::new(ClaimedRun {
        scope: OWN,
        key: RunKey::from_uuid(Uuid::from_u128(1)),
        dag_id: DagId::new("fixture").expect("a name"),
        run_id: RunId::new("manual__1").expect("a name"),
        version: VersionKey::from_uuid(Uuid::from_u128(2)),
        component,
        dag: Arc::new(dag),
        conf: "{}".into(),
        params: "{}".into(),
        logical_date: None,
        data_interval: None,
        clears: 0,
    })
}

/// A claim of an instance; −1 for one of a task that is not mapped.
pub(crate) fn claim(run: &Arc<ClaimedRun>, node: u32, map_index: i32, suspect: bool) -> Claim {
    let map_index = MapIndex::from_number(map_index).expect("-1 or more");
    let instance = InstanceKey { run: run.key, node: NodeIdx(node), map_index };
    let token = AttemptToken { instance, try_number: TryNumber(1), fence: Fence::new(1, 1) };
    let place = Place::of_index(map_index);
    let (woken, notify) = (None, None);
    Claim { run: run.clone(), token, place, suspect, claimed_at: Timestamp::UNIX_EPOCH, woken, notify }
}

pub(crate) fn result_key() -> Key {
    Key::new(RETURN_VALUE).expect("a name")
}

/// Waits for a state that nothing announces.
pub(crate) async fn until(mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it becomes so");
}

/// Hands out what a test orders; panics at a report or a heartbeat once it is broken, and refuses reports with what a test says.
pub(crate) struct Queue {
    orders: tokio::sync::Mutex<mpsc::UnboundedReceiver<WorkOrder>>,
    reports: mpsc::UnboundedSender<Report>,
    pub(crate) is_broken: AtomicBool,
    pub(crate) refusal: Mutex<Option<Refusal>>,
}

/// Why a call with this report fails.
type Refusal = fn(&Report) -> Option<StoreError>;

#[async_trait]
impl TaskQueue for Queue {
    async fn worker_register(&self, _registration: WorkerRegistration) -> Result<(), StoreError> {
        Ok(())
    }

    async fn next(&self, _worker: WorkerId) -> Option<WorkOrder> {
        self.orders.lock().await.recv().await
    }

    async fn report(&self, _worker: WorkerId, reports: Vec<Report>) -> Result<(), StoreError> {
        assert!(!self.is_broken.load(Ordering::SeqCst), "the queue is broken");
        let refusal = *self.refusal.lock().expect("no panic");
        if let Some(error) = refusal.and_then(|refusal| reports.iter().find_map(refusal)) {
            return Err(error);
        }
        for report in reports {
            // A test that has ended reads no more.
            let _ = self.reports.send(report);
        }
        Ok(())
    }

    async fn heartbeat(&self, _worker: WorkerId) -> Result<(), StoreError> {
        assert!(!self.is_broken.load(Ordering::SeqCst), "the queue is broken");
        Ok(())
    }
}

/// Values of one run under [`RETURN_VALUE`], and what was read of them.
#[derive(Default)]
pub(crate) struct Values {
    pub(crate) rows: Mutex<BTreeMap<(NodeIdx, MapIndex), StoredValue>>,
    pub(crate) lengths: Mutex<BTreeMap<NodeIdx, u32>>,
    pub(crate) rows_read: AtomicUsize,
    pub(crate) index_pages_read: AtomicUsize,
    /// Whoever reads a single value waits here when it is held.
    pub(crate) gate: Gate,
}

/// Holds who passes, when it is shut.
pub(crate) struct Gate {
    is_shut: AtomicBool,
    arrived: Semaphore,
    passes: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self { is_shut: AtomicBool::new(false), arrived: Semaphore::new(0), passes: Semaphore::new(0) }
    }
}

impl Gate {
    pub(crate) fn shut(&self) {
        self.is_shut.store(true, Ordering::SeqCst);
    }

    /// Waits until somebody waits here who has not been waited for.
    pub(crate) async fn arrival(&self) {
        let arrived = tokio::time::timeout(PATIENCE, self.arrived.acquire()).await.expect("somebody comes");
        arrived.expect("it is never closed").forget();
    }

    /// Lets all pass.
    pub(crate) fn open(&self) {
        self.is_shut.store(false, Ordering::SeqCst);
        self.passes.close();
    }

    async fn pass(&self) {
        if self.is_shut.load(Ordering::SeqCst) {
            self.arrived.add_permits(1);
            // Closed means open.
            let _ = self.passes.acquire().await;
        }
    }
}

impl Values {
    pub(crate) fn put(&self, node: u32, map_index: i32, value: &str) {
        let map_index = MapIndex::from_number(map_index).expect("-1 or more");
        let value = StoredValue::Inline(value.into());
        self.rows.lock().expect("no panic").insert((NodeIdx(node), map_index), value);
    }

    fn above(&self, node: NodeIdx, after: MapIndex) -> Vec<(MapIndex, StoredValue)> {
        let rows = self.rows.lock().expect("no panic");
        let of_node = rows.iter().filter(|((of, index), _)| *of == node && *index > after);
        of_node.map(|((_, index), value)| (*index, value.clone())).collect()
    }

    fn row(&self, node: NodeIdx, map_index: MapIndex, value: StoredValue) -> XcomRow {
        self.rows_read.fetch_add(1, Ordering::SeqCst);
        XcomRow { node, map_index, key: result_key(), value, created_at: Timestamp::UNIX_EPOCH }
    }
}

#[async_trait]
impl ValueStore for Values {
    async fn xcom_fetch(
        &self,
        _scope: TenantScope,
        _run: RunKey,
        node: NodeIdx,
        map_index: MapIndex,
        _key: &Key,
    ) -> Result<Option<XcomRow>, StoreError> {
        self.gate.pass().await;
        let value = self.rows.lock().expect("no panic").get(&(node, map_index)).cloned();
        Ok(value.map(|value| self.row(node, map_index, value)))
    }

    async fn xcom_page(
        &self,
        _scope: TenantScope,
        _run: RunKey,
        node: NodeIdx,
        _key: &Key,
        after: MapIndex,
        size: PageSize,
    ) -> Result<Vec<XcomRow>, StoreError> {
        let rows = self.above(node, after).into_iter().take(size.values as usize);
        Ok(rows.map(|(index, value)| self.row(node, index, value)).collect())
    }

    async fn xcom_indexes(
        &self,
        _scope: TenantScope,
        _run: RunKey,
        node: NodeIdx,
        _key: &Key,
        after: MapIndex,
        limit: u32,
    ) -> Result<Vec<MapIndex>, StoreError> {
        self.index_pages_read.fetch_add(1, Ordering::SeqCst);
        Ok(self.above(node, after).into_iter().take(limit as usize).map(|(index, _)| index).collect())
    }

    async fn xcom_put(&self, _: TenantScope, _: InstanceKey, _: &NamedValue, _: Timestamp) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn xcom_delete(&self, _: TenantScope, _: InstanceKey, _: &Key) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn xcom_count(&self, _: TenantScope, _: RunKey, node: NodeIdx, _: &Key) -> Result<u64, StoreError> {
        Ok(self.above(node, MapIndex::NONE).len() as u64)
    }

    async fn map_length(&self, _: TenantScope, _: RunKey, node: NodeIdx) -> Result<Option<u32>, StoreError> {
        Ok(self.lengths.lock().expect("no panic").get(&node).copied())
    }

    async fn xcom_list(
        &self,
        _scope: TenantScope,
        _run: RunKey,
        _node: NodeIdx,
        _map_index: MapIndex,
    ) -> Result<Vec<XcomRow>, StoreError> {
        Ok(Vec::new())
    }
}

/// Variables by name, for reading.
#[derive(Default)]
pub(crate) struct Variables(pub(crate) BTreeMap<Key, String>);

#[async_trait]
impl VariableStore for Variables {
    async fn variable_put(&self, _: TenantScope, _: &VariableRow, _: bool) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn variable_fetch(&self, _: TenantScope, key: &Key) -> Result<Option<VariableRow>, StoreError> {
        let row = |text: &String| VariableRow {
            key: key.clone(),
            value: Hidden::new(text.as_str()),
            description: None,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        Ok(self.0.get(key).map(row))
    }

    async fn variable_list(
        &self,
        _: TenantScope,
        _: Option<&str>,
        _: PageRequest,
    ) -> Result<Page<VariableRow>, StoreError> {
        Ok(Page { rows: Vec::new(), total: 0 })
    }

    async fn variable_delete(&self, _: TenantScope, _: &Key) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// One connection, `db`.
pub(crate) struct Connections;

#[async_trait]
impl ConnectionStore for Connections {
    async fn connection_put(&self, _: TenantScope, _: &ConnectionRow, _: bool) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn connection_fetch(
        &self,
        _: TenantScope,
        connection_id: &ConnectionId,
    ) -> Result<Option<ConnectionRow>, StoreError> {
        let row = || ConnectionRow {
            connection_id: connection_id.clone(),
            conn_type: "postgres".to_owned(),
            description: None,
            host: Some("h".to_owned()),
            login: None,
            password: Some(Hidden::new("hunter2")),
            schema: None,
            port: Some(5432),
            extra: Some(Hidden::new(r#"{"key":"k-123"}"#)),
            updated_at: Timestamp::UNIX_EPOCH,
        };
        Ok((connection_id.as_str() == "db").then(row))
    }

    async fn connection_list(
        &self,
        _: TenantScope,
        _: Option<&str>,
        _: PageRequest,
    ) -> Result<Page<ConnectionRow>, StoreError> {
        Ok(Page { rows: Vec::new(), total: 0 })
    }

    async fn connection_delete(&self, _: TenantScope, _: &ConnectionId) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// Starts nothing and knows of nothing.
pub(crate) struct NoRuns;

#[async_trait]
impl RunPort for NoRuns {
    async fn trigger(&self, _: TenantScope, _: RunOf, request: RunRequest) -> Result<RunId, RunPortError> {
        request.run_id.ok_or_else(|| RunPortError::Invalid("the id was not made".to_owned()))
    }

    async fn status(&self, _: TenantScope, _: &DagId, _: &RunId) -> Result<Option<RunStatus>, RunPortError> {
        Ok(None)
    }
}

/// Keeps no state.
#[derive(Default)]
pub(crate) struct NoStates {
    /// Calls before it answers.
    pub(crate) away: AtomicU32,
}

#[async_trait]
impl StateStore for NoStates {
    async fn state_fetch(
        &self,
        _scope: TenantScope,
        _token: AttemptToken,
        _key: &Key,
        _now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    async fn state_put(
        &self,
        _scope: TenantScope,
        _token: AttemptToken,
        _key: &Key,
        _value: &str,
        _ttl: Option<Duration>,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        let is_away = self.away.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        Err(if is_away { StoreError::Unavailable { detail: "away".to_owned() } } else { StoreError::StaleFence })
    }

    async fn state_delete(&self, _: TenantScope, _: AttemptToken, _: &Key) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn state_keys(
        &self,
        _scope: TenantScope,
        _token: AttemptToken,
        _prefix: &str,
        _now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}
