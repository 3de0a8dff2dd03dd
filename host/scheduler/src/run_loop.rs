//! The loop: take what has arrived, decide, claim, commit, tell.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use model::limits::worker::LEASE_MS;
use model::{Fence, InstanceKey, NodeIdx, RunKey, TaskState, WorkerId};
use plan::{Decisions, Event, RunMachine};
use store::{Report, StoreError};
use tokio::sync::{mpsc, oneshot};
use tracing::info;

use crate::active::{ActiveRun, RunHandle, claimed_of_trigger, context};
use crate::board::Board;
use crate::command::{Command, NewTrigger, Reply, TriggerError};
use crate::cycle::Cycle;
use crate::given::Given;
use crate::news::News;
use crate::recovery::{Recovered, Sources};
use crate::scheduler::SchedulerParts;
use crate::slots::Slots;
use crate::ticks::Ticks;

/// Pause before runs are read again after the database failed, or commits in a row.
const REREAD_PAUSE: Duration = Duration::from_millis(200);

mod allot;
mod by_hand;
mod intake;
mod past;
mod points;
mod report;
mod reread;
mod rooms;
mod shared;
mod told;
mod turns;
mod waits;

use by_hand::Request;
use past::Pasts;
use rooms::Rooms;
pub(crate) use shared::Shared;
use turns::Turns;
use waits::Waits;

/// A worker that wants slots for what is offered to everybody, or for callbacks.
struct Reserve {
    worker: WorkerId,
    /// By the monotonic clock.
    since: Duration,
    most: u32,
    reply: oneshot::Sender<u32>,
}

pub(crate) struct RunLoop {
    parts: SchedulerParts,
    board: Board,
    /// For the timekeeper.
    news: News,
    inbox: mpsc::Receiver<Command>,
    active: HashMap<RunKey, ActiveRun>,
    slots: Slots,
    /// Runs that have ready instances.
    turns: Turns,
    /// Runs that want to hear of the last commit.
    committed: Vec<RunKey>,
    ticks: Ticks,
    /// Runs whose rows must be read again before anything else happens to them, and when, by the monotonic clock.
    reread: BTreeMap<RunHandle, Duration>,
    /// Queued runs that may not begin yet, and when they may.
    later: BTreeSet<(Timestamp, RunHandle)>,
    /// Commits that failed since the last one that did not.
    failures: u32,
    requests: Vec<Request>,
    rooms: Rooms,
    pasts: Pasts,
    waits: Waits,
    /// Rows that did not answer are not asked before this, by the monotonic clock.
    ask_after: Duration,
    /// Something was decided after slots were given out.
    must_go_on: bool,
    recovered: Vec<Recovered>,
    /// Readings of unfinished runs that go on beside the loop.
    readings: u32,
    /// Runs that the loop has had to do with meanwhile: what a reading says of them may be older than what the loop did.
    met: HashSet<RunHandle>,
    reserves: Vec<Reserve>,
    /// Ready instances of all runs, as of the last commit.
    instances_ready: u64,
    epoch: u32,
    cycles: u64,
    /// Cycles that take one command each, because the database refused something and nobody knows what.
    one_by_one: usize,
    is_draining: bool,
    /// `None` where no other process uses the database.
    shared: Option<Shared>,
    stop: Option<oneshot::Sender<()>>,
}

impl RunLoop {
    pub(crate) fn new(
        parts: SchedulerParts,
        board: Board,
        news: News,
        epoch: u32,
        shared: Option<Shared>,
        inbox: mpsc::Receiver<Command>,
    ) -> Self {
        let tenant_instances = parts.limits.tenant_instances;
        Self {
            parts,
            board,
            news,
            inbox,
            active: HashMap::new(),
            slots: Slots::default(),
            turns: Turns::default(),
            committed: Vec::new(),
            ticks: Ticks::default(),
            reread: BTreeMap::new(),
            later: BTreeSet::new(),
            failures: 0,
            requests: Vec::new(),
            rooms: Rooms::new(tenant_instances),
            pasts: Pasts::default(),
            waits: Waits::default(),
            ask_after: Duration::ZERO,
            must_go_on: false,
            recovered: Vec::new(),
            // A cluster's readings begin when shards are taken.
            readings: u32::from(shared.is_none()),
            met: HashSet::new(),
            reserves: Vec::new(),
            instances_ready: 0,
            epoch,
            cycles: 0,
            one_by_one: 0,
            is_draining: false,
            shared,
            stop: None,
        }
    }

