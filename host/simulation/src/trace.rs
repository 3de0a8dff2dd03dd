//! What happened, line by line, with the time; and what must not have.

use std::fmt::{Arguments, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use clock::{Clock, Sim};

/// The story of one simulation. Clones write into the same one.
#[derive(Debug, Clone)]
pub struct Trace {
    clock: Sim,
    told: Arc<Mutex<Told>>,
}

#[derive(Debug, Default)]
struct Told {
    text: String,
    broken: Vec<String>,
}

impl Trace {
    pub(crate) fn new(clock: Sim) -> Self {
        Self { clock, told: Arc::default() }
    }

    /// Adds a line.
    pub fn line(&self, line: Arguments<'_>) {
        let at = self.clock.monotonic();
        // Writing into a text does not fail.
        let _ = writeln!(self.told().text, "{:>10.3} {line}", at.as_secs_f64());
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
