//! The queue of a worker in a cluster: what the scheduler of its own process has claimed for it, and, for slots that are
//! still free, what any worker may take.

use std::sync::Arc;

use async_trait::async_trait;
use model::WorkerId;
use store::{Report, StoreError, TaskQueue, WorkOrder, WorkerRegistration};
use tokio::sync::mpsc;

use super::Puller;
use super::puller::Held;
use crate::LocalQueue;

/// The queue of one worker.
pub struct ClusterQueue {
    local: LocalQueue,
    puller: Arc<Puller>,
    held: Arc<Held>,
    orders: tokio::sync::Mutex<mpsc::UnboundedReceiver<WorkOrder>>,
}

impl ClusterQueue {
    pub(crate) fn new(local: LocalQueue, puller: Puller) -> Self {
        let (puller, held) = (Arc::new(puller), Arc::<Held>::default());
        let (sender, orders) = mpsc::unbounded_channel();
        // Tasks of their own: work that the database has given must never be dropped half-way.
        tokio::spawn(puller.clone().pull(held.clone(), sender.clone()));
        tokio::spawn(puller.clone().compare(held.clone(), sender));
        Self { local, puller, held, orders: orders.into() }
    }
}

#[async_trait]
impl TaskQueue for ClusterQueue {
    async fn worker_register(&self, registration: WorkerRegistration) -> Result<(), StoreError> {
        let worker = registration.worker;
        self.local.worker_register(registration).await?;
        self.held.register(worker);
        Ok(())
    }

    async fn next(&self, worker: WorkerId) -> Option<WorkOrder> {
        let mut orders = self.orders.lock().await;
        let order = tokio::select! {
            biased;
            order = self.local.next(worker) => order?,
            Some(order) = orders.recv() => return Some(order),
        };
        if let WorkOrder::Run(claims) = &order {
            self.held.sets().local.extend(claims.iter().map(|claim| claim.token));
        }
        Some(order)
    }

    async fn report(&self, worker: WorkerId, reports: Vec<Report>) -> Result<(), StoreError> {
        let tokens: Vec<_> = reports.iter().map(|report| report.token).collect();
        let (local, mut shared): (Vec<_>, Vec<_>) = {
            let sets = self.held.sets();
            reports.into_iter().partition(|report| sets.local.contains(&report.token))
        };
        if !local.is_empty() {
            // What belongs to shards that were given up meanwhile goes to their next owner.
            shared.extend(self.local.report_owned(worker, local).await?);
        }
        if !shared.is_empty() {
            self.puller.store.work_report(self.puller.server, &shared).await?;
        }
        let freed = {
            let mut sets = self.held.sets();
            tokens.iter().for_each(|token| _ = sets.local.remove(token));
            tokens.iter().filter(|token| sets.shared.remove(token)).count()
        };
        self.puller.unreserve(worker, u32::try_from(freed).unwrap_or(u32::MAX)).await;
        Ok(())
    }

    async fn heartbeat(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.local.heartbeat(worker).await
    }
}