    pub(crate) async fn run(mut self) {
        while self.stop.is_none() && !(self.inbox.is_closed() && self.inbox.is_empty()) {
            let first = self.wait().await;
            let mut cycle = self.new_cycle();
            self.take(&mut cycle, first);
            self.find_lost(&mut cycle).await;
            if self.one_by_one == 0 || cycle.commands == 0 {
                self.go_on(&mut cycle);
            }
            self.read_pools().await;
            self.allot(&mut cycle);
            self.commit(cycle).await;
            self.answer_requests().await;
            self.change_shards().await;
            self.read_again().await;
            self.ask_past().await;
            self.look_at_waits().await;
        }
        if let Some(reply) = self.stop.take() {
            // Whoever asked may have gone.
            let _ = reply.send(());
        }
    }

    fn new_cycle(&mut self) -> Cycle {
        self.cycles += 1;
        Cycle::new(self.parts.clock.now(), Fence::new(self.epoch, self.cycles))
    }

    fn sources(&self) -> Sources {
        self.parts.sources(self.shared.as_ref().map(|shared| shared.cluster.store.clone()))
    }

    /// Waits for a command, or for the next thing that is due.
    async fn wait(&mut self) -> Option<Command> {
        let may_start = self.rooms.has_freed() && !self.is_draining;
        let has_decided = std::mem::take(&mut self.must_go_on) || may_start;
        let has_news = self.waits.has_news() || self.pasts.has_news();
        if has_decided || has_news || !self.committed.is_empty() || !self.recovered.is_empty() {
            // Others have their turn, however much there is to go on with.
            return self.inbox.try_recv().ok();
        }
        let pause = self.pause();
        let clock = self.parts.clock.clone();
        let sleep = async move {
            match pause {
                Some(pause) => clock.sleep(pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            command = self.inbox.recv() => command,
            () = sleep => None,
        }
    }

    fn pause(&self) -> Option<Duration> {
        let now = self.parts.clock.now();
        let until = |at: Timestamp| now.duration_until(at).try_into().unwrap_or(Duration::ZERO);
        let (tick, later) = (self.ticks.next().map(until), self.later.first().map(|(at, _)| until(*at)));
        let reread = self.reread.values().min().map(|at| at.saturating_sub(self.parts.clock.monotonic()));
        let lease = (self.slots.held() > 0).then_some(Duration::from_millis(LEASE_MS / 3));
        let monotonic = self.parts.clock.monotonic();
        let until = |at: Option<Duration>| at.map(|at| at.saturating_sub(monotonic));
        let (held, ask) = (until(self.rooms.next_look()), until(self.next_ask()));
        [tick, later, reread, lease, held, ask].into_iter().flatten().min()
    }

    fn command(&mut self, cycle: &mut Cycle, command: Command) {
        let now = self.parts.clock.monotonic();
        match command {
            Command::Trigger { trigger, given, lengths, reply } => {
                self.trigger(cycle, *trigger, &given, &lengths, reply);
            }
            Command::Act { scope, run, act, asker, is_dry_run, reply } => {
                self.requests.push(Request::Act { run: (scope, run), act, asker, is_dry_run, reply });
            }
            Command::Explain { scope, run, task_id, map_index, reply } => {
                self.requests.push(Request::Explain { run: (scope, run), task_id, map_index, reply });
            }
            Command::Met { scope, run } => self.waits.look_at((scope, run)),
            Command::Poked => {
                self.rooms.doubt();
                self.waits.doubt();
                self.pasts.doubt();
            }
            Command::Recovered { recovered, epoch } => {
                let run @ (scope, _) = (recovered.snapshot.run.scope, recovered.snapshot.run.key);
                if self.owns_under(scope, epoch) && !self.met.contains(&run) {
                    self.recovered.push(recovered);
                }
            }
            Command::ReadingEnded => {
                self.readings = self.readings.saturating_sub(1);
                if self.readings == 0 {
                    self.met = HashSet::new();
                }
            }
            Command::Register { registration, orders } => {
                let slots = if self.is_draining { 0 } else { registration.slots };
                info!(worker = %registration.worker, slots, "worker registered");
                for claim in self.slots.register(registration.worker, slots, orders, now) {
                    self.lose(cycle, &claim, "its worker began anew");
                }
            }
            Command::Report { worker, reports, reply } => self.reported(cycle, worker, reports, reply),
            Command::Heartbeat { worker } => self.slots.heartbeat(worker, now),
            Command::Reserve { worker, most, reply } => {
                self.reserves.push(Reserve { worker, since: now, most, reply });
            }
            Command::Unreserve { worker, slots } => self.slots.unreserve(worker, slots),
            Command::Beat { slots } => self.beat(slots),
            Command::Own { ownership, shards, reply } => self.own(ownership, shards, reply),
            Command::Depose { shards } => self.depose(&shards),
            Command::Release { shards, reply } => self.release(shards, reply),
            Command::Events { events, reply } => self.events(cycle, events, reply),
            Command::Drain => {
                self.is_draining = true;
                self.slots.drain();
            }
            Command::Stop { reply } => self.stop = Some(reply),
        }
    }

    fn trigger(
        &mut self,
        cycle: &mut Cycle,
        trigger: NewTrigger,
        given: &Given,
        lengths: &plan::Lengths,
        reply: Reply<(), TriggerError>,
    ) {
        if !self.owns(trigger.version.scope) {
            // A caller that is gone does not wait for the answer.
            let _ = reply.send(Err(TriggerError::NotOwner));
            return;
        }
        let key = trigger.key;
        if let Some(refusal) = self.refusal(&trigger) {
            // A caller that is gone does not wait for the answer.
            let _ = reply.send(Err(refusal));
            return;
        }
        let all = self.parts.limits.runs;
        // Runs that runs start leave room for those of people and schedules.
        let max = if trigger.parent.is_some() { all / 2 } else { all };
        if self.unfinished() >= max {
            // A caller that is gone does not wait for the answer.
            let _ = reply.send(Err(TriggerError::Overloaded { active: self.unfinished(), max }));
            return;
        }
        let dag = trigger.version.dag.clone();
        let context = context(key, trigger.is_latest, &dag);
        let (machine, mut decisions) = RunMachine::start(dag, lengths, context, self.parts.limits.machine, cycle.now);
        if trigger.run_after > cycle.now {
            // What it decides, it decides again when it begins; only the lengths must stand in the rows from the beginning.
            let handle = (trigger.version.scope, key);
            self.later.insert((trigger.run_after, handle));
            return cycle.run_later(trigger, given, &decisions.expansions, reply);
        }
        let run = ActiveRun::new(machine, claimed_of_trigger(&trigger), trigger.run_type);
        cycle.triggers.push(((trigger.version.scope, key), trigger.run_id.clone(), reply));
        cycle.deadline(&run.claimed, cycle.now, trigger.run_after);
        cycle.run(trigger, given, &std::mem::take(&mut decisions.expansions));
        self.activate(key, run);
        self.apply(cycle, key, decisions, None);
    }

    /// A caller may repeat a trigger under the same key when it did not hear the answer.
    fn refusal(&self, trigger: &NewTrigger) -> Option<TriggerError> {
        if self.active.contains_key(&trigger.key) {
            return Some(TriggerError::Duplicate(trigger.run_id.clone()));
        }
        let detail = "the run is being read again; trigger it once more".to_owned();
        let is_coming = self.is_coming((trigger.version.scope, trigger.key));
        is_coming.then_some(TriggerError::Store(StoreError::Unavailable { detail }))
    }

    /// Runs in memory, and those that will be.
    fn unfinished(&self) -> usize {
        self.active.len() + self.reread.len() + self.recovered.len() + self.later.len()
    }

    /// Whether the run's rows are still to be read, or its machine still to be started.
    fn is_coming(&self, run: RunHandle) -> bool {
        self.reread.contains_key(&run) || self.recovered.iter().any(|recovered| recovered.snapshot.run.key == run.1)
    }

    fn activate(&mut self, key: RunKey, mut run: ActiveRun) {
        let handle = (run.scope(), key);
        self.meet(handle);
        self.rooms.meet(handle.0);
        for node in run.claimed.dag.clone().indices() {
            self.rooms.recount(&mut run, node);
        }
        self.active.insert(key, run);
        self.begin_past(handle);
        self.queue(key);
    }

    /// Has the run's rows read, after which its machine starts from them.
    fn read_later(&mut self, run: RunHandle) {
        self.meet(run);
        self.reread.insert(run, self.parts.clock.monotonic());
    }

    fn meet(&mut self, run: RunHandle) {
        if self.readings > 0 {
            self.met.insert(run);
        }
    }

    /// Everything that needs no command: runs that were read, rows held back, ticks that are due, workers that died.
    fn go_on(&mut self, cycle: &mut Cycle) {
        for recovered in std::mem::take(&mut self.recovered) {
            self.resume(cycle, recovered);
        }
        while let Some(&(at, run)) = self.later.first()
            && at <= cycle.now
        {
            self.later.pop_first();
            self.read_later(run);
        }
        for key in std::mem::take(&mut self.committed) {
            self.event(cycle, key, Event::Committed);
        }
        self.past_met(cycle);
        self.wake(cycle);
        while let Some(key) = self.ticks.take_due(cycle.now) {
            self.event(cycle, key, Event::Tick);
        }
        for claim in self.slots.reap(self.parts.clock.monotonic()) {
            self.lose(cycle, &claim, "the worker's lease ended");
        }
    }

    fn event(&mut self, cycle: &mut Cycle, key: RunKey, event: Event) {
        let Some(run) = self.active.get_mut(&key) else { return };
        let decisions = run.on(event, cycle.now);
        self.apply(cycle, key, decisions, None);
    }

    /// Takes what a machine decided into the cycle, and follows it in what is counted over all runs. `report` is what it decided about.
    fn apply(&mut self, cycle: &mut Cycle, key: RunKey, decisions: Decisions, report: Option<Report>) {
        let Some(run) = self.active.get_mut(&key) else { return };
        if let Some(shared) = &mut self.shared {
            for it in &decisions.cancelled {
                shared.let_go(InstanceKey { run: key, node: it.node, map_index: it.map_index }, it.fence);
            }
        }
        let changed = decisions.transitions.iter().chain(&decisions.marks).map(|it| it.node);
        let reset = decisions.resets.iter().map(|it| it.node);
        let cancelled = decisions.cancelled.iter().map(|it| it.node);
        let ended = report.iter().map(|report| report.token.instance.node);
        let nodes: BTreeSet<NodeIdx> = changed.chain(reset).chain(cancelled).chain(ended).collect();
        nodes.into_iter().for_each(|node| self.rooms.recount(run, node));
        if let (Some(end), Some(report)) = (&decisions.ended, &report)
            && !matches!(end.to, TaskState::Scheduled | TaskState::Deferred | TaskState::UpForReschedule)
        {
            let instance = report.token.instance;
            run.woken.remove(&(instance.node, instance.map_index));
        }
        self.waits.decided(cycle, run, &decisions);
        cycle.decisions(&run.claimed, decisions, report);
        self.queue(key);
    }

    fn drop_run(&mut self, key: RunKey) {
        self.ticks.set(key, None);
        if let Some(mut run) = self.active.remove(&key) {
            self.instances_ready -= u64::from(run.ready_told);
            self.rooms.forget(&mut run);
            self.waits.forget(&run);
            self.pasts.forget((run.scope(), key), &run.claimed.dag_id);
        }
        if let Some(shared) = &mut self.shared {
            shared.drop_run(key);
        }
    }
}
