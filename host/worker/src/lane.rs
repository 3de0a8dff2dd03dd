//! The runner processes of one tenant.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::counter;
use model::TenantId;
use sandbox::{Artefact, Assignment, HostPort, LoadError, Runner, RunnerCommand, RunnerEvent, SpawnError};
use tokio::sync::{Mutex, MutexGuard, mpsc};

use crate::metric_names::RUNNERS_STARTED;

/// How often a runner that died while it was given work is replaced before the work is given back.
const RUNNERS_PER_ASSIGNMENT: usize = 3;

/// Why work could not be given to a runner.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaneError {
    #[error("{0}")]
    Spawn(#[from] SpawnError),
    #[error("{0}")]
    Load(String),
    #[error("{RUNNERS_PER_ASSIGNMENT} runners died one after another while they were given work")]
    Dying,
}

/// One shared runner, started when first needed, replaced when it dies.
pub(crate) struct Lane {
    tenant: TenantId,
    command: RunnerCommand,
    slots: u32,
    host: Arc<dyn HostPort>,
    live: Mutex<Option<Arc<Runner>>>,
    quarantine: Mutex<Option<Alone>>,
    /// Suspects that run or wait for the quarantine.
    suspects: AtomicUsize,
}

/// A runner that holds one suspect at a time.
pub(crate) struct Alone {
    pub(crate) runner: Runner,
    pub(crate) events: mpsc::Receiver<RunnerEvent>,
}

impl Lane {
    pub(crate) fn new(tenant: TenantId, command: RunnerCommand, slots: u32, host: Arc<dyn HostPort>) -> Self {
        Self {
            tenant,
            command,
            slots,
            host,
            live: Mutex::new(None),
            quarantine: Mutex::new(None),
            suspects: AtomicUsize::new(0),
        }
    }

    /// Gives work to the shared runner. `on_start` takes the events of a runner that had to be started for it,
    /// `on_choice` hears which one it will be.
    pub(crate) async fn assign(
        &self,
        artefact: &Artefact,
        assignments: Vec<Assignment>,
        on_start: impl Fn(Arc<Runner>, mpsc::Receiver<RunnerEvent>),
        on_choice: impl Fn(u32),
    ) -> Result<(), LaneError> {
        for _ in 0..RUNNERS_PER_ASSIGNMENT {
            let runner = self.runner(&on_start).await?;
            on_choice(runner.pid());
            match runner.load(artefact).await {
                Ok(()) => {}
                Err(LoadError::Gone) => {
                    self.forget(runner.pid()).await;
                    continue;
                }
                Err(error) => return Err(LaneError::Load(error.to_string())),
            }
            if runner.assign(assignments.clone()).await.is_ok() {
                return Ok(());
            }
            self.forget(runner.pid()).await;
        }
        Err(LaneError::Dying)
    }

    /// Waits until no other suspect runs. The place may hold the runner of the one before; whoever leaves with
    /// [`Self::leave_quarantine`] and is the last ends it.
    pub(crate) async fn enter_quarantine(&self) -> MutexGuard<'_, Option<Alone>> {
        self.suspects.fetch_add(1, Ordering::SeqCst);
        self.quarantine.lock().await
    }

    pub(crate) fn leave_quarantine(&self, mut place: MutexGuard<'_, Option<Alone>>) {
        if self.suspects.fetch_sub(1, Ordering::SeqCst) == 1 {
            *place = None;
        }
    }

    /// A runner for suspects.
    pub(crate) async fn alone(&self) -> Result<Alone, SpawnError> {
        counter!(RUNNERS_STARTED).increment(1);
        let (runner, events) = Runner::spawn(&self.command, self.tenant, 1, self.host.clone()).await?;
        Ok(Alone { runner, events })
    }

    /// The shared runner, if one is live.
    pub(crate) async fn live(&self) -> Option<Arc<Runner>> {
        self.live.lock().await.clone()
    }

    /// Takes a dead runner out of use.
    pub(crate) async fn forget(&self, pid: u32) {
        let mut live = self.live.lock().await;
        if live.as_ref().is_some_and(|runner| runner.pid() == pid) {
            *live = None;
        }
    }

    async fn runner(
        &self,
        on_start: &impl Fn(Arc<Runner>, mpsc::Receiver<RunnerEvent>),
    ) -> Result<Arc<Runner>, SpawnError> {
        let mut live = self.live.lock().await;
        if let Some(runner) = &*live {
            return Ok(runner.clone());
        }
        let (runner, events) = Runner::spawn(&self.command, self.tenant, self.slots, self.host.clone()).await?;
        counter!(RUNNERS_STARTED).increment(1);
        let runner = Arc::new(runner);
        *live = Some(runner.clone());
        on_start(runner.clone(), events);
        Ok(runner)
    }
}
