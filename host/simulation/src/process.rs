//! A simulated server process: a scheduler with the workers in it. When it dies, everything that it knew is gone.

use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, Ids};
use model::WorkerId;
use scheduler::{Scheduler, SchedulerLimits, SchedulerParts, Versions};
use store::TaskQueue;
use testkit::dice::Dice;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use crate::{Ground, Link, SimWorker, Trace};

/// Pause before a start is tried again.
const START_PAUSE: Duration = Duration::from_millis(100);

/// One lifetime of a server.
pub struct Process {
    pub link: Arc<Link>,
    pub workers: Vec<SimWorker>,
    ground: Ground,
    started: watch::Receiver<Option<Started>>,
    /// Ends with the process.
    _tasks: JoinSet<()>,
}

/// What there is once the scheduler has its epoch.
#[derive(Clone)]
pub struct Started {
    pub scheduler: Scheduler,
    pub queue: Arc<dyn TaskQueue>,
    run_loop: AbortHandle,
}

async fn start(ground: Ground, link: Arc<Link>, limits: SchedulerLimits, sender: watch::Sender<Option<Started>>) {
    loop {
        let parts = SchedulerParts {
            runs: link.clone(),
            versions: Arc::new(Versions::new(link.clone())),
            clock: Arc::new(ground.clock.clone()),
            limits,
        };
        match Scheduler::start(parts).await {
            Ok(scheduler::Started { scheduler, queue, run_loop, .. }) => {
                sender.send_replace(Some(Started { scheduler, queue, run_loop: run_loop.abort_handle() }));
                return watch_over(run_loop, &ground.trace).await;
            }
            Err(_) => ground.clock.sleep(START_PAUSE).await,
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
    /// Starts a server, which tries again until the database answers.
    pub fn start(ground: &Ground, name: &str, limits: SchedulerLimits, dice: Dice) -> Self {
        ground.trace.line(format_args!("{name} starts"));
        let link = Link::new(name.to_owned(), ground, dice);
        let (sender, started) = watch::channel(None);
        let mut tasks = JoinSet::new();
        tasks.spawn(start(ground.clone(), link.clone(), limits, sender));
        Self { link, workers: Vec::new(), ground: ground.clone(), started, _tasks: tasks }
    }

    /// Its scheduler, once it has one.
    pub fn started(&self) -> Option<Started> {
        self.started.borrow().clone()
    }

    /// Adds a worker; false while there is no scheduler.
    pub async fn add_worker(&mut self, slots: u32) -> bool {
        let Some(started) = self.started() else { return false };
        let id = WorkerId::from_uuid(self.ground.clock.uuid());
        match SimWorker::start(&self.ground, id, slots, started.queue).await {
            Ok(worker) => self.workers.push(worker),
            Err(error) => self.ground.trace.broken(format!("a worker cannot register: {error}")),
        }
        true
    }

    /// The process dies.
    pub fn kill(self) {
        self.link.cut();
        if let Some(started) = self.started() {
            started.run_loop.abort();
        }
    }
}
