//! The handle that callers hold, and how the loop is started.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use model::limits::run::DEPTH_MAX;
use model::{MapIndex, RunKey, TaskId, TenantScope};
use plan::{Lengths, MachineLimits, RunMachine};
use store::{
    CallbackStore, NewSignal, PoolStore, RunReader, RunStore, StoreError, TaskQueue, VariableStore, WaitStore,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::active::context;
use crate::board::{Board, RunWatch};
use crate::by_hand::{Act, Asked, Asker, Changes, Clear, ControlError, Explained, Planned, Transfer, explained};
use crate::callback::{CallbackQueue, Caller};
use crate::cluster::{
    ClusterParts, ClusterQueue, Events, Evicted, Membership, News, OwnedShards, Puller, SharedStore, Waker,
};
use crate::command::{Command, NewTrigger, TriggerError};
use crate::cycle::new_run;
use crate::given::Given;
use crate::local_queue::LocalQueue;
use crate::news::News as TimeNews;
use crate::recovery::{self, Reader, Sources};
use crate::run_loop::{RunLoop, Shared};
use crate::version::Versions;

/// Commands that wait for the loop; more make their callers wait.
const INBOX: usize = 4096;
/// Between two looks whether another process has done what it was asked for, and for how long somebody looks.
const ASKED_PAUSE: Duration = Duration::from_millis(100);
const ASKED_MAX: Duration = Duration::from_secs(5);

/// Limits that an operator sets.
#[derive(Debug, Clone, Copy)]
pub struct SchedulerLimits {
    /// Unfinished runs in this process.
    pub runs: usize,
    /// Limits of each run.
    pub machine: MachineLimits,
    /// Instances of one tenant that run at a time; `None` for as many as there are slots.
    pub tenant_instances: Option<u32>,
}

impl Default for SchedulerLimits {
    fn default() -> Self {
        use model::limits::run::{INSTANCES_MAX, MAP_LENGTH_DEFAULT};
        let ceiling = u32::try_from(INSTANCES_MAX).unwrap_or(u32::MAX);
        let machine =
            MachineLimits { map_length: MAP_LENGTH_DEFAULT, map_length_ceiling: ceiling, instances: INSTANCES_MAX };
        Self { runs: 20_000, machine, tenant_instances: None }
    }
}

/// What the loop works with.
#[derive(Clone)]
pub struct SchedulerParts {
    pub runs: Arc<dyn RunStore>,
    pub reader: Arc<dyn RunReader>,
    pub waits: Arc<dyn WaitStore>,
    pub pools: Arc<dyn PoolStore>,
    pub variables: Arc<dyn VariableStore>,
    pub callbacks: Arc<dyn CallbackStore>,
    pub versions: Arc<Versions>,
    pub clock: Arc<dyn Clock>,
    pub limits: SchedulerLimits,
}

impl SchedulerParts {
    pub(crate) fn sources(&self, cluster: Option<Arc<dyn SharedStore>>) -> Sources {
        let (runs, waits, versions) = (self.runs.clone(), self.waits.clone(), self.versions.clone());
        Sources { runs, waits, versions, cluster }
    }
}

/// The scheduler of this process.
#[derive(Clone)]
pub struct Scheduler {
    inbox: mpsc::Sender<Command>,
    board: Board,
    parts: SchedulerParts,
    cluster: Option<Neighbours>,
    /// For the timekeeper.
    news: TimeNews,
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler").finish_non_exhaustive()
    }
}

/// How to reach those who own what this process does not.
#[derive(Clone)]
struct Neighbours {
    store: Arc<dyn SharedStore>,
    owned: OwnedShards,
}

/// A scheduler that has been started.
pub struct Started {
    pub scheduler: Scheduler,
    /// For the worker of this process.
    pub queue: Arc<dyn TaskQueue>,
    /// Ends when the loop does.
    pub run_loop: JoinHandle<()>,
    /// Ends when the process has left its cluster; never without one.
    pub membership: JoinHandle<Result<(), Evicted>>,
}

