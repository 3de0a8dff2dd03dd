//! Runs of other DAGs, as guests ask for them.

use async_trait::async_trait;
use model::{DagId, InstanceKey, RunId, TenantScope};
use sandbox::{RunRequest, RunStatus};

/// Starts runs and tells how they stand. Whoever wires a worker gives it one: what a run may be given is decided elsewhere.
#[async_trait]
pub trait RunPort: Send + Sync {
    /// Starts a run for an instance of the tenant. A run of this id that the same instance has started is that one.
    async fn trigger(&self, scope: TenantScope, parent: RunOf, request: RunRequest) -> Result<RunId, RunPortError>;

    /// How a run stands; nothing where there is none.
    async fn status(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        run_id: &RunId,
    ) -> Result<Option<RunStatus>, RunPortError>;
}

/// An instance that starts a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOf {
    pub dag_id: DagId,
    pub run_id: RunId,
    pub instance: InstanceKey,
}

/// Why a run was not started, or cannot be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunPortError {
    /// It may never be; the text says why.
    #[error("{0}")]
    Invalid(String),
    /// A limit is reached; the text names it and both numbers.
    #[error("{0}")]
    QuotaExceeded(String),
    /// Not now.
    #[error("{0}")]
    Unavailable(String),
}
