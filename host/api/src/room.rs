//! Room in memory for bodies of requests.
//!
//! A body takes room as its bytes arrive, so one that comes slowly holds what has come and nothing more. Bodies never wait for one
//! another in a circle: room for the largest of them is left to the oldest one, which therefore always gets on. One token has its share
//! besides its own oldest body, so that whoever fills it makes nobody else wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use model::Digest;
use tokio::sync::Notify;

/// Room that all bodies of a kind share.
#[derive(Debug)]
pub(crate) struct BodyRoom {
    /// For all but the oldest body.
    shared_bytes: usize,
    /// For all bodies of one token but its oldest.
    per_token_bytes: usize,
    /// By age.
    bodies: Mutex<BTreeMap<u64, Held>>,
    freed: Notify,
}

/// What one body holds.
#[derive(Debug)]
struct Held {
    token: Digest,
    bytes: usize,
}

/// The room of one body, until this is dropped.
#[derive(Debug)]
pub(crate) struct HeldRoom {
    room: Arc<BodyRoom>,
    number: u64,
    token: Digest,
    has_waited: bool,
}

impl BodyRoom {
    /// Room for `total_bytes`, of which `largest_bytes` are left to the oldest body.
    pub(crate) fn new(total_bytes: usize, largest_bytes: usize, per_token_bytes: usize) -> Arc<Self> {
        let shared_bytes = total_bytes.saturating_sub(largest_bytes);
        Arc::new(Self { shared_bytes, per_token_bytes, bodies: Mutex::default(), freed: Notify::new() })
    }

    /// Another body of whoever shows this token, which holds nothing yet.
    pub(crate) fn begin(self: &Arc<Self>, token: Digest) -> HeldRoom {
        let mut bodies = self.bodies();
        let number = bodies.last_key_value().map_or(0, |(last, _)| last + 1);
        bodies.insert(number, Held { token, bytes: 0 });
        HeldRoom { room: self.clone(), number, token, has_waited: false }
    }

    fn bodies(&self) -> MutexGuard<'_, BTreeMap<u64, Held>> {
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
            self.has_waited = true;
            freed.await;
        }
    }

    /// Whether it ever had to wait.
    pub(crate) fn has_waited(&self) -> bool {
        self.has_waited
    }

    fn try_take(&self, bytes: usize) -> bool {
        let mut bodies = self.room.bodies();
        let is_oldest = bodies.first_key_value().is_some_and(|(first, _)| *first == self.number);
        let younger: usize = bodies.values().skip(1).map(|held| held.bytes).sum();
        let mut of_token = bodies.iter().filter(|(_, held)| held.token == self.token);
        let is_oldest_of_token = of_token.next().is_some_and(|(first, _)| *first == self.number);
        let share: usize = of_token.map(|(_, held)| held.bytes).sum();
        let has_share = is_oldest_of_token || share + bytes <= self.room.per_token_bytes;
        let fits = is_oldest || (has_share && younger + bytes <= self.room.shared_bytes);
        if let (true, Some(held)) = (fits, bodies.get_mut(&self.number)) {
            held.bytes += bytes;
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

    fn token(number: u8) -> Digest {
        Digest::of(&[number])
    }

    #[test]
    fn the_oldest_gets_on_whatever_the_others_hold() {
        let room = BodyRoom::new(30, 10, 30);
        let [mut oldest, mut second, mut third] = [0, 1, 2].map(|number| room.begin(token(number)));
        assert!(takes(&mut oldest, 1));
        assert!(takes(&mut second, 9) && takes(&mut third, 10));
        assert!(!takes(&mut third, 2));
        assert!(takes(&mut oldest, 9));
        drop(oldest);
        assert!(takes(&mut second, 1) && takes(&mut third, 2));
    }

    #[test]
    fn bodies_that_have_hardly_come_leave_room() {
        let room = BodyRoom::new(30, 10, 30);
        let slow: Vec<_> = (0..10).map(|_| room.begin(token(0))).map(|mut body| (takes(&mut body, 1), body)).collect();
        assert!(slow.iter().all(|(has_room, _)| *has_room));
        let mut fast = room.begin(token(0));
        assert!(takes(&mut fast, 10));
    }

    #[test]
    fn a_token_that_has_its_share_leaves_the_rest_to_others() {
        let room = BodyRoom::new(80, 10, 30);
        let mut greedy: Vec<_> = (0..8).map(|_| room.begin(token(0))).collect();
        assert_eq!(
            greedy.iter_mut().map(|body| takes(body, 9)).collect::<Vec<_>>(),
            [true, true, true, true, false, false, false, false]
        );
        let mut other = room.begin(token(1));
        assert!(takes(&mut other, 10));
        // Its oldest always gets on, so that its bodies do not wait for one another.
        assert!(takes(&mut greedy[0], 1));
        greedy.remove(0);
        assert!(takes(&mut greedy[0], 1) && takes(&mut greedy[3], 9));
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let room = BodyRoom::new(20, 10, 20);
        let [oldest, mut second, mut third] = [0, 1, 2].map(|number| room.begin(token(number)));
        assert!(takes(&mut second, 10));
        let mut waiting = Box::pin(third.take(5));
        assert!((&mut waiting).now_or_never().is_none());
        drop(second);
        assert!(waiting.await);
        drop(oldest);
    }
}
