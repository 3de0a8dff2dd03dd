//! Plays: rolls what happens, lets everybody come to rest, rolls again; then heals.

use std::time::Duration;

use clock::Sim;
use jiff::SignedDuration;
use model::AttemptToken;
use model::limits::worker::LEASE_MS;
use testkit::dice::Dice;
use testkit::outcome::Outcome;

use super::clients::Clients;
use super::profile::{Act, LIMITS, Profile};
use crate::{Faults, Ground, Held, Idle, Process, SCOPE, SimWorker};

/// Steps that a healed world may take until everything has ended.
const HEALING_STEPS: u32 = 5_000;
/// After so many of them only what waits for a time can be left, which is far away when the wall clock has jumped.
const WAITING_STEPS: u32 = 500;
const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) struct Driver {
    ground: Ground,
    idle: Idle,
    dice: Dice,
    profile: Profile,
    pub(super) clients: Clients,
    process: Option<Process>,
    processes: u32,
    pub(super) crashes: usize,
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
        Self { ground, idle, dice, profile, clients, process: None, processes: 0, crashes: 0 }
    }

    pub(super) async fn play(&mut self) {
        for _ in 0..self.profile.steps {
            self.ensure_process(self.profile.faults);
            if self.process.as_ref().is_some_and(|it| it.workers.is_empty()) && self.dice.per_mille(200) {
                self.add_worker().await;
            }
            let act = self.profile.act(&mut self.dice);
            self.act(act).await;
            self.idle.rest().await;
        }
        self.heal().await;
    }

    fn clock(&self) -> &Sim {
        &self.ground.clock
    }

    fn ensure_process(&mut self, faults: Faults) {
        if self.process.is_none() {
            self.processes += 1;
            let process = Process::start(&self.ground, &format!("p{}", self.processes), LIMITS, self.dice.fork());
            process.link.set_faults(faults);
            self.process = Some(process);
        }
    }

    async fn act(&mut self, act: Act) {
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
            Act::Trigger => {
                if let Some(started) = self.process.as_ref().and_then(Process::started) {
                    self.clients.trigger(&started.scheduler, &mut self.dice, &self.profile);
                }
            }
            Act::Clear => {
                if let Some(started) = self.process.as_ref().and_then(Process::started) {
                    self.clients.clear(&started.scheduler, &mut self.dice);
                }
            }
            Act::End => self.end(false),
            Act::Lose => self.end(true),
            Act::StopWorker => {
                let ms = u64::from(self.dice.roll(3 * LEASE_MS as u32));
                if let Some((_, worker)) = self.some_worker() {
                    worker.stop_for(Duration::from_millis(ms));
                    self.ground.trace.line(format_args!("a worker stands still for {ms} ms"));
                }
            }
            Act::KillWorker => self.kill_worker(),
            Act::AddWorker => self.add_worker().await,
            Act::Crash => self.crash(),
            Act::Restart => self.restart().await,
        }
    }

    fn pass(&mut self) {
        let next = self.clock().next_wake().unwrap_or(Duration::from_secs(1));
        self.clock().advance(next.max(Duration::from_millis(1)));
    }

    fn some_worker(&mut self) -> Option<(usize, &mut SimWorker)> {
        let workers = &mut self.process.as_mut()?.workers;
        if workers.is_empty() {
            return None;
        }
        let at = self.dice.roll(workers.len() as u32) as usize;
        Some((at, &mut workers[at]))
    }

    async fn add_worker(&mut self) {
        let slots = 1 + self.dice.roll(self.profile.slots);
        let Some(process) = &mut self.process else { return };
        if process.workers.len() < 4 && process.add_worker(slots).await {
            self.ground.trace.line(format_args!("a worker with {slots} slots comes"));
        }
    }

    fn kill_worker(&mut self) {
        if let Some((at, _)) = self.some_worker()
            && let Some(process) = &mut self.process
        {
            process.workers.remove(at);
            self.ground.trace.line(format_args!("a worker dies"));
        }
    }

    fn crash(&mut self) {
        if let Some(process) = self.process.take() {
            self.ground.trace.line(format_args!("p{} dies", self.processes));
            self.crashes += 1;
            process.kill();
        }
    }

    /// Drains, waits a while, stops, and kills what is left.
    async fn restart(&mut self) {
        let Some(started) = self.process.as_ref().and_then(Process::started) else { return };
        self.ground.trace.line(format_args!("p{} is stopped", self.processes));
        let scheduler = started.scheduler.clone();
        tokio::spawn(async move { scheduler.drain().await });
        for _ in 0..self.dice.roll(6) {
            self.idle.rest().await;
            self.end(false);
        }
        let scheduler = started.scheduler;
        tokio::spawn(async move { scheduler.stop().await });
        self.idle.rest().await;
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Some worker ends, or loses, some of what it holds.
    fn end(&mut self, lose: bool) {
        let mut dice = self.dice.fork();
        let trace = self.ground.trace.clone();
        let seed = self.ground.seed;
        let Some((_, worker)) = self.some_worker() else { return };
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
        for step in 0..HEALING_STEPS {
            self.ensure_process(Faults::default());
            if let Some(process) = &mut self.process {
                process.link.set_faults(Faults::default());
                process.workers.iter().for_each(SimWorker::go_on);
            }
            if self.process.as_ref().is_some_and(|it| it.workers.is_empty()) {
                self.add_worker().await;
            }
            self.idle.rest().await;
            for _ in 0..4 {
                self.end(false);
            }
            self.idle.rest().await;
            if self.is_over() {
                return;
            }
            if step < WAITING_STEPS {
                self.pass();
            } else {
                self.clock().advance(DAY);
            }
            self.idle.rest().await;
        }
        let unfinished = self.ground.store.unfinished(SCOPE);
        self.ground.trace.broken(format!("I18: {} requests, and runs {unfinished:?}, do not end", self.clients.open()));
    }

    fn is_over(&self) -> bool {
        let workers_rest =
            self.process.as_ref().is_some_and(|it| it.workers.iter().all(|it| it.held().is_empty() && it.is_settled()));
        workers_rest && self.clients.open() == 0 && self.ground.store.unfinished(SCOPE).is_empty()
    }
}
