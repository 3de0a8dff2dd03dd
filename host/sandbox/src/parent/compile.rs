//! Compiling, seen from the server.

use crate::{Artefact, RunnerCommand};

/// Why a component has no artefact.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The bytes are no component that the engine takes.
    #[error("the component cannot be compiled: {0}")]
    Invalid(String),
    /// The compiler went over a limit of time or memory, or died.
    #[error("the compiler gave up on the component: {0}")]
    Died(String),
    #[error("cannot start {program}")]
    Start { program: String, source: std::io::Error },
}

/// Compiles a component in a process of its own.
pub async fn compile(_command: &RunnerCommand, _component: &[u8]) -> Result<Artefact, CompileError> {
    unimplemented!()
}
