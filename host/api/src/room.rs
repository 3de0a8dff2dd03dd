//! Room in memory for bodies of requests.
//!
//! A body takes room as its bytes arrive, so one that comes slowly holds what has come and nothing more. Bodies never wait for one
//! another in a circle: room for the largest of them is left to the oldest one, which therefore always gets on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

/// Room that all bodies share.
#[derive(Debug)]
pub(crate) struct BodyRoom {
    /// For all but the oldest body.
    shared_bytes: usize,
    /// What bodies hold, by age.
    bodies: Mutex<BTreeMap<u64, usize>>,
    freed: Notify,
}

/// The room of one body, until this is dropped.
#[derive(Debug)]
pub(crate) struct HeldRoom {
    room: Arc<BodyRoom>,
    number: u64,
}

impl BodyRoom {
    /// Room for `total_bytes`, of which `largest_bytes` are left to the oldest body.
    pub(crate) fn new(total_bytes: usize, largest_bytes: usize) -> Arc<Self> {
        let shared_bytes = total_bytes.saturating_sub(largest_bytes);
        Arc::new(Self { shared_bytes, bodies: Mutex::default(), freed: Notify::new() })
    }

    /// Another body, which holds nothing yet.
    pub(crate) fn begin(self: &Arc<Self>) -> HeldRoom {
        let mut bodies = self.bodies();
        let number = bodies.last_key_value().map_or(0, |(last, _)| last + 1);
        bodies.insert(number, 0);
        HeldRoom { room: self.clone(), number }
    }

    fn bodies(&self) -> MutexGuard<'_, BTreeMap<u64, usize>> {
        self.bodies.lock().expect("no panic while the lock is held")
    }
}

impl HeldRoom {
    /// Takes room for more bytes, of which a body has at most as many as the largest may; true when it had to wait.
    pub(crate) async fn take(&mut self, bytes: usize) -> bool {
        let mut has_waited = false;
        loop {
            let freed = self.room.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.try_take(bytes) {
                return has_waited;
            }
            has_waited = true;
            freed.await;
        }
    }

    fn try_take(&self, bytes: usize) -> bool {
        let mut bodies = self.room.bodies();
        let is_oldest = bodies.first_key_value().is_some_and(|(first, _)| *first == self.number);
        let younger: usize = bodies.values().skip(1).sum();
        let fits = is_oldest || younger + bytes <= self.room.shared_bytes;
        if let (true, Some(held)) = (fits, bodies.get_mut(&self.number)) {
            *held += bytes;
        }
        fits
    }
}

impl Drop for HeldRoom {
    fn drop(&mut self) {
        self.room.bodies().remove(&self.number);
        self.room.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    /// Whether there is room at once.
    fn takes(body: &mut HeldRoom, bytes: usize) -> bool {
        body.take(bytes).now_or_never().is_some()
    }

    #[test]
    fn the_oldest_gets_on_whatever_the_others_hold() {
        let room = BodyRoom::new(30, 10);
        let (mut oldest, mut second, mut third) = (room.begin(), room.begin(), room.begin());
        assert!(takes(&mut oldest, 1));
        assert!(takes(&mut second, 9) && takes(&mut third, 10));
        assert!(!takes(&mut third, 2));
        assert!(takes(&mut oldest, 9));
        drop(oldest);
        assert!(takes(&mut second, 1) && takes(&mut third, 2));
    }

    #[test]
    fn bodies_that_have_hardly_come_leave_room() {
        let room = BodyRoom::new(30, 10);
        let slow: Vec<_> = (0..10).map(|_| room.begin()).map(|mut body| (takes(&mut body, 1), body)).collect();
        assert!(slow.iter().all(|(has_room, _)| *has_room));
        let mut fast = room.begin();
        assert!(takes(&mut fast, 10));
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let room = BodyRoom::new(20, 10);
        let (oldest, mut second, mut third) = (room.begin(), room.begin(), room.begin());
        assert!(takes(&mut second, 10));
        let mut waiting = Box::pin(third.take(5));
        assert!((&mut waiting).now_or_never().is_none());
        drop(second);
        assert!(waiting.await);
        drop(oldest);
    }
}
