//! What happened, line by line, with the time; and what must not have.

use std::fmt::{Arguments, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use clock::{Clock, Sim};

/// Lines that may be told while time stands still.
const LINES_MAX: u32 = 5_000;

/// The story of one simulation. Clones write into the same one.
#[derive(Debug, Clone)]
pub struct Trace {
    clock: Sim,
    told: Arc<Mutex<Told>>,
}

#[derive(Debug, Default)]
struct Told {
    text: String,
    /// Lines since time went on.
    lines: u32,
    at: Duration,
    spins: bool,
    broken: Vec<String>,
}

impl Trace {
    pub(crate) fn new(clock: Sim) -> Self {
        Self { clock, told: Arc::default() }
    }

    /// Adds a line.
    pub fn line(&self, line: Arguments<'_>) {
        let at = self.clock.monotonic();
        let mut told = self.told();
        told.lines = if told.at == at { told.lines + 1 } else { 0 };
        told.at = at;
        // Writing into a text does not fail.
        let _ = writeln!(told.text, "{:>10.3} {line}", at.as_secs_f64());
    }

    /// Whether so much has happened while time stood still that it would never go on. A world in which that happened is over.
    pub(crate) fn spins(&self) -> bool {
        let mut told = self.told();
        told.spins |= told.lines > LINES_MAX;
        told.spins
    }

    /// Adds a promise that was broken.
    pub fn broken(&self, promise: String) {
        self.line(format_args!("BROKEN {promise}"));
        self.told().broken.push(promise);
    }

    /// The lines so far.
    pub fn text(&self) -> String {
        self.told().text.clone()
    }

    /// The broken promises so far.
    pub fn all_broken(&self) -> Vec<String> {
        self.told().broken.clone()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().expect("no panic while the lock is held")
    }
}