impl Scheduler {
    /// Takes over from whoever ran before (their fences become stale) and starts the loop. Unfinished runs are read
    /// while new ones are taken already.
    pub async fn start(parts: SchedulerParts) -> Result<Started, StoreError> {
        let epoch = parts.runs.epoch_advance().await?;
        let (inbox, commands) = mpsc::channel(INBOX);
        let board = Board::default();
        let scheduler = Self {
            inbox: inbox.clone(),
            board: board.clone(),
            parts: parts.clone(),
            cluster: None,
            news: TimeNews::default(),
        };
        let (sources, clock) = (parts.sources(None), parts.clock.clone());
        let reader = Reader { sources, clock, inbox: inbox.clone(), epoch };
        tokio::spawn(recovery::read_unfinished(reader, None));
        let caller = scheduler.caller(&parts, true);
        let run_loop = tokio::spawn(RunLoop::new(parts, board, scheduler.news.clone(), epoch, None, commands).run());
        let queue = Arc::new(CallbackQueue::new(Arc::new(LocalQueue::new(inbox)), caller));
        Ok(Started { scheduler, queue, run_loop, membership: tokio::spawn(std::future::pending()) })
    }

    /// Joins the cluster of a shared database and starts the loop, which decides for the tenants whose shards this process
    /// takes.
    pub async fn start_shared(parts: SchedulerParts, cluster: ClusterParts) -> Result<Started, StoreError> {
        let (inbox, commands) = mpsc::channel(INBOX);
        let board = Board::default();
        let owned = OwnedShards::default();
        let (clock, store) = (parts.clock.clone(), cluster.store.clone());
        let neighbours = Neighbours { store: store.clone(), owned: owned.clone() };
        let scheduler = Self {
            inbox: inbox.clone(),
            board: board.clone(),
            parts: parts.clone(),
            cluster: Some(neighbours),
            news: TimeNews::default(),
        };
        let waker = Waker::new(clock.clone());
        let membership = Membership {
            cluster: cluster.clone(),
            sources: parts.sources(Some(store.clone())),
            clock: clock.clone(),
            inbox: inbox.clone(),
            owned: owned.clone(),
            waker: waker.clone(),
        };
        membership.join().await?;
        let events = Events {
            store: store.clone(),
            owned: owned.clone(),
            waker: waker.clone(),
            clock: clock.clone(),
            inbox: inbox.clone(),
        };
        let news = News {
            store: store.clone(),
            owned: owned.clone(),
            waker: waker.clone(),
            board: board.clone(),
            clock: clock.clone(),
        };
        let local = LocalQueue::new(inbox.clone());
        let server = cluster.server.id;
        let (sources, limits, waking) = (parts.sources(None), parts.limits.machine, waker.clone());
        let puller = Puller { store: store.clone(), server, sources, limits, clock, waker: waking, inbox };
        let queue = Arc::new(ClusterQueue::new(local, puller));
        let queue = CallbackQueue::new(queue, scheduler.caller(&parts, false));
        let shared = Shared::new(cluster, owned);
        let run_loop =
            tokio::spawn(RunLoop::new(parts, board, scheduler.news.clone(), 0, Some(shared), commands).run());
        // These end with the loop or with the process.
        tokio::spawn(waker.run(store.wakes()));
        tokio::spawn(events.run());
        tokio::spawn(news.run());
        let membership = tokio::spawn(membership.run());
        Ok(Started { scheduler, queue: Arc::new(queue), run_loop, membership })
    }

    /// Who calls what runs owe.
    fn caller(&self, parts: &SchedulerParts, is_alone: bool) -> Caller {
        let (store, versions, clock) = (parts.callbacks.clone(), parts.versions.clone(), parts.clock.clone());
        Caller::new(store, versions, clock, self.news.clone(), self.inbox.clone(), is_alone)
    }

