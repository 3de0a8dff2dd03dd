//! How long the stages of a command took.

use std::time::Duration;

use clock::{Clock, Real};
use serde::Serialize;

/// Measures stages, one after the other.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    began: Duration,
    lap: Duration,
    stages: Vec<Stage>,
}

/// A stage that is over.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) seconds: f64,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        let now = Real.monotonic();
        Self { began: now, lap: now, stages: Vec::new() }
    }

    /// The stage `name` has just ended; the next one begins.
    pub(crate) fn lap(&mut self, name: &'static str) {
        let now = Real.monotonic();
        self.stages.push(Stage { name, seconds: (now - self.lap).as_secs_f64() });
        self.lap = now;
    }

    /// All stages, and `total` since the start.
    pub(crate) fn stages(&self) -> Vec<Stage> {
        let total = Stage { name: "total", seconds: (Real.monotonic() - self.began).as_secs_f64() };
        self.stages.iter().cloned().chain([total]).collect()
    }
}
