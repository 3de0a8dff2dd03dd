//! What use-cases need of those who do the work. Each has an implementation in the binary and a double in the tests.

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use model::{MapIndex, NodeIdx, RunKey, TaskId, TenantScope};
use scheduler::{Act, Asker, Changes, ControlError, Explained, NewTrigger, RunProgress, Scheduler, TriggerError};
use store::{ClaimedRun, NewSignal};

/// Starts and follows runs, and does what people ask of them.
#[async_trait]
pub trait Scheduling: Send + Sync {
    /// Starts a run; returns when it is durable.
    async fn trigger(&self, trigger: NewTrigger) -> Result<(), TriggerError>;

    /// Clears, marks or ends something of a run, and tells what changes; returns when it is durable. A dry run tells what would.
    async fn act(
        &self,
        scope: TenantScope,
        run: RunKey,
        act: Act,
        asker: Asker,
        dry_run: bool,
    ) -> Result<Changes, ControlError>;

    /// Keeps a signal for a run and wakes who waits for it; returns when it is durable.
    async fn signal(&self, signal: NewSignal) -> Result<bool, ControlError>;

    /// Why an instance does not run now.
    async fn explain(
        &self,
        scope: TenantScope,
        run: RunKey,
        task_id: TaskId,
        map_index: MapIndex,
    ) -> Result<Explained, ControlError>;

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

    async fn act(
        &self,
        scope: TenantScope,
        run: RunKey,
        act: Act,
        asker: Asker,
        dry_run: bool,
    ) -> Result<Changes, ControlError> {
        Scheduler::act(self, scope, run, act, asker, dry_run).await
    }

    async fn signal(&self, signal: NewSignal) -> Result<bool, ControlError> {
        Scheduler::signal(self, signal).await
    }

    async fn explain(
        &self,
        scope: TenantScope,
        run: RunKey,
        task_id: TaskId,
        map_index: MapIndex,
    ) -> Result<Explained, ControlError> {
        Scheduler::explain(self, scope, run, task_id, map_index).await
    }

    fn poke(&self) {
        Scheduler::poke(self);
    }

    fn watch(&self, scope: TenantScope, run: RunKey) -> BoxStream<'static, RunProgress> {
        let watch = Scheduler::watch(self, scope, run);
        stream::unfold(watch, |mut watch| async move { Some((watch.changed().await, watch)) }).boxed()
    }
}

/// Names the instances of mapped tasks from their items.
#[async_trait]
pub trait Naming: Send + Sync {
    /// Names of instances of one task, in the same order; nothing where there is none.
    async fn names(&self, run: &ClaimedRun, node: NodeIdx, indexes: &[MapIndex]) -> Vec<Option<String>>;
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
