//! Plays: rolls what happens, lets everybody come to rest, rolls again; then heals.

use std::time::Duration;

use clock::{Clock, Sim};
use jiff::SignedDuration;
use model::limits::worker::LEASE_MS;
use model::{AttemptToken, RunKey};
use testkit::dice::Dice;
use testkit::outcome::Outcome;

use super::clients::Clients;
use super::profile::{Act, Profile};
use super::seat::Seat;
use crate::{Faults, Ground, Held, Idle, Partition, Process, SimWorker, Started};

/// Steps that a healed world may take until everything has ended.
const HEALING_STEPS: u32 = 5_000;
/// After so many of them only what waits for a time can be left, which is far away when the wall clock has jumped.
const WAITING_STEPS: u32 = 500;
/// Of these each so many-th one is a long one; between them everybody hears of the others' leases.
const STEPS_OF_A_YEAR: u32 = 40;
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

pub(super) struct Driver {
    ground: Ground,
    idle: Idle,
    dice: Dice,
    profile: Profile,
    pub(super) clients: Clients,
    seats: Vec<Seat>,
    /// Processes that stood still and were given up; they come back when others have taken over.
    zombies: Vec<(u32, Process)>,
    processes: u32,
    pub(super) crashes: usize,
    pub(super) evicted: usize,
}

/// How an execution ends: the try of an instance of a run ends always the same.
pub(super) fn outcome(seed: u64, run_id: &str, token: AttemptToken) -> Outcome {
    let instance = token.instance;
    Outcome::of_try(seed_of_run(seed, run_id), instance.node, instance.map_index, token.try_number.0)
}

pub(super) fn seed_of_run(seed: u64, run_id: &str) -> u64 {
    run_id.bytes().fold(seed, |seed, byte| seed.wrapping_mul(131).wrapping_add(u64::from(byte)))
}

impl Driver {
    pub(super) fn new(ground: Ground, idle: Idle, dice: Dice, profile: Profile, clients: Clients) -> Self {
        let seats = profile.seats.iter().map(|seat| Seat::new(&ground, *seat, profile.is_shared)).collect();
        let zombies = Vec::new();
        Self { ground, idle, dice, profile, clients, seats, zombies, processes: 0, crashes: 0, evicted: 0 }
    }

    pub(super) async fn play(&mut self) {
        for step in 0..self.profile.steps {
            self.end_evicted(500);
            self.ensure_processes(step, self.profile.faults);
            self.end_partitions();
            for at in 0..self.seats.len() {
                if self.seats[at].lacks_worker() && self.dice.per_mille(200) {
                    self.add_worker(at).await;
                }
            }
            let act = self.profile.act(&mut self.dice);
            let at = self.dice.roll(self.seats.len() as u32) as usize;
            self.act(act, at).await;
            self.idle.rest().await;
            if self.spins() {
                return;
            }
        }
        self.heal().await;
    }

    fn clock(&self) -> &Sim {
        &self.ground.clock
    }

    fn ensure_processes(&mut self, step: u32, faults: Faults) {
        for seat in &mut self.seats {
            if seat.process.is_none() && seat.profile.from_step <= step {
                self.processes += 1;
                seat.start(&self.ground, self.processes, faults, self.dice.fork());
            }
        }
    }

    /// Processes that have learnt that others have taken over end, sooner or later.
    fn end_evicted(&mut self, per_mille: u32) {
        let mut evicted = Vec::new();
        for seat in &mut self.seats {
            if seat.process.as_ref().is_some_and(Process::is_evicted) && self.dice.per_mille(per_mille) {
                evicted.extend(seat.process.take());
            }
        }
        let ends = self.zombies.extract_if(.., |(_, zombie)| zombie.is_evicted() && self.dice.per_mille(per_mille));
        evicted.extend(ends.map(|(_, zombie)| zombie));
        self.evicted += evicted.len();
        evicted.into_iter().for_each(Process::kill);
    }

    fn end_partitions(&mut self) {
        let now = self.clock().monotonic();
        for seat in self.seats.iter_mut().filter(|seat| seat.cut_off_until <= now && !seat.cut_off_until.is_zero()) {
            seat.cut_off_until = Duration::ZERO;
            if let Some(process) = &seat.process {
                self.ground.trace.line(format_args!("p{} has its way to the database again", seat.number));
                process.link.set_partition(None);
            }
        }
    }

    fn started(&self, at: usize) -> Option<Started> {
        self.seats[at].process.as_ref().and_then(Process::started)
    }

