//! What instances wait for without a worker, and the signals that reach them.
//!
//! A *wait* stands beside an instance that is `deferred` or `awaiting_input`, and is found by what it waits for. It is *met* when that is
//! there: the rows say so, so that nothing is lost when whoever would have woken the instance dies. A *signal* is sent to a run under a
//! name, before or after somebody waits for it, and is kept until an instance takes it; that instance's next execution reads it.

use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{DagId, Fence, InstanceKey, RunId, RunKey, SignalId, TaskId, TaskState, TenantScope};

use crate::{Page, PageRequest, StoreError};

/// What kind of thing is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitKind {
    /// A time; the key is empty, for the instance's row says when.
    Time,
    /// An event of an asset, by its name: met by one at `since` or later.
    Asset,
    /// A signal to the run, by its name: met by one that nobody has taken.
    Signal,
    /// The end of a run, by its key's UUID: met when it has ended, or there is none.
    DagRun,
}

impl WaitKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Time, Self::Asset, Self::Signal, Self::DagRun];

    /// As it stands in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Asset => "asset",
            Self::Signal => "signal",
            Self::DagRun => "dag_run",
        }
    }
}

impl FromStr for WaitKind {
    type Err = UnknownWaitKind;

    fn from_str(text: &str) -> Result<Self, UnknownWaitKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownWaitKind(text.to_owned()))
    }
}

/// A text that names no kind of wait.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of wait")]
pub struct UnknownWaitKind(String);

/// A wait to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWait {
    pub scope: TenantScope,
    pub instance: InstanceKey,
    /// Of the execution that began to wait; [`Fence::NONE`] for an approval, which has none.
    pub fence: Fence,
    pub kind: WaitKind,
    pub key: Arc<str>,
    /// JSON object: what an approval asks for.
    pub form: Option<Arc<str>>,
    /// What came before it does not count.
    pub since: Timestamp,
}

/// A wait, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitRow {
    pub wait: NewWait,
    pub dag_id: DagId,
    pub run_id: RunId,
    pub task_id: TaskId,
    /// [`TaskState::Deferred`] or [`TaskState::AwaitingInput`]: others do not wait.
    pub state: TaskState,
    /// When the wait is over without it.
    pub times_out_at: Option<Timestamp>,
    /// What it waits for is there. Never said of times.
    pub is_met: bool,
}

/// Which waits. What is `None` does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaitFilter {
    pub kind: Option<WaitKind>,
    pub dag_id: Option<DagId>,
    pub run: Option<RunKey>,
    /// Those with a form only.
    pub has_form: bool,
}

/// A signal to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSignal {
    pub scope: TenantScope,
    pub id: SignalId,
    pub run: RunKey,
    pub name: Arc<str>,
    /// JSON.
    pub payload: Arc<str>,
    /// Who sent it.
    pub by: Arc<str>,
    pub at: Timestamp,
}

/// A signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignalRow {
    pub signal: NewSignal,
    /// The instance that took it.
    pub taken_by: Option<InstanceKey>,
}

/// Waits and signals. Waits are written, and signals taken, by [`RunStore::commit`](crate::RunStore::commit) alone.
#[async_trait]
pub trait WaitStore: Send + Sync {
    /// Waits of a run's instances that wait, by node and map index.
    async fn waits_of_run(&self, scope: TenantScope, run: RunKey) -> Result<Vec<WaitRow>, StoreError>;

    /// Instances that wait for this, of all runs, in the order of their keys after `after`. For a signal, [`Self::waits_of_run`] asks
    /// less.
    async fn waits_on(
        &self,
        scope: TenantScope,
        kind: WaitKind,
        key: &str,
        after: Option<InstanceKey>,
        limit: u32,
    ) -> Result<Vec<WaitRow>, StoreError>;

    /// Waits for people, in the order of their instances' keys.
    async fn wait_list(
        &self,
        scope: TenantScope,
        filter: &WaitFilter,
        page: PageRequest,
    ) -> Result<Page<WaitRow>, StoreError>;

    /// Keeps a signal for a run that has not ended. False when one with this id is there already, which stays as it is. Fails with
    /// [`StoreError::Conflict`] when there is no such run, or it has ended, and with [`StoreError::LimitReached`] above
    /// `limits::run::SIGNALS_MAX` signals that nobody has taken.
    async fn signal_insert(&self, signal: &NewSignal) -> Result<bool, StoreError>;

    /// Signals to a run, taken or not, in the order in which they came.
    async fn signal_list(&self, scope: TenantScope, run: RunKey) -> Result<Vec<SignalRow>, StoreError>;

    /// The signal that an instance took last.
    async fn signal_of_instance(
        &self,
        scope: TenantScope,
        instance: InstanceKey,
    ) -> Result<Option<SignalRow>, StoreError>;
}
