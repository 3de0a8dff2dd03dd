//! Callbacks that runs owe: what has happened, whom it is told, and how far that is.
//!
//! A callback is written with the transition that causes it, in one commit, and is found by the time at which somebody has to look at it:
//! when it is to be called, or, while it runs, when its lease ends. A missed deadline is a callback whose time comes later, and that goes
//! when the run ends before. Each time that a callback is begun its fence rises; an end under an older one changes nothing. Callbacks are
//! numbered within their run.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use model::callback::{CallbackEvent, CallbackState};
use model::{Entrypoint, Fence, MapIndex, NodeIdx, RunKey, TenantScope, TryNumber};

use crate::{Page, PageRequest, RunRow, StoreError};

/// The instance that something happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallbackSubject {
    pub node: NodeIdx,
    pub map_index: MapIndex,
    /// Which try of the instance; 0 where it never began.
    pub try_number: TryNumber,
}

/// A callback that a run owes from now on. One of an instance is left out, and counted, where the run has
/// [`PER_RUN_MAX`](model::limits::callback::PER_RUN_MAX) callbacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCallback {
    pub scope: TenantScope,
    pub run: RunKey,
    /// `None` for what happened to the run.
    pub subject: Option<CallbackSubject>,
    pub event: CallbackEvent,
    pub callback: Entrypoint,
    /// Why it happened, for people.
    pub message: Option<Arc<str>>,
    pub at: Timestamp,
    /// When it is to be called.
    pub due_at: Timestamp,
}

/// A run that has ended: deadlines that are later are not missed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadlineMet {
    pub scope: TenantScope,
    pub run: RunKey,
    pub at: Timestamp,
}

/// A callback of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackRow {
    pub scope: TenantScope,
    pub run: RunKey,
    /// Its place among the callbacks of the run.
    pub number: u32,
    pub subject: Option<CallbackSubject>,
    pub event: CallbackEvent,
    pub callback: Entrypoint,
    pub message: Option<Arc<str>>,
    pub created_at: Timestamp,
    pub state: CallbackState,
    /// Its attempt, from 1 on: the next one, the one that runs, or the last one.
    pub try_number: TryNumber,
    /// Executions of that attempt that were lost.
    pub lost_executions: u32,
    pub fence: Fence,
    /// When somebody has to look at it; none of one that has ended.
    pub due_at: Option<Timestamp>,
    /// When it was begun last.
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// How its last attempt failed.
    pub error: Option<String>,
}

/// A callback that somebody has begun, with its run.
#[derive(Debug, Clone)]
pub struct TakenCallback {
    pub row: CallbackRow,
    pub run: RunRow,
}

/// The right to end what was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallbackToken {
    pub scope: TenantScope,
    pub run: RunKey,
    pub number: u32,
    pub fence: Fence,
}

/// What becomes of a callback that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackEnd {
    pub token: CallbackToken,
    pub to: CallbackState,
    /// Its attempt from now on.
    pub try_number: TryNumber,
    pub lost_executions: u32,
    /// When it is begun again; none where it has ended.
    pub due_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub error: Option<String>,
}

/// Callbacks that runs owe. They are written by [`RunStore::commit`](crate::RunStore::commit).
#[async_trait]
pub trait CallbackStore: Send + Sync {
    /// When the first callback of each tenant is due; of tenants that owe some.
    async fn callbacks_due(&self) -> Result<Vec<(TenantScope, Timestamp)>, StoreError>;

    /// Begins callbacks of a tenant that are due, the longest due first. One that runs already is due when its lease has ended: that
    /// execution counts as lost. Two callers never get the same one under one fence.
    async fn callbacks_take(
        &self,
        scope: TenantScope,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<TakenCallback>, StoreError>;

    /// Keeps what was begun from being begun by others. What was begun by others since stays theirs.
    async fn callbacks_renew(&self, held: &[CallbackToken], lease_until: Timestamp) -> Result<(), StoreError>;

    /// Ends executions. One under a stale fence changes nothing and is no error.
    async fn callbacks_end(&self, ends: &[CallbackEnd]) -> Result<(), StoreError>;

    /// Ends the leases of everything that runs: whoever had begun it is gone. For whoever has the database to itself.
    async fn callbacks_let_go(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Callbacks of a run, in the order of their numbers.
    async fn callback_list(
        &self,
        scope: TenantScope,
        run: RunKey,
        page: PageRequest,
    ) -> Result<Page<CallbackRow>, StoreError>;

    /// One callback.
    async fn callback_fetch(
        &self,
        scope: TenantScope,
        run: RunKey,
        number: u32,
    ) -> Result<Option<CallbackRow>, StoreError>;

    /// How many callbacks of a run were left out.
    async fn callbacks_left_out(&self, scope: TenantScope, run: RunKey) -> Result<u64, StoreError>;
}
