//! The queue of a worker that runs callbacks beside instances.

use std::sync::Arc;

use async_trait::async_trait;
use model::{NodeIdx, WorkerId};
use store::{Report, StoreError, TaskQueue, WorkOrder, WorkerRegistration};
use tokio::sync::mpsc;

use super::Caller;

/// A queue of instances, and for its first worker callbacks too.
pub(crate) struct CallbackQueue {
    instances: Arc<dyn TaskQueue>,
    caller: Caller,
    orders: tokio::sync::Mutex<mpsc::UnboundedReceiver<WorkOrder>>,
}

impl CallbackQueue {
    pub(crate) fn new(instances: Arc<dyn TaskQueue>, caller: Caller) -> Self {
        let (sender, orders) = mpsc::unbounded_channel();
        // Tasks of their own: what was begun must never be dropped half-way.
        tokio::spawn(caller.clone().call(sender.clone()));
        tokio::spawn(caller.clone().renew(sender));
        Self { instances, caller, orders: orders.into() }
    }

    fn is_of_callbacks(&self, worker: WorkerId) -> bool {
        *self.caller.0.worker.borrow() == Some(worker)
    }
}

#[async_trait]
impl TaskQueue for CallbackQueue {
    async fn worker_register(&self, registration: WorkerRegistration) -> Result<(), StoreError> {
        let worker = registration.worker;
        self.instances.worker_register(registration).await?;
        self.caller.0.worker.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert(worker);
            is_first
        });
        Ok(())
    }

    async fn next(&self, worker: WorkerId) -> Option<WorkOrder> {
        if !self.is_of_callbacks(worker) {
            return self.instances.next(worker).await;
        }
        let mut orders = self.orders.lock().await;
        tokio::select! {
            biased;
            order = self.instances.next(worker) => order,
            Some(order) = orders.recv() => Some(order),
        }
    }

    async fn report(&self, worker: WorkerId, reports: Vec<Report>) -> Result<(), StoreError> {
        if reports.iter().all(|report| report.token.instance.node != NodeIdx::CALLBACK) {
            return self.instances.report(worker, reports).await;
        }
        let is_callback = |report: &Report| report.token.instance.node == NodeIdx::CALLBACK;
        let (callbacks, instances): (Vec<_>, Vec<_>) = reports.into_iter().partition(is_callback);
        if !instances.is_empty() {
            self.instances.report(worker, instances).await?;
        }
        self.caller.report(&callbacks).await
    }

    async fn heartbeat(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.instances.heartbeat(worker).await
    }
}
