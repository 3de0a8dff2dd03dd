//! One runner process, seen from the worker.

use std::collections::VecDeque;
use std::sync::Arc;

use clock::{Clock, Real};
use model::limits::worker::{COMPONENTS_LOADED_MAX, SLOTS_MAX};
use model::{Digest, TenantId};
use tokio::sync::{Mutex, Notify, mpsc, oneshot};

use super::command::RunnerCommand;
use super::link::{Link, LinkError, load_messages};
use super::supervisor::{Command, EVENTS_QUEUE, Supervisor};
use crate::protocol::{Mode, ToChild};
use crate::{Artefact, Assignment, Completion, HostPort, LogPiece, Progress, metric_names};

/// Commands that wait for the writer.
const COMMANDS_QUEUE: usize = 256;

/// A live runner process of one tenant. Dropping it kills the process.
pub struct Runner {
    tenant: TenantId,
    pid: u32,
    commands: mpsc::Sender<Command>,
    kill: Arc<Notify>,
    /// The components that the process holds; the one that was longest not asked for comes first.
    loaded: Mutex<VecDeque<Digest>>,
}

/// What a runner tells its worker, in order. The last event is [`RunnerEvent::Died`].
#[derive(Debug)]
pub enum RunnerEvent {
    /// The guests of these attempts are about to run.
    Started(Vec<u64>),
    /// These attempts have ended; each assignment ends exactly once, here or in [`RunnerEvent::Died`].
    Done(Vec<Completion>),
    Log(Vec<LogPiece>),
    Progress(Vec<Progress>),
    /// The process has ended. `started` were running and are suspects; `waiting` were assigned and never began.
    Died {
        reason: String,
        started: Vec<u64>,
        waiting: Vec<u64>,
    },
}

/// Why no runner could be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start a runner: {0}")]
pub struct SpawnError(String);

/// The runner has ended; [`RunnerEvent::Died`] tells why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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

impl From<RunnerGone> for LoadError {
    fn from(_: RunnerGone) -> Self {
        Self::Gone
    }
}

impl Runner {
    /// Starts a runner for `tenant` that runs at most `slots` attempts at a time; returns when it is ready.
    pub async fn spawn(
        command: &RunnerCommand,
        tenant: TenantId,
        slots: u32,
        host: Arc<dyn HostPort>,
    ) -> Result<(Runner, mpsc::Receiver<RunnerEvent>), SpawnError> {
        let began = Real.monotonic();
        let slots = slots.clamp(1, SLOTS_MAX);
        let failed = |error: LinkError| SpawnError(crate::error_chain::chain(&error));
        let link = Link::open(command, Mode::Tasks { slots }).await.map_err(failed)?;
        let pid = link.child.id().ok_or_else(|| SpawnError("the process ended at once".into()))?;
        metrics::histogram!(metric_names::RUNNER_START_SECONDS).record(Real.monotonic() - began);
        tracing::info!(%tenant, pid, slots, "runner started");

        let (commands, commanded) = mpsc::channel(COMMANDS_QUEUE);
        let (events, receiver) = mpsc::channel(EVENTS_QUEUE);
        let kill = Arc::new(Notify::new());
        let supervisor = Supervisor { tenant, slots, host, events, kill: Arc::clone(&kill) };
        tokio::spawn(supervisor.run(link, commanded, commands.downgrade()));
        Ok((Runner { tenant, pid, commands, kill, loaded: Mutex::default() }, receiver))
    }

    /// Hands over a component; returns when the runner can run it. A component that is loaded already costs nothing.
    pub async fn load(&self, artefact: &Artefact) -> Result<(), LoadError> {
        let component = artefact.component();
        // Held to the end: artefacts travel one at a time.
        let mut loaded = self.loaded.lock().await;
        if let Some(place) = loaded.iter().position(|known| *known == component) {
            loaded.remove(place);
            loaded.push_back(component);
            return Ok(());
        }
        if loaded.len() >= COMPONENTS_LOADED_MAX
            && let Some(oldest) = loaded.pop_front()
        {
            self.send(Command::Tell(ToChild::Unload { component: oldest })).await?;
        }
        let (answer, answered) = oneshot::channel();
        self.send(Command::AwaitLoaded { component, answer }).await?;
        for message in load_messages(artefact) {
            self.send(Command::Tell(message)).await?;
        }
        answered.await.map_err(|_| LoadError::Gone)?.map_err(LoadError::Refused)?;
        loaded.push_back(component);
        Ok(())
    }

    /// Queues attempts; those above the slots wait in the runner.
    pub async fn assign(&self, assignments: Vec<Assignment>) -> Result<(), RunnerGone> {
        self.send(Command::Assign(assignments)).await
    }

    /// Ends attempts as cancelled; unknown ids (ended meanwhile) are ignored.
    pub async fn cancel(&self, ids: Vec<u64>) -> Result<(), RunnerGone> {
        for id in ids {
            self.send(Command::Tell(ToChild::Cancel { id })).await?;
        }
        Ok(())
    }

    /// Lets what runs end, gives back what waits as [`model::outcome::End::HostLost`], then ends the process;
    /// [`RunnerEvent::Died`] follows.
    pub async fn stop(&self) {
        // A runner that has ended is stopped.
        let _ = self.send(Command::Stop).await;
    }

    /// Ends the process as soon as the events before are taken; [`RunnerEvent::Died`] follows.
    pub fn kill(&self) {
        self.kill.notify_one();
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whose guests it runs, and no other's.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    async fn send(&self, command: Command) -> Result<(), RunnerGone> {
        self.commands.send(command).await.map_err(|_| RunnerGone)
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.kill();
    }
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Runner({}, pid {})", self.tenant, self.pid)
    }
}
