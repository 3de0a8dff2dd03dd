//! Simulated ports: time moves when told, everything else follows from a seed.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use uuid::Uuid;

use crate::{Clock, Ids, Rng, Sleep};

/// A world whose time stands still until [`Sim::advance`] is called. Clones share it.
#[derive(Debug, Clone)]
pub struct Sim(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: Timestamp,
    monotonic: Duration,
    rng: StdRng,
    /// Who sleeps, by when they wake and then by when they fell asleep; `None` before the first poll.
    sleepers: BTreeMap<(Duration, u64), Option<Waker>>,
    sleeps: u64,
}

impl Sim {
    /// Starts at 2026-01-01T00:00:00Z; equal seeds give equal worlds.
    pub fn new(seed: u64) -> Self {
        let now = Timestamp::from_second(1_767_225_600).expect("a valid time");
        let rng = StdRng::seed_from_u64(seed);
        let state = State { now, monotonic: Duration::ZERO, rng, sleepers: BTreeMap::new(), sleeps: 0 };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Moves both clocks on and wakes those whose time has come, the earliest first.
    pub fn advance(&self, duration: Duration) {
        let mut state = self.state();
        state.monotonic += duration;
        let duration = SignedDuration::try_from(duration).expect("a duration that a test writes");
        state.now = state.now.checked_add(duration).expect("a time before the year 9999");
        let later = state.monotonic;
        let due = state.sleepers.range_mut(..=(later, u64::MAX)).filter_map(|(_, waker)| waker.take());
        let due: Vec<Waker> = due.collect();
        drop(state);
        due.into_iter().for_each(Waker::wake);
    }

    /// Moves the wall clock alone, as an operator or a time server does.
    pub fn jump(&self, duration: SignedDuration) {
        let mut state = self.state();
        state.now = state.now.checked_add(duration).expect("a time before the year 9999");
    }

    /// How long until the next sleeper wakes; `None` when nobody sleeps.
    pub fn next_wake(&self) -> Option<Duration> {
        let state = self.state();
        state.sleepers.first_key_value().map(|((until, _), _)| until.saturating_sub(state.monotonic))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while the lock is held")
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
        let mut state = self.state();
        state.sleeps += 1;
        let place = (state.monotonic + duration, state.sleeps);
        state.sleepers.insert(place, None);
        Box::pin(Sleeper { sim: self.clone(), place })
    }
}

struct Sleeper {
    sim: Sim,
    place: (Duration, u64),
}

impl Future for Sleeper {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.sim.state();
        if state.monotonic >= self.place.0 {
            state.sleepers.remove(&self.place);
            return Poll::Ready(());
        }
        state.sleepers.insert(self.place, Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.sim.state().sleepers.remove(&self.place);
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

    #[tokio::test]
    async fn the_next_sleeper_is_known_until_it_wakes_or_goes() {
        let sim = Sim::new(1);
        let (mut early, late) = (sim.sleep(Duration::from_secs(1)), sim.sleep(Duration::from_secs(3)));
        assert_eq!(sim.next_wake(), Some(Duration::from_secs(1)));
        sim.advance(Duration::from_secs(2));
        assert!(futures_poll(&mut early).await.is_some());
        assert_eq!(sim.next_wake(), Some(Duration::from_secs(1)));
        drop(late);
        assert_eq!(sim.next_wake(), None);
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
            Poll::Ready(match sleep.as_mut().poll(cx) {
                Poll::Ready(()) => Some(()),
                Poll::Pending => None,
            })
        })
        .await
    }
}
