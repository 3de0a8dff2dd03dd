//! Parsing of uploads with the sandbox: compiled in one process, asked for its DAGs in another.

use std::sync::Arc;

use async_trait::async_trait;
use control::{ParseFailure, Parsing};
use model::TenantScope;
use sandbox::{DescribeFault, RunnerCommand};
use tokio::sync::Semaphore;
use worker::{ArtefactError, Artefacts};

/// Compiles into the cache that the worker reads, so that a first run need not compile again.
pub(crate) struct Parser {
    pub(crate) artefacts: Arc<Artefacts>,
    pub(crate) command: RunnerCommand,
    /// One for each parser process that may run.
    pub(crate) turns: Semaphore,
}

#[async_trait]
impl Parsing for Parser {
    async fn compile_and_describe(&self, scope: TenantScope, component: &[u8]) -> Result<Vec<String>, ParseFailure> {
        let artefact = self.artefacts.compile(scope, component).await.map_err(|error| match error {
            ArtefactError::Invalid(message) => ParseFailure::Uncompilable(message),
            ArtefactError::Unavailable(message) => ParseFailure::Process(message),
        })?;
        let _turn = self.turns.acquire().await.map_err(|error| ParseFailure::Process(error.to_string()))?;
        sandbox::describe(&self.command, &artefact).await.map_err(|error| match error.fault {
            DescribeFault::Process(message) => ParseFailure::Process(message),
            fault => ParseFailure::Undescribed {
                message: fault.to_string(),
                log: error.log.into_iter().map(|line| line.text).collect(),
            },
        })
    }
}
