//! The queue of a worker in a cluster: what the scheduler of its own process has claimed for it, and, for slots that are
//! still free, what any worker may take.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use clock::Clock;
use model::{AttemptToken, RunKey, ServerId, WorkerId};
use store::{Claim, ClaimedRun, Report, StoreError, TaskQueue, WorkOrder, WorkRow, WorkerRegistration};
use tokio::sync::{Notify, mpsc};
use tracing::{error, warn};

use super::waker::POLL;
use super::{SharedStore, Waker};
use crate::LocalQueue;
use crate::version::{VersionError, Versions};

/// The queue of one worker.
pub struct ClusterQueue {
    local: LocalQueue,
    shared: Arc<Shared>,
    orders: tokio::sync::Mutex<mpsc::UnboundedReceiver<WorkOrder>>,
}

/// What the queue and its puller share.
struct Shared {
    store: Arc<dyn SharedStore>,
    server: ServerId,
    versions: Arc<Versions>,
    clock: Arc<dyn Clock>,
    waker: Waker,
    held: Mutex<Held>,
    /// A slot has become free.
    freed: Notify,
}

#[derive(Default)]
struct Held {
    slots: u32,
    /// Claimed by the scheduler of this process.
    local: HashSet<AttemptToken>,
    /// Taken from what is offered to everybody.
    shared: HashSet<AttemptToken>,
    is_draining: bool,
}

impl Held {
    fn free(&self) -> u32 {
        let taken = u32::try_from(self.local.len() + self.shared.len()).unwrap_or(u32::MAX);
        if self.is_draining { 0 } else { self.slots.saturating_sub(taken) }
    }
}

impl ClusterQueue {
    pub(crate) fn new(
        local: LocalQueue,
        store: Arc<dyn SharedStore>,
        server: ServerId,
        versions: Arc<Versions>,
        clock: Arc<dyn Clock>,
        waker: Waker,
    ) -> Self {
        let shared = Shared { store, server, versions, clock, waker, held: Mutex::default(), freed: Notify::new() };
        let shared = Arc::new(shared);
        let (sender, orders) = mpsc::unbounded_channel();
        // A task of its own: work that the database has given must never be dropped half-way.
        tokio::spawn(shared.clone().pull(sender));
        Self { local, shared, orders: orders.into() }
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("no panic while the lock is held")
    }

    /// Takes offers whenever there may be some and slots are free, and hears of what is cancelled. The orders are bounded by the
    /// slots.
    async fn pull(self: Arc<Self>, orders: mpsc::UnboundedSender<WorkOrder>) {
        let mut looked = self.clock.monotonic();
        while !orders.is_closed() {
            let free = self.held().free();
            let taken = if free > 0 { self.take(free).await } else { Vec::new() };
            let has_taken = !taken.is_empty();
            if has_taken && orders.send(WorkOrder::Run(taken)).is_err() {
                return;
            }
            if self.clock.monotonic() - looked >= POLL {
                looked = self.clock.monotonic();
                let gone = self.gone().await;
                if !gone.is_empty() && orders.send(WorkOrder::Cancel(gone)).is_err() {
                    return;
                }
            }
            if !has_taken {
                tokio::select! {
                    () = self.waker.offer() => {}
                    () = self.freed.notified() => {}
                    () = orders.closed() => return,
                }
            }
        }
    }

    async fn take(&self, free: u32) -> Vec<Claim> {
        match self.store.work_take(self.server, free).await {
            Ok(rows) => self.claims(rows).await,
            Err(error) => {
                warn!(%error, "cannot take work yet");
                Vec::new()
            }
        }
    }

    /// What this worker was given and holds no more: cancelled, or taken over by others.
    async fn gone(&self) -> Vec<AttemptToken> {
        let held: Vec<_> = self.held().shared.iter().copied().collect();
        if held.is_empty() {
            return Vec::new();
        }
        match self.store.work_gone(self.server, &held).await {
            Ok(gone) => gone,
            Err(error) => {
                warn!(%error, "cannot ask what was cancelled yet");
                Vec::new()
            }
        }
    }

    /// What was taken, with the versions that it needs. What cannot be run here ends as lost.
    async fn claims(&self, rows: Vec<WorkRow>) -> Vec<Claim> {
        let mut runs: HashMap<RunKey, Option<Arc<ClaimedRun>>> = HashMap::new();
        let mut claims = Vec::with_capacity(rows.len());
        let now = self.clock.now();
        for row in rows {
            let key = row.run.key;
            let run = match runs.get(&key) {
                Some(run) => run.clone(),
                None => {
                    let run = self.run(&row).await;
                    runs.insert(key, run.clone());
                    run
                }
            };
            self.held().shared.insert(row.token);
            match run {
                Some(run) => claims.push(Claim { run, token: row.token, suspect: row.suspect, claimed_at: now }),
                None => self.give_back(&row).await,
            }
        }
        claims
    }

    async fn run(&self, row: &WorkRow) -> Option<Arc<ClaimedRun>> {
        match self.versions.fetch(row.scope, row.run.version).await {
            Ok(version) => Some(Arc::new(crate::active::claimed_of_row(&row.run, &version))),
            Err(VersionError::Store(error)) => {
                warn!(%error, run = %row.run.key, "cannot read the version of a run now");
                None
            }
            Err(error) => {
                error!(%error, run = %row.run.key, "this program cannot run the version of a run");
                None
            }
        }
    }

    async fn give_back(&self, row: &WorkRow) {
        let now = self.clock.now();
        let report = crate::active::lost(row.scope, row.token, now, now, "its worker could not read the DAG version");
        if let Err(error) = self.store.work_report(self.server, &[report]).await {
            warn!(%error, "cannot give work back; it is found when this server's lease ends");
        }
        self.held().shared.remove(&row.token);
    }
}

#[async_trait]
impl TaskQueue for ClusterQueue {
    async fn worker_register(&self, registration: WorkerRegistration) -> Result<(), StoreError> {
        self.shared.held().slots = registration.slots;
        self.shared.freed.notify_one();
        self.local.worker_register(registration).await
    }

    async fn next(&self, worker: WorkerId) -> Option<WorkOrder> {
        let mut orders = self.orders.lock().await;
        let order = tokio::select! {
            biased;
            order = self.local.next(worker) => order?,
            Some(order) = orders.recv() => return Some(order),
        };
        match &order {
            WorkOrder::Run(claims) => self.shared.held().local.extend(claims.iter().map(|claim| claim.token)),
            WorkOrder::Cancel(_) => {}
            WorkOrder::Drain => self.shared.held().is_draining = true,
        }
        Some(order)
    }

    async fn report(&self, worker: WorkerId, reports: Vec<Report>) -> Result<(), StoreError> {
        let tokens: Vec<_> = reports.iter().map(|report| report.token).collect();
        let (local, mut shared): (Vec<_>, Vec<_>) = {
            let held = self.shared.held();
            reports.into_iter().partition(|report| held.local.contains(&report.token))
        };
        if !local.is_empty() {
            // What belongs to shards that were given up meanwhile goes to their next owner.
            shared.extend(self.local.report_owned(worker, local).await?);
        }
        if !shared.is_empty() {
            self.shared.store.work_report(self.shared.server, &shared).await?;
        }
        let mut held = self.shared.held();
        for token in &tokens {
            held.local.remove(token);
            held.shared.remove(token);
        }
        drop(held);
        self.shared.freed.notify_one();
        Ok(())
    }

    async fn heartbeat(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.local.heartbeat(worker).await
    }
}
