//! The real ports.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Clock, Ids, Rng, Sleep};

/// The machine's clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct Real;

#[expect(clippy::disallowed_methods, reason = "this is the port")]
impl Clock for Real {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the port")]
impl Ids for Real {
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the port")]
impl Rng for Real {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives randomness");
    }
}
