//! One runner process, seen from the worker.

use std::sync::Arc;

use model::TenantId;
use tokio::sync::mpsc;

use crate::{Artefact, Assignment, Completion, HostPort, LogPiece, Progress, RunnerCommand};

/// A live runner process of one tenant. Dropping it kills the process.
#[derive(Debug)]
pub struct Runner {}

/// What a runner tells its worker, in order. The last event is [`RunnerEvent::Died`].
#[derive(Debug)]
pub enum RunnerEvent {
    /// The guests of these attempts are about to run.
    Started(Vec<u64>),
    Done(Vec<Completion>),
    Log(Vec<LogPiece>),
    Progress(Vec<Progress>),
    /// The process has ended. `started` were running, `waiting` were assigned and never began: those may run again without suspicion.
    Died { reason: String, started: Vec<u64>, waiting: Vec<u64> },
}

/// Why no runner could be started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    #[error("cannot start {program}")]
    Start { program: String, source: std::io::Error },
    #[error("the runner ended before it was ready: {0}")]
    NotReady(String),
}

/// The runner has ended; [`RunnerEvent::Died`] tells why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the runner has ended")]
pub struct RunnerGone;

/// Why a component could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("the runner refuses the artefact: {0}")]
    Refused(String),
    #[error("the runner has ended")]
    Gone,
}

impl Runner {
    /// Starts a runner for `tenant` that runs at most `slots` attempts at a time.
    pub async fn spawn(
        _command: &RunnerCommand,
        _tenant: TenantId,
        _slots: u32,
        _host: Arc<dyn HostPort>,
    ) -> Result<(Runner, mpsc::Receiver<RunnerEvent>), SpawnError> {
        unimplemented!()
    }

    /// Hands over a component; returns when the runner can run it. A component that is loaded already costs nothing.
    pub async fn load(&self, _artefact: &Artefact) -> Result<(), LoadError> {
        unimplemented!()
    }

    /// Queues attempts; those above the slots wait in the runner.
    pub async fn assign(&self, _assignments: Vec<Assignment>) -> Result<(), RunnerGone> {
        unimplemented!()
    }

    /// Ends attempts as cancelled; unknown ids (ended meanwhile) are ignored.
    pub async fn cancel(&self, _ids: Vec<u64>) -> Result<(), RunnerGone> {
        unimplemented!()
    }

    /// Lets what runs end, takes nothing new, then ends the process; [`RunnerEvent::Died`] follows.
    pub async fn stop(&self) {
        unimplemented!()
    }

    /// Ends the process at once; [`RunnerEvent::Died`] follows.
    pub fn kill(&self) {
        unimplemented!()
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        unimplemented!()
    }
}
