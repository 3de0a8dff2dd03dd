//! The runner processes of one tenant.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use metrics::counter;
use model::TenantId;
use sandbox::{HostPort, Runner, RunnerCommand, RunnerEvent, SpawnError};
use tokio::sync::{Mutex, MutexGuard, mpsc};

use crate::metric_names::RUNNERS_STARTED;

/// How often a runner that died while it was given work is replaced before the work is given back.
pub(crate) const RUNNERS_PER_ASSIGNMENT: usize = 3;

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

/// One shared runner, started when first needed, replaced when it dies; and one for suspects while there are some.
pub(crate) struct Lane {
    tenant: TenantId,
    command: RunnerCommand,
    slots: u32,
    host: Arc<dyn HostPort>,
    live: Mutex<Option<Arc<Runner>>>,
    quarantine: Mutex<Option<Alone>>,
    /// The runner in the quarantine, for those who must reach it while a suspect runs.
    isolated: std::sync::Mutex<Weak<Runner>>,
    /// Suspects that run or wait for the quarantine.
    suspects: AtomicUsize,
}

/// A runner that holds one suspect at a time.
pub(crate) struct Alone {
    pub(crate) runner: Arc<Runner>,
    pub(crate) events: mpsc::Receiver<RunnerEvent>,
}

/// The right to run a suspect: nobody else does meanwhile. The place may hold the runner of the suspect before; the last one
/// to leave ends it.
pub(crate) struct Quarantine<'a> {
    suspects: &'a AtomicUsize,
    place: Option<MutexGuard<'a, Option<Alone>>>,
}

impl Quarantine<'_> {
    /// The runner that the one before has left.
    pub(crate) fn take(&mut self) -> Option<Alone> {
        self.place.as_mut()?.take()
    }

    /// Leaves a runner that lives to the next one.
    pub(crate) fn put(&mut self, alone: Alone) {
        if let Some(place) = &mut self.place {
            **place = Some(alone);
        }
    }
}

impl Drop for Quarantine<'_> {
    fn drop(&mut self) {
        if self.suspects.fetch_sub(1, Ordering::SeqCst) == 1
            && let Some(place) = &mut self.place
        {
            **place = None;
        }
    }
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
            isolated: std::sync::Mutex::default(),
            suspects: AtomicUsize::new(0),
        }
    }

    /// The shared runner. `on_start` takes the events of one that had to be started.
    pub(crate) async fn runner(
        &self,
        on_start: &impl Fn(&Runner, mpsc::Receiver<RunnerEvent>),
    ) -> Result<Arc<Runner>, SpawnError> {
        let mut live = self.live.lock().await;
        if let Some(runner) = &*live {
            return Ok(runner.clone());
        }
        let (runner, events) = Runner::spawn(&self.command, self.tenant, self.slots, self.host.clone()).await?;
        counter!(RUNNERS_STARTED).increment(1);
        let runner = Arc::new(runner);
        *live = Some(runner.clone());
        on_start(&runner, events);
        Ok(runner)
    }

    /// Takes a dead runner out of use.
    pub(crate) async fn forget(&self, pid: u32) {
        let mut live = self.live.lock().await;
        if live.as_ref().is_some_and(|runner| runner.pid() == pid) {
            *live = None;
        }
    }

    /// Waits until no other suspect runs.
    pub(crate) async fn enter_quarantine(&self) -> Quarantine<'_> {
        self.suspects.fetch_add(1, Ordering::SeqCst);
        // Counts down again also when it is dropped while it waits.
        let mut quarantine = Quarantine { suspects: &self.suspects, place: None };
        quarantine.place = Some(self.quarantine.lock().await);
        quarantine
    }

    /// A runner for suspects.
    pub(crate) async fn alone(&self) -> Result<Alone, SpawnError> {
        let (runner, events) = Runner::spawn(&self.command, self.tenant, 1, self.host.clone()).await?;
        counter!(RUNNERS_STARTED).increment(1);
        let runner = Arc::new(runner);
        *self.isolated() = Arc::downgrade(&runner);
        Ok(Alone { runner, events })
    }

    /// The live runners.
    pub(crate) async fn runners(&self) -> Vec<Arc<Runner>> {
        let shared = self.live.lock().await.clone();
        shared.into_iter().chain(self.isolated().upgrade()).collect()
    }

    /// How many run in the quarantine or wait for it.
    #[cfg(test)]
    pub(crate) fn suspects(&self) -> usize {
        self.suspects.load(Ordering::SeqCst)
    }

    fn isolated(&self) -> std::sync::MutexGuard<'_, Weak<Runner>> {
        self.isolated.lock().expect("no panic while the lock is held")
    }
}
