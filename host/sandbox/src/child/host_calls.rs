//! Requests of guests to the parent, and the answers on their way back.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::outbox::Outbox;
use crate::host::{HostError, HostReply, HostRequest};
use crate::protocol::FromChild;

/// Where a guest's requests go.
#[derive(Clone)]
pub(crate) enum HostAccess {
    Parent(Arc<HostCalls>),
    /// No request is answered; the text says why.
    Refused(&'static str),
}

/// The requests that wait for their answer.
pub(crate) struct HostCalls {
    outbox: Outbox,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Waiting>>,
    /// A request keeps its permit until the answer comes, even when its attempt has ended.
    permits: Arc<Semaphore>,
}

struct Waiting {
    answer: oneshot::Sender<HostReply>,
    _permit: OwnedSemaphorePermit,
}

impl HostCalls {
    pub(super) fn new(outbox: Outbox, concurrent: usize) -> Self {
        let permits = Arc::new(Semaphore::new(concurrent));
        Self { outbox, next: AtomicU64::new(0), waiting: Mutex::default(), permits }
    }

    async fn call(&self, assignment: u64, request: HostRequest) -> HostReply {
        let gone = || HostError::Unavailable("the runner is ending".into());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| gone())?;
        let call = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        self.waiting().insert(call, Waiting { answer, _permit: permit });
        self.outbox.send(FromChild::HostCall { call, assignment, request }).await;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Hands an answer to the guest that waits for it, if it still does.
    pub(super) fn answer(&self, call: u64, reply: HostReply) {
        if let Some(waiting) = self.waiting().remove(&call) {
            let _ = waiting.answer.send(reply);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().expect("no panic while the lock is held")
    }
}

impl HostAccess {
    pub(super) async fn call(&self, assignment: u64, request: HostRequest) -> HostReply {
        match self {
            Self::Parent(calls) => calls.call(assignment, request).await,
            Self::Refused(why) => Err(HostError::Denied((*why).to_owned())),
        }
    }
}