    /// Something may be due sooner than this process thinks: a version, a backfill, an event or a pool is new, a DAG goes on,
    /// or a run is gone.
    /// Timekeepers of other processes find it at their next look.
    pub fn poke(&self) {
        // A loop that is behind looks anyway.
        let _ = self.inbox.try_send(Command::Poked);
        self.news().poke();
    }

    /// Starts a run; returns when it is durable.
    pub async fn trigger(&self, trigger: NewTrigger) -> Result<(), TriggerError> {
        let depth = trigger.parent.map_or(0, |parent| parent.depth);
        if depth > DEPTH_MAX {
            return Err(TriggerError::TooDeep { depth, max: DEPTH_MAX });
        }
        let (scope, dag) = (trigger.version.scope, trigger.version.dag.clone());
        let (conf, params) = (trigger.conf.clone(), trigger.params.clone());
        let given = Given::now(scope, &dag, conf, params, &*self.parts.variables).await?;
        let lengths = given.lengths(&dag)?;
        let Some(cluster) = &self.cluster else { return self.trigger_here(trigger, given, lengths).await };
        if cluster.owned.owns(scope) {
            match self.trigger_here(trigger.clone(), given.clone(), lengths.clone()).await {
                Err(TriggerError::NotOwner) => {}
                answer => return answer,
            }
        }
        let (run_id, now) = (trigger.run_id.clone(), self.parts.clock.now());
        // The owner decides again; only the lengths must stand in the rows from the beginning.
        let context = context(trigger.key, trigger.is_latest, &dag);
        let (_, decisions) = RunMachine::start(dag, &lengths, context, self.parts.limits.machine, now);
        match cluster.store.run_insert(new_run(trigger, &given, &decisions.expansions, now)).await {
            Err(StoreError::Conflict { .. }) => Err(TriggerError::Duplicate(run_id)),
            done => Ok(done?),
        }
    }