    async fn act(&mut self, act: Act, at: usize) {
        match act {
            Act::Pass => self.pass(),
            Act::Wait => {
                let ms = u64::from(self.dice.roll(100));
                self.clock().advance(Duration::from_millis(ms));
            }
            Act::Freeze => {
                let ms = LEASE_MS + u64::from(self.dice.roll(60_000));
                self.ground.trace.line(format_args!("everything stands still for {ms} ms"));
                self.clock().advance(Duration::from_millis(ms));
            }
            Act::Jump => {
                let hours = *self.dice.pick(&[-8_760, -1, 1, 8_760]);
                self.ground.trace.line(format_args!("the wall clock jumps by {hours} h"));
                self.clock().jump(SignedDuration::from_hours(hours));
            }
            Act::JumpOfDatabase => {
                let seconds = *self.dice.pick(&[-3_600, -20, 10, 20, 3_600]);
                self.ground.trace.line(format_args!("the database's clock jumps by {seconds} s"));
                self.ground.store.jump(SignedDuration::from_secs(seconds));
            }
            Act::Trigger => {
                if let Some(started) = self.started(at) {
                    self.clients.trigger(self.seats[at].number, &started, &mut self.dice, &self.profile);
                }
            }
            Act::Clear => {
                if let Some(started) = self.started(at) {
                    self.clients.clear(&started, &mut self.dice);
                }
            }
            Act::End => self.end(at, false),
            Act::Lose => self.end(at, true),
            Act::StopWorker => {
                let duration = self.some_time();
                if let Some((_, worker)) = self.some_worker(at) {
                    worker.stop_for(duration);
                    self.ground.trace.line(format_args!("a worker stands still for {duration:?}"));
                }
            }
            Act::KillWorker => self.kill_worker(at),
            Act::AddWorker => self.add_worker(at).await,
            Act::Crash => self.crash(at),
            Act::Restart => self.restart(at).await,
            Act::Partition => self.partition(at),
            Act::Stop => {
                let duration = self.some_time();
                if let Some(process) = &self.seats[at].process {
                    process.stop_for(duration);
                    self.ground.trace.line(format_args!("p{} stands still for {duration:?}", self.seats[at].number));
                }
            }
            Act::Replace => {
                let duration = self.some_time();
                if let Some(process) = self.seats[at].process.take() {
                    let number = self.seats[at].number;
                    self.ground.trace.line(format_args!("p{number} stands still for {duration:?} and is given up"));
                    process.stop_for(duration);
                    self.zombies.push((number, process));
                }
            }
        }
    }

    /// Perhaps longer than a lease.
    fn some_time(&mut self) -> Duration {
        Duration::from_millis(u64::from(self.dice.roll(3 * LEASE_MS as u32)))
    }

    fn partition(&mut self, at: usize) {
        let partition = *self.dice.pick(&[Partition::Nothing, Partition::Nothing, Partition::OnlyRequests]);
        let until = self.clock().monotonic() + self.some_time() + Duration::from_millis(1);
        let seat = &mut self.seats[at];
        if let Some(process) = &seat.process {
            process.link.set_partition(Some(partition));
            seat.cut_off_until = until;
            self.ground.trace.line(format_args!("p{} is cut off until {until:?}: {partition:?}", seat.number));
        }
    }

    fn pass(&mut self) {
        let next = self.clock().next_wake().unwrap_or(Duration::from_secs(1));
        self.clock().advance(next.max(Duration::from_millis(1)));
    }

    fn some_worker(&mut self, at: usize) -> Option<(usize, &mut SimWorker)> {
        let workers = &mut self.seats[at].process.as_mut()?.workers;
        if workers.is_empty() {
            return None;
        }
        let at = self.dice.roll(workers.len() as u32) as usize;
        Some((at, &mut workers[at]))
    }

    async fn add_worker(&mut self, at: usize) {
        let slots = 1 + self.dice.roll(self.profile.slots);
        let seat = &mut self.seats[at];
        if !seat.may_have_more_workers() {
            return;
        }
        let Some(process) = &mut seat.process else { return };
        if process.add_worker(slots).await {
            self.ground.trace.line(format_args!("a worker comes to p{}", seat.number));
        }
    }

    fn kill_worker(&mut self, at: usize) {
        if let Some((worker, _)) = self.some_worker(at)
            && let Some(process) = &mut self.seats[at].process
        {
            process.workers.remove(worker);
            self.ground.trace.line(format_args!("a worker dies"));
        }
    }

    fn crash(&mut self, at: usize) {
        if let Some(process) = self.seats[at].process.take() {
            self.ground.trace.line(format_args!("p{} dies", self.seats[at].number));
            self.crashes += 1;
            process.kill();
        }
    }

