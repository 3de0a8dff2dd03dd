//! Gives ready instances to slots.

use std::time::Duration;

use model::RunKey;

use super::RunLoop;
use crate::cycle::Cycle;

/// After this long what others offer goes before what is ready here.
const PATIENCE: Duration = Duration::from_secs(1);

impl RunLoop {
    /// Gives ready instances to free slots, run by run in turn.
    pub(super) fn allot(&mut self, cycle: &mut Cycle) {
        if self.is_draining {
            // Whoever asked hears that there will be none.
            self.reserves.clear();
            return;
        }
        let now = self.parts.clock.monotonic();
        self.reserve(|since| now - since >= PATIENCE, false);
        while let Some((worker, free)) = self.slots.freest() {
            let Some(key) = self.turns.pop() else { break };
            let Some(run) = self.active.get_mut(&key) else { continue };
            run.is_queued = false;
            let ready = run.machine.take_ready(self.turns.share(free), cycle.fence);
            let claims = run.claims(&ready, cycle.fence, cycle.now);
            self.slots.hold(worker, &claims, self.parts.clock.monotonic());
            if !claims.is_empty() {
                self.queue(key);
            }
            cycle.claims(worker, claims);
        }
        self.offer(cycle);
        self.reserve(|_| true, true);
    }

    /// Gives slots for what is offered to everybody.
    pub(super) fn reserve(&mut self, is_meant: impl Fn(Duration) -> bool, all: bool) {
        for (worker, since, reply) in std::mem::take(&mut self.reserves) {
            let slots = if is_meant(since) { self.slots.reserve(worker, all) } else { 0 };
            if slots == 0 {
                self.reserves.push((worker, since, reply));
            } else if reply.send(slots).is_err() {
                self.slots.unreserve(worker, slots);
            }
        }
    }

    /// Puts a run into the queue when it has ready instances.
    pub(super) fn queue(&mut self, key: RunKey) {
        if let Some(run) = self.active.get_mut(&key)
            && !run.is_queued
            && run.machine.ready_count() > 0
        {
            run.is_queued = true;
            self.turns.push(key, run.machine.running().next().is_none());
        }
    }
}
