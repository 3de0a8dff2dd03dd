//! The worker: what it is made of, how it starts and stops, and whether its loops live.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use blobs::{BlobStore, LogStore};
use clock::Clock;
use model::{TenantId, WorkerId};
use sandbox::RunnerCommand;
use store::{
    ConnectionStore, Report, StateStore, StoreError, TaskQueue, ValueStore, VariableStore, WorkerRegistration,
};
use tokio::sync::{Notify, mpsc, watch};
use tracing::{error, info, warn};

use crate::arguments::ArgumentReader;
use crate::artefacts::Artefacts;
use crate::attempts::Attempts;
use crate::caught::caught;
use crate::host::Host;
use crate::items::ItemCache;
use crate::lane::Lane;
use crate::log::AttemptLogs;
use crate::outbox::REPORT_PAUSE_MAX;
use crate::run_port::RunPort;
use crate::writers::WritingRoom;

/// What a worker works with.
pub struct WorkerParts {
    pub id: WorkerId,
    pub slots: u32,
    pub queue: Arc<dyn TaskQueue>,
    pub values: Arc<dyn ValueStore>,
    pub variables: Arc<dyn VariableStore>,
    pub connections: Arc<dyn ConnectionStore>,
    pub runs: Arc<dyn RunPort>,
    pub states: Arc<dyn StateStore>,
    pub blobs: BlobStore,
    pub logs: LogStore,
    pub artefacts: Arc<Artefacts>,
    pub command: RunnerCommand,
    pub clock: Arc<dyn Clock>,
    /// How long an attempt waits for a runner, its component or its arguments before it is given back as lost.
    pub outage_wait: Duration,
}

/// A worker at work.
#[derive(Clone)]
pub struct Worker(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) id: WorkerId,
    slots: u32,
    pub(crate) queue: Arc<dyn TaskQueue>,
    pub(crate) arguments: ArgumentReader,
    pub(crate) blobs: BlobStore,
    pub(crate) logs: AttemptLogs,
    pub(crate) artefacts: Arc<Artefacts>,
    command: RunnerCommand,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) outage_wait: Duration,
    host: Arc<Host>,
    pub(crate) attempts: Arc<Attempts>,
    lanes: Mutex<HashMap<TenantId, Arc<Lane>>>,
    pub(crate) reports: mpsc::UnboundedSender<Report>,
    /// Reports that are owed, or sent and not durable yet.
    pub(crate) unreported: AtomicUsize,
    is_stopping: AtomicBool,
    /// The grace of stopping is over: nothing begins any more.
    is_closed: AtomicBool,
    pub(crate) settled: Notify,
    failure: watch::Sender<Option<String>>,
}

impl Worker {
    /// Registers the worker and starts its loops, which end when the queue does.
    pub async fn start(parts: WorkerParts) -> Result<Self, StoreError> {
        let attempts = Arc::new(Attempts::default());
        let host = Arc::new(Host {
            attempts: attempts.clone(),
            values: parts.values.clone(),
            states: parts.states,
            variables: parts.variables.clone(),
            connections: parts.connections,
            runs: parts.runs,
            blobs: parts.blobs.clone(),
            room: WritingRoom::new(&parts.blobs),
            clock: parts.clock.clone(),
        });
        let (reports, reported) = mpsc::unbounded_channel();
        let arguments = ArgumentReader {
            values: parts.values,
            variables: parts.variables,
            blobs: parts.blobs.clone(),
            items: ItemCache::new(),
        };
        let worker = Self(Arc::new(Inner {
            id: parts.id,
            slots: parts.slots,
            queue: parts.queue,
            arguments,
            blobs: parts.blobs,
            logs: AttemptLogs::new(parts.logs),
            artefacts: parts.artefacts,
            command: parts.command,
            clock: parts.clock,
            outage_wait: parts.outage_wait,
            host,
            attempts,
            lanes: Mutex::default(),
            reports,
            unreported: AtomicUsize::new(0),
            is_stopping: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            settled: Notify::new(),
            failure: watch::Sender::default(),
        }));
        let registration = WorkerRegistration { worker: parts.id, slots: parts.slots };
        worker.0.queue.worker_register(registration).await?;
        worker.watch("take_orders", worker.clone().take_orders());
        worker.watch("send_reports", worker.clone().send_reports(reported));
        worker.watch("beat", worker.clone().beat());
        Ok(worker)
    }

    /// Waits until everything that is held has ended and is reported, at most `grace`; then ends the rest, which will be run
    /// again and counts against nobody. The queue must have been drained before.
    pub async fn stop(&self, grace: Duration) {
        self.0.is_stopping.store(true, Ordering::SeqCst);
        if tokio::time::timeout(grace, self.settle()).await.is_err() {
            info!(held = self.0.attempts.len(), "grace is over, handing back what still runs");
        }
        self.0.is_closed.store(true, Ordering::SeqCst);
        // First what no runner has, so that no runner gets it while the runners end.
        self.lose(&self.0.attempts.preparing(), "the worker stopped", false);
        for lane in self.all_lanes() {
            lane.runners().await.iter().for_each(|runner| runner.kill());
        }
        if tokio::time::timeout(REPORT_PAUSE_MAX, self.settle()).await.is_err() {
            warn!(held = self.0.attempts.len(), "what still runs will be found by its lease");
        }
    }

    /// Returns when one of the worker's loops has ended without being asked to: which one, and why. Whoever hears it should
    /// end the process, as this worker does not do its work any more.
    pub async fn failed(&self) -> String {
        let mut failure = self.0.failure.subscribe();
        match failure.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            // Cannot be: the sender lives as long as the worker.
            Err(_) => std::future::pending().await,
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.0.is_stopping.load(Ordering::SeqCst)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed.load(Ordering::SeqCst)
    }

    /// The runners of a tenant.
    pub(crate) fn lane(&self, tenant: TenantId) -> Arc<Lane> {
        let new = || Arc::new(Lane::new(tenant, self.0.command.clone(), self.0.slots, self.0.host.clone()));
        self.lanes().entry(tenant).or_insert_with(new).clone()
    }

    pub(crate) fn all_lanes(&self) -> Vec<Arc<Lane>> {
        self.lanes().values().cloned().collect()
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Lane>>> {
        self.0.lanes.lock().expect("no panic while the lock is held")
    }

    async fn settle(&self) {
        loop {
            let settled = self.0.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if self.0.attempts.len() == 0 && self.0.unreported.load(Ordering::SeqCst) == 0 {
                return;
            }
            settled.await;
        }
    }

    /// Runs a loop and tells when it has ended.
    fn watch(&self, name: &'static str, running: impl Future<Output = ()> + Send + 'static) {
        let worker = self.clone();
        tokio::spawn(async move {
            let why = match caught(running).await {
                Ok(()) if worker.is_stopping() => return,
                Ok(()) => "it ended before the worker was stopped".to_owned(),
                Err(panic) => panic,
            };
            error!(name, why, "a loop of the worker has ended");
            worker.0.failure.send_if_modified(|failure| {
                let is_first = failure.is_none();
                failure.get_or_insert_with(|| format!("the worker's loop {name} has ended: {why}"));
                is_first
            });
        });
    }
}

#[cfg(test)]
mod tests;