    /// Drains, waits a while, stops, and kills what is left.
    async fn restart(&mut self, at: usize) {
        let Some(started) = self.started(at) else { return };
        self.ground.trace.line(format_args!("p{} is stopped", self.seats[at].number));
        let scheduler = started.scheduler.clone();
        tokio::spawn(async move { scheduler.drain().await });
        for _ in 0..self.dice.roll(6) {
            self.idle.rest().await;
            self.end(at, false);
        }
        let scheduler = started.scheduler;
        tokio::spawn(async move { scheduler.stop().await });
        self.idle.rest().await;
        if let Some(process) = self.seats[at].process.take() {
            process.kill();
        }
    }

    /// Some worker ends, or loses, some of what it holds.
    fn end(&mut self, at: usize, lose: bool) {
        let mut dice = self.dice.fork();
        let trace = self.ground.trace.clone();
        let seed = self.ground.seed;
        let Some((_, worker)) = self.some_worker(at) else { return };
        if worker.is_stopped() {
            return;
        }
        let mut held = worker.held();
        let mut ends = Vec::new();
        for _ in 0..=dice.roll(3) {
            if held.is_empty() {
                break;
            }
            let Held { claim, .. } = held.remove(dice.roll(held.len() as u32) as usize);
            let outcome = match lose {
                true => Outcome::of_word(if dice.per_mille(500) { "lost" } else { "suspect" }),
                false => outcome(seed, claim.run.run_id.as_str(), claim.token),
            };
            let (run_id, token) = (&claim.run.run_id, claim.token);
            let (node, index) = (token.instance.node.0, token.instance.map_index);
            let (tries, fence) = (token.try_number.0, token.fence);
            trace.line(format_args!(
                "worker ends {run_id} t{node}[{index}] try {tries} under {fence}: {:?}",
                outcome.end
            ));
            ends.push((token, outcome));
        }
        if !ends.is_empty() {
            worker.end(ends, dice.per_mille(100));
        }
    }

    /// Nothing goes wrong any more: everything that was asked must come to its end.
    async fn heal(&mut self) {
        self.ground.trace.line(format_args!("everything is healed"));
        self.profile.slots = 8;
        self.zombies.iter().for_each(|(_, zombie)| {
            zombie.link.set_faults(Faults::default());
            zombie.link.set_partition(None);
            zombie.go_on();
        });
        for step in 0..HEALING_STEPS {
            self.end_evicted(1_000);
            self.ensure_processes(u32::MAX, Faults::default());
            for at in 0..self.seats.len() {
                self.seats[at].heal();
                if self.seats[at].lacks_worker() {
                    self.add_worker(at).await;
                }
            }
            self.idle.rest().await;
            for _ in 0..4 {
                (0..self.seats.len()).for_each(|at| self.end(at, false));
            }
            self.idle.rest().await;
            if self.is_over() || self.spins() {
                return;
            }
            if step < WAITING_STEPS || step % STEPS_OF_A_YEAR != 0 {
                self.pass();
            } else {
                self.clock().advance(YEAR);
            }
            self.idle.rest().await;
        }
        let what = self.what_is_left();
        self.ground.trace.broken(format!("I18: {what}"));
    }

    /// A process asks and asks while time stands still; nothing comes of it any more.
    fn spins(&self) -> bool {
        let spins = self.ground.trace.spins();
        if spins {
            self.ground.trace.broken("so many calls while time stands still; the last lines tell which".to_owned());
        }
        spins
    }

    fn untold(&self) -> Vec<(u32, RunKey)> {
        self.clients.untold(&self.seats.iter().map(|seat| seat.number).collect::<Vec<_>>())
    }

    fn is_over(&self) -> bool {
        self.seats.iter().all(Seat::is_settled)
            && self.clients.open() == 0
            && self.ground.store.unfinished().is_empty()
            && self.ground.store.waiting() == (0, 0)
            && self.untold().is_empty()
            && self.zombies.is_empty()
    }

    fn what_is_left(&self) -> String {
        let (events, work) = self.ground.store.waiting();
        let zombies: Vec<_> = self.zombies.iter().map(|(number, _)| number).collect();
        format!(
            "{} requests, runs {:?}, {events} events, {work} offers, watchers of {:?}, zombies {zombies:?} do not end; workers are settled: {:?}",
            self.clients.open(),
            self.ground.store.unfinished(),
            self.untold(),
            self.seats.iter().map(Seat::is_settled).collect::<Vec<_>>(),
        )
    }
}
