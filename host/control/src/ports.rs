//! What use-cases need of those who do the work. Each has an implementation in the binary and a double in the tests.

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use model::{RunKey, TenantScope};
use scheduler::{ClearError, NewTrigger, RunProgress, Scheduler, TriggerError};
use store::Cleared;

/// Starts, clears and follows runs.
#[async_trait]
pub trait Scheduling: Send + Sync {
    /// Starts a run; returns when it is durable.
    async fn trigger(&self, trigger: NewTrigger) -> Result<(), TriggerError>;

    /// Clears a run; returns when it is durable.
    async fn clear(&self, scope: TenantScope, run: RunKey, only_failed: bool) -> Result<Cleared, ClearError>;

    /// Something may be due: a version, a backfill or an event is new, or a DAG goes on.
    fn poke(&self);

    /// What commits change of a run from now on. The key may be that of a run that is about to be triggered. Pends when
    /// nothing changes it; dropping the stream leaves nothing behind.
    fn watch(&self, scope: TenantScope, run: RunKey) -> BoxStream<'static, RunProgress>;
}

#[async_trait]
impl Scheduling for Scheduler {
    async fn trigger(&self, trigger: NewTrigger) -> Result<(), TriggerError> {
        Scheduler::trigger(self, trigger).await
    }

    async fn clear(&self, scope: TenantScope, run: RunKey, only_failed: bool) -> Result<Cleared, ClearError> {
        Scheduler::clear(self, scope, run, only_failed).await
    }

    fn poke(&self) {
        Scheduler::poke(self);
    }

    fn watch(&self, scope: TenantScope, run: RunKey) -> BoxStream<'static, RunProgress> {
        let watch = Scheduler::watch(self, scope, run);
        stream::unfold(watch, |mut watch| async move { Some((watch.changed().await, watch)) }).boxed()
    }
}

/// Compiles components and asks them for their DAGs, in processes of their own.
#[async_trait]
pub trait Parsing: Send + Sync {
    /// The DAG documents that a component tells.
    async fn compile_and_describe(&self, scope: TenantScope, component: &[u8]) -> Result<Vec<String>, ParseFailure>;
}

/// Why a component tells no DAGs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseFailure {
    /// The engine does not take the component.
    #[error("{0}")]
    Uncompilable(String),
    /// It ran and did not answer as it must; `log` is what it said meanwhile.
    #[error("{message}")]
    Undescribed { message: String, log: Vec<String> },
    /// Not the component's fault.
    #[error("{0}")]
    Process(String),
}
