//! The handle that callers hold, and how the loop is started.

use std::sync::Arc;

use clock::Clock;
use model::{MapIndex, RunKey, TaskId, TenantScope};
use plan::{Given, Lengths, MachineLimits, RunMachine, lengths_at_start};
use serde_json::Value;
use store::{NewSignal, PoolStore, RunReader, RunStore, StoreError, TaskQueue, VariableStore, WaitStore};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::active::context;
use crate::board::{Board, RunWatch};
use crate::by_hand::{Act, Asker, Changes, ControlError, Explained};
use crate::cluster::{
    ClusterParts, ClusterQueue, Events, Evicted, Membership, News, OwnedShards, Puller, SharedStore, Waker,
};
use crate::command::{ClearError, Command, NewTrigger, TriggerError};
use crate::cycle::new_run;
use crate::local_queue::LocalQueue;
use crate::news::News as TimeNews;
use crate::recovery::{self, Reader};
use crate::run_loop::{RunLoop, Shared};
use crate::version::Versions;

/// Commands that wait for the loop; more make their callers wait.
const INBOX: usize = 4096;

/// Limits that an operator sets.
#[derive(Debug, Clone, Copy)]
pub struct SchedulerLimits {
    /// Unfinished runs in this process.
    pub runs: usize,
    /// Limits of each run.
    pub machine: MachineLimits,
}

impl Default for SchedulerLimits {
    fn default() -> Self {
        use model::limits::run::{INSTANCES_MAX, MAP_LENGTH_DEFAULT};
        let ceiling = u32::try_from(INSTANCES_MAX).unwrap_or(u32::MAX);
        let machine =
            MachineLimits { map_length: MAP_LENGTH_DEFAULT, map_length_ceiling: ceiling, instances: INSTANCES_MAX };
        Self { runs: 20_000, machine }
    }
}

/// What the loop works with.
pub struct SchedulerParts {
    pub runs: Arc<dyn RunStore>,
    pub reader: Arc<dyn RunReader>,
    pub waits: Arc<dyn WaitStore>,
    pub pools: Arc<dyn PoolStore>,
    pub variables: Arc<dyn VariableStore>,
    pub versions: Arc<Versions>,
    pub clock: Arc<dyn Clock>,
    pub limits: SchedulerLimits,
}

/// The scheduler of this process.
#[derive(Clone)]
pub struct Scheduler {
    inbox: mpsc::Sender<Command>,
    board: Board,
    clock: Arc<dyn Clock>,
    limits: MachineLimits,
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
            clock: parts.clock.clone(),
            limits: parts.limits.machine,
            cluster: None,
            news: TimeNews::default(),
        };
        let reader = Reader {
            runs: parts.runs.clone(),
            versions: parts.versions.clone(),
            clock: parts.clock.clone(),
            inbox: inbox.clone(),
            cluster: None,
            epoch,
        };
        tokio::spawn(recovery::read_unfinished(reader, None));
        let run_loop = tokio::spawn(RunLoop::new(parts, board, scheduler.news.clone(), epoch, None, commands).run());
        let queue = Arc::new(LocalQueue::new(inbox));
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
            clock: clock.clone(),
            limits: parts.limits.machine,
            cluster: Some(neighbours),
            news: TimeNews::default(),
        };
        let waker = Waker::new(clock.clone());
        let membership = Membership {
            cluster: cluster.clone(),
            runs: parts.runs.clone(),
            versions: parts.versions.clone(),
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
        let (versions, waking) = (parts.versions.clone(), waker.clone());
        let puller = Puller { store: store.clone(), server, versions, clock, waker: waking, inbox };
        let queue = ClusterQueue::new(local, puller);
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

    /// Something may be due sooner than the timekeeper of this process thinks: a version, a backfill or an event is new, or a DAG
    /// goes on. Timekeepers of other processes find it at their next look.
    pub fn poke(&self) {
        self.news().poke();
    }

    /// Starts a run; returns when it is durable.
    pub async fn trigger(&self, trigger: NewTrigger) -> Result<(), TriggerError> {
        let json = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        let (conf, params) = (json(&trigger.conf), json(&trigger.params));
        let given = Given { conf: &conf, params: &params, variables: &Value::Null };
        let lengths = lengths_at_start(&trigger.version.dag, given)?;
        let Some(cluster) = &self.cluster else { return self.trigger_here(trigger, lengths).await };
        if cluster.owned.owns(trigger.version.scope) {
            match self.trigger_here(trigger.clone(), lengths.clone()).await {
                Err(TriggerError::NotOwner) => {}
                answer => return answer,
            }
        }
        let (run_id, now) = (trigger.run_id.clone(), self.clock.now());
        // The owner decides again; only the lengths must stand in the rows from the beginning.
        let (_, decisions) =
            RunMachine::start(trigger.version.dag.clone(), &lengths, context(trigger.key), self.limits, now);
        match cluster.store.run_insert(new_run(trigger, &decisions.expansions, now)).await {
            Err(StoreError::Conflict { .. }) => Err(TriggerError::Duplicate(run_id)),
            done => Ok(done?),
        }
    }

    async fn trigger_here(&self, trigger: NewTrigger, lengths: Lengths) -> Result<(), TriggerError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Trigger { trigger: Box::new(trigger), lengths, reply };
        self.inbox.send(command).await.map_err(|_| TriggerError::Stopping)?;
        answer.await.map_err(|_| TriggerError::Stopping)?
    }

    /// Clears a run; returns when it is durable.
    pub async fn clear(&self, scope: TenantScope, run: RunKey, only_failed: bool) -> Result<Cleared, ClearError> {
        let Some(cluster) = &self.cluster else { return self.clear_here(scope, run, only_failed).await };
        if cluster.owned.owns(scope) {
            match self.clear_here(scope, run, only_failed).await {
                Err(ClearError::NotOwner) => {}
                answer => return answer,
            }
        }
        Ok(cluster.store.run_clear_shared(scope, run, only_failed, self.clock.now()).await?)
    }

    async fn clear_here(&self, scope: TenantScope, run: RunKey, only_failed: bool) -> Result<Cleared, ClearError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Clear { scope, run, only_failed, reply };
        self.inbox.send(command).await.map_err(|_| ClearError::Stopping)?;
        answer.await.map_err(|_| ClearError::Stopping)?
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
        let (reply, answer) = oneshot::channel();
        let command = Command::Act { scope, run, act, asker, is_dry_run, reply };
        self.inbox.send(command).await.map_err(|_| ControlError::Stopping)?;
        answer.await.map_err(|_| ControlError::Stopping)?
    }

    /// Keeps a signal for a run, and wakes who waits for it; returns when it is durable. An approval waits for the signal that its wait
    /// names.
    pub async fn signal(&self, signal: NewSignal) -> Result<(), ControlError> {
        let run = (signal.scope, signal.run);
        self.waits.signal_insert(&signal).await?;
        self.met(run).await;
        Ok(())
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
        let (reply, answer) = oneshot::channel();
        let command = Command::Explain { scope, run, task_id, map_index, reply };
        self.inbox.send(command).await.map_err(|_| ControlError::Stopping)?;
        answer.await.map_err(|_| ControlError::Stopping)?
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