    async fn trigger_here(&self, trigger: NewTrigger, given: Given, lengths: Lengths) -> Result<(), TriggerError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Trigger { trigger: Box::new(trigger), given, lengths, reply };
        self.inbox.send(command).await.map_err(|_| TriggerError::Stopping)?;
        answer.await.map_err(|_| TriggerError::Stopping)?
    }

    /// Clears, marks or ends something of a run, and tells what changes; returns when it is durable. A dry run changes nothing and
    /// tells what would.
    pub async fn act(
        &self,
        scope: TenantScope,
        run: RunKey,
        act: Act,
        asker: Asker,
        is_dry_run: bool,
    ) -> Result<Changes, ControlError> {
        let Some(cluster) = &self.cluster else { return self.act_here(scope, run, act, asker, is_dry_run).await };
        if cluster.owned.owns(scope) {
            match self.act_here(scope, run, act.clone(), asker.clone(), is_dry_run).await {
                Err(ControlError::NotOwner) => {}
                answer => return answer,
            }
        }
        self.act_elsewhere(cluster, scope, run, act, asker, is_dry_run).await
    }

    async fn act_here(
        &self,
        scope: TenantScope,
        run: RunKey,
        act: Act,
        asker: Asker,
        is_dry_run: bool,
    ) -> Result<Changes, ControlError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Act { scope, run, act, asker, is_dry_run, reply };
        self.inbox.send(command).await.map_err(|_| ControlError::Stopping)?;
        answer.await.map_err(|_| ControlError::Stopping)?
    }

    /// Asks the owner, by rows; waits until it is done, or for long enough that the owner will do it when it is back.
    async fn act_elsewhere(
        &self,
        cluster: &Neighbours,
        scope: TenantScope,
        run: RunKey,
        act: Act,
        asker: Asker,
        is_dry_run: bool,
    ) -> Result<Changes, ControlError> {
        let sources = self.parts.sources(None);
        let clock = &self.parts.clock;
        let limits = self.parts.limits.machine;
        let mut read = sources.look(scope, run).await?.ok_or(ControlError::UnknownRun)?;
        let mut transferred = None;
        if let Act::Clear(clear @ Clear { version: Some(version), .. }) = &act
            && *version != read.version.key
        {
            let version = self.parts.versions.fetch(scope, *version).await?;
            if read.has_other_tasks(&version) {
                let transfer = Transfer::of(&read, &version, clear, "cleared", limits, clock.now())?;
                transferred = Some((transfer.changes.instances.is_empty(), transfer.changes));
            } else {
                read = read.under(version)?;
            }
        }
        let (is_nothing, changes) = match transferred {
            Some(transferred) => transferred,
            None => {
                let planned = Planned::of(&read.view(limits, clock.now()), read.snapshot.run.state, &act)?;
                (planned.is_nothing(), planned.changes(&read.version.dag, read.version.key))
            }
        };
        if is_dry_run || is_nothing {
            return Ok(changes);
        }
        let unwritable = |error: serde_json::Error| StoreError::Unavailable { detail: error.to_string() };
        let request = Asked { act, asker }.to_text().map_err(unwritable)?;
        cluster.store.run_ask(scope, run, &request).await?;
        let clears = read.snapshot.run.clears;
        let until = clock.monotonic() + ASKED_MAX;
        while clock.monotonic() < until {
            clock.sleep(ASKED_PAUSE).await;
            let row = self.parts.reader.run_fetch(scope, &read.snapshot.run.dag_id, &read.snapshot.run.run_id).await?;
            if row.is_none_or(|row| row.clears > clears || row.state.is_ended()) {
                break;
            }
        }
        Ok(changes)
    }

    /// Keeps a signal for a run, and wakes who waits for it; returns when it is durable. An approval waits for the signal that its wait
    /// names. False when a signal of this id is there already; it stays.
    pub async fn signal(&self, signal: NewSignal) -> Result<bool, ControlError> {
        let is_new = self.parts.waits.signal_insert(&signal).await?;
        // A loop that has ended finds the signal when it begins again; that of another process hears of it by the row.
        let _ = self.inbox.send(Command::Met { scope: signal.scope, run: signal.run }).await;
        Ok(is_new)
    }

    /// Why an instance does not run now. `map_index` is [`MapIndex::NONE`] for a task that is not mapped, and for the row of one that
    /// is not expanded.
    pub async fn explain(
        &self,
        scope: TenantScope,
        run: RunKey,
        task_id: TaskId,
        map_index: MapIndex,
    ) -> Result<Explained, ControlError> {
        if self.decides_for(scope) {
            let (reply, answer) = oneshot::channel();
            let command = Command::Explain { scope, run, task_id: task_id.clone(), map_index, reply };
            self.inbox.send(command).await.map_err(|_| ControlError::Stopping)?;
            match answer.await.map_err(|_| ControlError::Stopping)? {
                Err(ControlError::NotOwner) => {}
                answer => return answer,
            }
        }
        let read = self.parts.sources(None).look(scope, run).await?.ok_or(ControlError::UnknownRun)?;
        explained(&read, self.parts.limits.machine, self.parts.clock.now(), task_id, map_index)
    }

    /// Follows a run. The key may be that of a run that is about to be triggered.
    pub fn watch(&self, scope: TenantScope, run: RunKey) -> RunWatch {
        self.board.watch(scope, run)
    }

    /// True when this process decides about the runs of a tenant.
    pub(crate) fn decides_for(&self, scope: TenantScope) -> bool {
        self.cluster.as_ref().is_none_or(|cluster| cluster.owned.owns(scope))
    }

    pub(crate) fn news(&self) -> &TimeNews {
        &self.news
    }

    /// Gives out no more work and tells the workers to finish.
    pub async fn drain(&self) {
        // A loop that has ended gives out nothing either.
        let _ = self.inbox.send(Command::Drain).await;
    }

    /// Ends the loop after what has arrived is durable.
    pub async fn stop(&self) {
        let (reply, answer) = oneshot::channel();
        if self.inbox.send(Command::Stop { reply }).await.is_ok() {
            // The loop drops the sender when it ends without an answer.
            let _ = answer.await;
        }
    }
}
