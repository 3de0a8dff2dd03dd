//! A simulated server process: a scheduler with the workers in it. When it dies, everything that it knew is gone.

use std::sync::Arc;

use clock::{Clock, Ids, Sim};
use model::WorkerId;
use scheduler::{Scheduler, SchedulerLimits, SchedulerParts, Versions};
use store::TaskQueue;
use testkit::dice::Dice;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use crate::{Link, SimStore, SimWorker, Trace};

/// What every process of a simulation shares.
#[derive(Clone)]
pub struct Ground {
    pub seed: u64,
    pub clock: Sim,
    pub store: SimStore,
    pub trace: Trace,
}

/// One lifetime of a server.
pub struct Process {
    pub link: Arc<Link>,
    pub workers: Vec<SimWorker>,
    ground: Ground,
    started: watch::Receiver<Option<Started>>,
    /// Dropped with the process, and all of its tasks with it.
    tasks: JoinSet<()>,
}

/// What there is once the scheduler has its epoch.
#[derive(Clone)]
pub struct Started {
    pub scheduler: Scheduler,
    pub queue: Arc<dyn TaskQueue>,
    run_loop: AbortHandle,
}

impl Ground {
    pub fn new(seed: u64) -> Self {
        let clock = Sim::new(seed);
        Self { seed, clock: clock.clone(), store: SimStore::default(), trace: Trace::new(clock) }
    }

    /// Starts a server, which tries again until the database answers.
    pub fn start(&self, name: &str, limits: SchedulerLimits, dice: Dice) -> Process {
        let link = Link::new(name.to_owned(), self.store.clone(), self.clock.clone(), self.trace.clone(), dice);
        let (sender, started) = watch::channel(None);
        let mut tasks = JoinSet::new();
        tasks.spawn(start(link.clone(), limits, self.clock.clone(), self.trace.clone(), sender));
        self.trace.line(format_args!("{name} starts"));
        Process { link, workers: Vec::new(), ground: self.clone(), started, tasks }
    }
}

async fn start(
    link: Arc<Link>,
    limits: SchedulerLimits,
    clock: Sim,
    trace: Trace,
    sender: watch::Sender<Option<Started>>,
) {
    loop {
        let parts = SchedulerParts {
            runs: link.clone(),
            versions: Arc::new(Versions::new(link.clone())),
            clock: Arc::new(clock.clone()),
            limits,
        };
        match Scheduler::start(parts).await {
            Ok(scheduler::Started { scheduler, queue, run_loop, .. }) => {
                sender.send_replace(Some(Started { scheduler, queue, run_loop: run_loop.abort_handle() }));
                return watch_over(run_loop, &trace).await;
            }
            Err(_) => clock.sleep(std::time::Duration::from_millis(100)).await,
        }
    }
}

/// A loop that panics leaves a server that does nothing.
async fn watch_over(run_loop: JoinHandle<()>, trace: &Trace) {
    if let Err(error) = run_loop.await
        && error.is_panic()
    {
        trace.broken(format!("the scheduler's loop panicked: {error}"));
    }
}

impl Process {
    /// Its scheduler, once it has one.
    pub fn started(&self) -> Option<Started> {
        self.started.borrow().clone()
    }

    /// Adds a worker; false while there is no scheduler.
    pub async fn add_worker(&mut self, slots: u32) -> bool {
        let Some(started) = self.started() else { return false };
        let Ground { clock, store, trace, .. } = self.ground.clone();
        let id = WorkerId::from_uuid(clock.uuid());
        match SimWorker::start(id, slots, started.queue, (clock, store, trace)).await {
            Ok(worker) => self.workers.push(worker),
            Err(error) => self.ground.trace.broken(format!("a worker cannot register: {error}")),
        }
        true
    }

    /// Runs `task` as part of the process.
    pub fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// The process dies.
    pub fn kill(self) {
        self.link.cut();
        if let Some(started) = self.started() {
            started.run_loop.abort();
        }
    }
}
