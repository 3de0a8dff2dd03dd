//! The queue of a worker in the same process: work comes straight from the commit that claimed it.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use model::WorkerId;
use store::{Report, StoreError, TaskQueue, WorkOrder, WorkerRegistration};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::{Mutex, oneshot};

use crate::command::Command;

type Orders = Arc<Mutex<UnboundedReceiver<WorkOrder>>>;

/// Hands committed claims to workers of this process. Orders are bounded by the workers' slots.
pub(crate) struct LocalQueue {
    inbox: mpsc::Sender<Command>,
    orders: std::sync::Mutex<HashMap<WorkerId, Orders>>,
}

impl LocalQueue {
    pub(crate) fn new(inbox: mpsc::Sender<Command>) -> Self {
        Self { inbox, orders: std::sync::Mutex::default() }
    }

    /// Reports what this process owns; gives back what it does not.
    pub(crate) async fn report_owned(&self, worker: WorkerId, reports: Vec<Report>) -> Result<Vec<Report>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(Command::Report { worker, reports, reply }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    fn orders(&self, worker: WorkerId) -> Option<Orders> {
        self.orders.lock().expect("no panic while the lock is held").get(&worker).cloned()
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable { detail: "the scheduler has stopped".to_owned() }
}

#[async_trait]
impl TaskQueue for LocalQueue {
    async fn worker_register(&self, registration: WorkerRegistration) -> Result<(), StoreError> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let orders = Arc::new(Mutex::new(receiver));
        self.orders.lock().expect("no panic while the lock is held").insert(registration.worker, orders);
        self.inbox.send(Command::Register { registration, orders: sender }).await.map_err(|_| stopped())
    }

    async fn next(&self, worker: WorkerId) -> Option<WorkOrder> {
        let orders = self.orders(worker)?;
        let mut orders = orders.lock().await;
        orders.recv().await
    }

    async fn report(&self, worker: WorkerId, reports: Vec<Report>) -> Result<(), StoreError> {
        self.report_owned(worker, reports).await.map(drop)
    }

    async fn heartbeat(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.inbox.send(Command::Heartbeat { worker }).await.map_err(|_| stopped())
    }
}
