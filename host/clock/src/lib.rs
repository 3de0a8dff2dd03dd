//! Time, ids and randomness as ports, so that a test or a simulation decides them.
//!
//! The only crate that reads the real clock or the system's randomness; everywhere else that is a lint error.
//! [`Real`] is for the binary, [`Sim`] for tests: its time stands still until it is advanced, and its ids and random
//! numbers follow from a seed.

mod real;
mod sim;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

pub use real::Real;
pub use sim::Sim;

/// Waits for a time to come.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What time it is.
pub trait Clock: Send + Sync + 'static {
    /// Wall time; may jump.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary start; never jumps. Leases and deadlines are judged by it.
    fn monotonic(&self) -> Duration;

    /// Ends when `duration` has passed.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// New ids.
pub trait Ids: Send + Sync + 'static {
    /// A fresh time-ordered UUID (version 7).
    fn uuid(&self) -> Uuid;
}

/// Randomness.
pub trait Rng: Send + Sync + 'static {
    /// Fills `bytes`; fit for secrets when real.
    fn fill(&self, bytes: &mut [u8]);

    /// A random number.
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// All three ports in one, for those who need more than one.
pub trait World: Clock + Ids + Rng {}
impl<T: Clock + Ids + Rng> World for T {}
