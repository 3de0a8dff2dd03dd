//! Asking a component for its DAGs, seen from the server.

use crate::{Artefact, LogLine, RunnerCommand};

/// Why a component told no DAGs. `log` is what it said meanwhile.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub struct DescribeError {
    pub fault: DescribeFault,
    pub log: Vec<LogLine>,
}

/// What went wrong while parsing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, thiserror::Error)]
pub enum DescribeFault {
    /// The component has no `definition`, or imports what parsing does not offer.
    #[error("the component cannot be instantiated for parsing: {0}")]
    Unlinkable(String),
    #[error("parsing went past its limit of time: {0}")]
    TimedOut(String),
    #[error("the component trapped while it was parsed: {0}")]
    Trapped(String),
    #[error("parsing went over a limit: {0}")]
    OverLimit(String),
    /// `dags` returned an error: this is its text.
    #[error("the component reports an error: {0}")]
    Reported(String),
    #[error("two calls of `dags` gave different answers: {0}")]
    Nondeterministic(String),
    #[error("`dags` returned text that is not JSON: {0}")]
    BadJson(String),
    /// Not the component's fault.
    #[error("the parser process failed: {0}")]
    Process(String),
}

/// Calls `dags` of a component in isolation and gives the DAG documents.
pub async fn describe(_command: &RunnerCommand, _artefact: &Artefact) -> Result<Vec<String>, DescribeError> {
    unimplemented!()
}
