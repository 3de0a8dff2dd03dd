//! Asking a component for its DAGs, seen from the server.

use std::time::Duration;

use clock::{Clock, Real};
use model::limits::parse::WALL_MAX_MS;
use model::limits::worker::KILL_AFTER_DEADLINE_MS;
use serde::{Deserialize, Serialize};

use super::command::RunnerCommand;
use super::link::{Link, LinkError};
use crate::protocol::{FromChild, Mode, ToChild};
use crate::{Artefact, LogLine, metric_names};

/// Two calls, and the patience of the supervisor.
const PROCESS_WALL: Duration = Duration::from_millis(2 * WALL_MAX_MS + KILL_AFTER_DEADLINE_MS);

/// Why a component told no DAGs. `log` is what it said meanwhile.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub struct DescribeError {
    pub fault: DescribeFault,
    pub log: Vec<LogLine>,
}

/// What went wrong while parsing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DescribeFault {
    /// The component has no `definition`, or imports what is not offered.
    #[error("the component cannot be instantiated: {0}")]
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
    #[error("`dags` returned text that is not a DAG document: {0}")]
    BadJson(String),
    /// Not the component's fault.
    #[error("the parser process failed: {0}")]
    Process(String),
}

impl DescribeFault {
    /// A stable slug.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unlinkable(_) => "component-unlinkable",
            Self::TimedOut(_) => "parse-timeout",
            Self::Trapped(_) => "parse-trapped",
            Self::OverLimit(_) => "parse-over-limit",
            Self::Reported(_) => "parse-reported",
            Self::Nondeterministic(_) => "parse-nondeterministic",
            Self::BadJson(_) => "parse-bad-json",
            Self::Process(_) => "parse-process",
        }
    }
}

/// Calls `dags` of a component in isolation, in a process of its own, and gives the DAG documents.
pub async fn describe(command: &RunnerCommand, artefact: &Artefact) -> Result<Vec<String>, DescribeError> {
    let began = Real.monotonic();
    let asked = tokio::time::timeout(PROCESS_WALL, ask(command, artefact)).await;
    let answer = asked.unwrap_or_else(|_| {
        let fault = DescribeFault::TimedOut(format!("the process was ended after {} ms", PROCESS_WALL.as_millis()));
        Err(DescribeError { fault, log: Vec::new() })
    });
    let label = answer.as_ref().map_or_else(|error| error.fault.code(), |_| "described");
    metrics::histogram!(metric_names::DESCRIBE_SECONDS, "outcome" => label).record(Real.monotonic() - began);
    answer
}

async fn ask(command: &RunnerCommand, artefact: &Artefact) -> Result<Vec<String>, DescribeError> {
    let process = |error: LinkError| DescribeError {
        fault: DescribeFault::Process(crate::error_chain::chain(&error)),
        log: Vec::new(),
    };
    let mut link = Link::open(command, Mode::Parse).await.map_err(process)?;
    match link.load(artefact).await {
        Err(LinkError::Refused(why)) => {
            return Err(DescribeError { fault: DescribeFault::Unlinkable(why), log: Vec::new() });
        }
        loaded => loaded.map_err(process)?,
    }
    link.send(&ToChild::Describe { component: artefact.component }).await.map_err(process)?;
    match link.receive().await.map_err(process)? {
        FromChild::Described { outcome, log } => outcome.map_err(|fault| DescribeError { fault, log }),
        _ => Err(process(LinkError::Violation)),
    }
}
