//! Simulated ports: time moves when told, everything else follows from a seed.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{Clock, Ids, Rng, Sleep};

/// A world whose time stands still until [`Sim::advance`] is called. Clones share it.
#[derive(Debug, Clone)]
pub struct Sim(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    advanced: Notify,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    monotonic: Duration,
    rng: StdRng,
}

impl Sim {
    /// Starts at 2026-01-01T00:00:00Z; equal seeds give equal worlds.
    pub fn new(seed: u64) -> Self {
        let now = Timestamp::from_second(1_767_225_600).expect("a valid time");
        let state = State { now, monotonic: Duration::ZERO, rng: StdRng::seed_from_u64(seed) };
        Self(Arc::new(Inner { state: Mutex::new(state), advanced: Notify::new() }))
    }

    /// Moves both clocks on and wakes who waited for it.
    pub fn advance(&self, duration: Duration) {
        let mut state = self.state();
        state.monotonic += duration;
        let duration = SignedDuration::try_from(duration).expect("a duration that a test writes");
        state.now = state.now.checked_add(duration).expect("a time before the year 9999");
        drop(state);
        self.0.advanced.notify_waiters();
    }

    /// Moves the wall clock alone, as an operator or a time server does.
    pub fn jump(&self, duration: SignedDuration) {
        let mut state = self.state();
        state.now = state.now.checked_add(duration).expect("a time before the year 9999");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no panic while the lock is held")
    }
}

impl Clock for Sim {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn monotonic(&self) -> Duration {
        self.state().monotonic
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let until = self.monotonic() + duration;
        let sim = self.clone();
        Box::pin(async move {
            loop {
                let advanced = sim.0.advanced.notified();
                tokio::pin!(advanced);
                advanced.as_mut().enable();
                if sim.monotonic() >= until {
                    return;
                }
                advanced.await;
            }
        })
    }
}

impl Ids for Sim {
    fn uuid(&self) -> Uuid {
        let mut state = self.state();
        let mut random = [0; 10];
        state.rng.fill_bytes(&mut random);
        let millis = u64::try_from(state.now.as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

impl Rng for Sim {
    fn fill(&self, bytes: &mut [u8]) {
        self.state().rng.fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_worlds() {
        let (a, b, c) = (Sim::new(7), Sim::new(7), Sim::new(8));
        assert_eq!(a.uuid(), b.uuid());
        assert_eq!(a.next_u64(), b.next_u64());
        assert_ne!(a.next_u64(), c.next_u64());
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_time_is_advanced_past_its_end_and_not_before() {
        let sim = Sim::new(1);
        let mut sleep = sim.sleep(Duration::from_secs(10));
        sim.advance(Duration::from_secs(9));
        assert!(futures_poll(&mut sleep).await.is_none());
        sim.advance(Duration::from_secs(1));
        sleep.await;
    }

    #[test]
    fn a_jump_of_the_wall_clock_leaves_the_monotonic_one() {
        let sim = Sim::new(1);
        let before = sim.monotonic();
        sim.jump(SignedDuration::from_hours(-1));
        assert_eq!(sim.monotonic(), before);
    }

    async fn futures_poll(sleep: &mut Sleep) -> Option<()> {
        std::future::poll_fn(|cx| {
            std::task::Poll::Ready(match sleep.as_mut().poll(cx) {
                std::task::Poll::Ready(()) => Some(()),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
