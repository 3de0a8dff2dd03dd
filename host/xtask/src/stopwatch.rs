//! How long something took. For the reports of these tools alone.

use std::time::{Duration, Instant};

/// Runs from the moment it is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

#[expect(
    clippy::disallowed_methods,
    reason = "measures real programs from outside; no logic of the product depends on it"
)]
impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Stopwatch {
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
