//! Parsing of uploads with the sandbox: compiled in one process, asked for its DAGs in another.

use std::sync::Arc;

use async_trait::async_trait;
use control::{ParseFailure, Parsing};
use model::TenantScope;
use sandbox::{DescribeFault, RunnerCommand};
use worker::{ArtefactError, Artefacts};

/// Compiles into the cache that the worker reads, so that a first run need not compile again.
pub(crate) struct Parser {
    pub(crate) artefacts: Arc<Artefacts>,
    pub(crate) command: RunnerCommand,
}

#[async_trait]
impl Parsing for Parser {
    async fn compile_and_describe(&self, scope: TenantScope, component: &[u8]) -> Result<Vec<String>, ParseFailure> {
        let artefact = self.artefacts.compile(scope, component).await.map_err(|error| match error {
            ArtefactError::Invalid(message) => ParseFailure::Uncompilable(message),
            ArtefactError::Unavailable(message) => ParseFailure::Process(message),
        })?;
        sandbox::describe(&self.command, &artefact).await.map_err(|error| match error.fault {
            DescribeFault::Process(message) => ParseFailure::Process(message),
            fault => ParseFailure::Undescribed {
                message: fault.to_string(),
                log: error.log.into_iter().map(|line| line.text).collect(),
            },
        })
    }
}
