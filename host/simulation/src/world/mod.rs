//! One simulated history: a seed decides what is asked of the house and what happens to it; then everything is healed, every run
//! must come to its end, and the promises are checked.

mod clients;
mod driver;
mod judge;
mod profile;
mod seat;

use testkit::dice::Dice;

use crate::{Ground, Idle};
use clients::Clients;
use driver::Driver;

/// What came of a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    pub seed: u64,
    /// What happened, line by line.
    pub trace: String,
    /// Promises that were broken, none in a good world.
    pub broken: Vec<String>,
    pub figures: Figures,
}

/// How much happened; a simulation in which nothing happens proves nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    pub runs: usize,
    pub commits: usize,
    pub executions: usize,
    pub lost_executions: usize,
    pub crashes: usize,
    pub clears: usize,
    /// Runs whose every row was compared with what it must come to.
    pub compared: usize,
    /// Executions by workers that are not the owner's.
    pub taken: usize,
    /// How often shards were taken.
    pub owned: usize,
    /// Processes that learnt that others had taken over.
    pub evicted: usize,
}

impl Figures {
    /// Adds those of another history.
    pub fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.commits += other.commits;
        self.executions += other.executions;
        self.lost_executions += other.lost_executions;
        self.crashes += other.crashes;
        self.clears += other.clears;
        self.compared += other.compared;
        self.taken += other.taken;
        self.owned += other.owned;
        self.evicted += other.evicted;
    }
}

/// Plays the history of a seed. Equal seeds give equal histories.
pub fn play(seed: u64) -> History {
    Idle::run(|idle| async move {
        let ground = Ground::new(seed);
        let mut dice = Dice::new(seed);
        let profile = profile::Profile::of(&mut dice);
        ground.trace.line(format_args!("seed {seed}: {profile:?}"));
        let clients = Clients::new(ground.clone(), &mut dice, &profile).await;
        let mut driver = Driver::new(ground.clone(), idle, dice, profile, clients);
        driver.play().await;
        let figures = judge::judge(&ground, seed, &driver).await;
        History { seed, trace: ground.trace.text(), broken: ground.trace.all_broken(), figures }
    })
}
