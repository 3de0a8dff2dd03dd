//! A simulated server process: a scheduler with the workers in it, alone on its database or with others. When it dies, everything
//! that it knew is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clock::{Clock, Ids};
use model::{ServerId, WorkerId};
use scheduler::{
    ClusterParts, Evicted, Scheduler, SchedulerLimits, SchedulerParts, Timekeeper, TimekeeperParts, Versions,
};
use store::{NewServer, StoreError, TaskQueue};
use testkit::dice::Dice;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use uuid::Uuid;

use crate::{Ground, Link, ProcessClock, SharedLink, SimWorker, Trace};

/// Pause before a start is tried again.
const START_PAUSE: Duration = Duration::from_millis(100);

/// What a process is to its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nobody else uses the database.
    Alone,
    /// One of several.
    Member { node: Uuid, is_scheduler: bool, slots: u32 },
}

/// One lifetime of a server.
pub struct Process {
    pub link: Arc<Link>,
    pub workers: Vec<SimWorker>,
    ground: Ground,
    role: Role,
    started: watch::Receiver<Option<Started>>,
    is_evicted: Arc<AtomicBool>,
    timekeeper: Option<Timekeeper>,
    /// Ends with the process.
    _tasks: JoinSet<()>,
}

/// What there is once the scheduler has its epoch.
#[derive(Clone)]
pub struct Started {
    pub scheduler: Scheduler,
    pub queue: Arc<dyn TaskQueue>,
    /// Where there are others.
    pub server: Option<ServerId>,
    pub link: Arc<Link>,
    run_loop: AbortHandle,
}

struct Starter {
    ground: Ground,
    link: Arc<Link>,
    limits: SchedulerLimits,
    role: Role,
    name: String,
    is_evicted: Arc<AtomicBool>,
}

impl Starter {
    async fn run(self, sender: watch::Sender<Option<Started>>) {
        let Ok((started, server)) = self.start().await else {
            self.ground.clock.sleep(START_PAUSE).await;
            return Box::pin(self.run(sender)).await;
        };
        let scheduler::Started { scheduler, queue, run_loop, membership } = started;
        let (link, abort) = (self.link.clone(), run_loop.abort_handle());
        sender.send_replace(Some(Started { scheduler, queue, server, link, run_loop: abort }));
        let membership = watch_membership(membership, &self.ground.trace, &self.name, &self.is_evicted);
        tokio::join!(watch_loop(run_loop, &self.ground.trace), membership);
    }

    async fn start(&self) -> Result<(scheduler::Started, Option<ServerId>), StoreError> {
        let parts = SchedulerParts {
            runs: self.link.clone(),
            reader: self.link.clone(),
            waits: self.link.clone(),
            pools: self.link.clone(),
            variables: self.link.clone(),
            callbacks: self.link.clone(),
            versions: Arc::new(Versions::new(self.link.clone())),
            clock: Arc::new(ProcessClock(self.link.clone())),
            limits: self.limits,
        };
        let Role::Member { node, is_scheduler, slots } = self.role else {
            return Ok((Scheduler::start(parts).await?, None));
        };
        let id = ServerId::from_uuid(self.ground.clock.uuid());
        let version = "simulated".to_owned();
        let server = NewServer { id, node, name: self.name.clone(), version, is_scheduler, slots };
        let cluster = ClusterParts { store: Arc::new(SharedLink(self.link.clone())), server };
        Ok((Scheduler::start_shared(parts, cluster).await?, Some(id)))
    }
}

/// A loop that panics leaves a server that does nothing.
async fn watch_loop(run_loop: JoinHandle<()>, trace: &Trace) {
    if let Err(error) = run_loop.await
        && error.is_panic()
    {
        trace.broken(format!("the scheduler's loop panicked: {error}"));
    }
}

async fn watch_membership(
    membership: JoinHandle<Result<(), Evicted>>,
    trace: &Trace,
    name: &str,
    is_evicted: &AtomicBool,
) {
    match membership.await {
        Ok(Ok(())) => trace.line(format_args!("{name} has left")),
        Ok(Err(evicted)) => {
            trace.line(format_args!("{name}: {evicted}"));
            is_evicted.store(true, Ordering::Relaxed);
        }
        Err(error) if error.is_panic() => trace.broken(format!("the membership panicked: {error}")),
        Err(_) => {}
    }
}

impl Process {
    /// Starts a server, which tries again until the database answers.
    pub fn start(ground: &Ground, name: &str, role: Role, limits: SchedulerLimits, dice: Dice) -> Self {
        ground.trace.line(format_args!("{name} starts: {role:?}"));
        let link = Link::new(name.to_owned(), ground, dice);
        let (sender, started) = watch::channel(None);
        let is_evicted = Arc::new(AtomicBool::new(false));
        let starter = Starter {
            ground: ground.clone(),
            link: link.clone(),
            limits,
            role,
            name: name.to_owned(),
            is_evicted: is_evicted.clone(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(starter.run(sender));
        Self {
            link,
            workers: Vec::new(),
            ground: ground.clone(),
            role,
            started,
            is_evicted,
            timekeeper: None,
            _tasks: tasks,
        }
    }

    /// Its scheduler, once it has one.
    pub fn started(&self) -> Option<Started> {
        self.started.borrow().clone()
    }

    /// It has learnt that others have taken over; it does nothing any more.
    pub fn is_evicted(&self) -> bool {
        self.is_evicted.load(Ordering::Relaxed)
    }

    /// Nothing of it moves for so long.
    pub fn stop_for(&self, duration: Duration) {
        self.link.stop_until(self.ground.clock.monotonic() + duration);
        self.workers.iter().for_each(|worker| worker.stop_for(duration));
    }

    /// It goes on at once.
    pub fn go_on(&self) {
        self.link.stop_until(Duration::ZERO);
        self.workers.iter().for_each(SimWorker::go_on);
    }

    /// Adds a worker; false while there is no scheduler. Among others a process has one worker.
    pub async fn add_worker(&mut self, slots: u32) -> bool {
        let Some(started) = self.started() else { return false };
        let (id, slots) = match (started.server, self.role) {
            (Some(server), Role::Member { slots, .. }) => (server.worker(), slots),
            _ => (WorkerId::from_uuid(self.ground.clock.uuid()), slots),
        };
        match SimWorker::start(&self.ground, id, slots, started.queue).await {
            Ok(worker) => self.workers.push(worker),
            // The loop of one that was evicted has ended.
            Err(_) if started.server.is_some() => return false,
            Err(error) => self.ground.trace.broken(format!("a worker cannot register: {error}")),
        }
        true
    }

    /// Makes the runs that nobody asks for; nothing while there is no scheduler.
    pub fn keep_time(&mut self) {
        let Some(started) = self.started() else { return };
        let parts = TimekeeperParts {
            store: self.link.clone(),
            versions: Arc::new(Versions::new(self.link.clone())),
            clock: Arc::new(ProcessClock(self.link.clone())),
            ids: Arc::new(self.ground.clock.clone()),
        };
        self.timekeeper = Some(Timekeeper::start(started.scheduler, parts));
    }

    /// What makes the runs that nobody asks for.
    pub fn timekeeper(&self) -> Option<&Timekeeper> {
        self.timekeeper.as_ref()
    }

    /// The process dies.
    pub fn kill(self) {
        self.link.cut();
        if let Some(started) = self.started() {
            started.run_loop.abort();
        }
    }
}
