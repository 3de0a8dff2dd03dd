//! Gives ready instances to slots.

use std::time::Duration;

use model::limits::setting::POOLS_READ_MAX;
use model::{Fence, RunKey};
use plan::Ready;
use store::PageRequest;
use tracing::warn;

use super::rooms::Rooms;
use super::{Reserve, RunLoop};
use crate::active::ActiveRun;
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
        self.let_go_on();
        // After the ends that made room, some of which are later than the begin of the cycle.
        let claimed_at = self.parts.clock.now();
        while let Some((worker, free)) = self.slots.freest() {
            let Some(key) = self.turns.pop() else { break };
            let Some(run) = self.active.get_mut(&key) else { continue };
            run.is_queued = false;
            let ready = take(&mut self.rooms, run, self.turns.share(free), cycle.fence);
            let claims = run.claims(&ready, cycle.fence, claimed_at);
            self.slots.hold(worker, &claims, self.parts.clock.monotonic());
            if !claims.is_empty() {
                self.queue(key);
            }
            cycle.claims(worker, claims);
        }
        self.offer(cycle);
        self.reserve(|_| true, true);
    }

    /// Queues what was held by a limit that has room now.
    fn let_go_on(&mut self) {
        let active = &self.active;
        let freed = self.rooms.take_freed(|rooms, run, node, limited| {
            let run = active.get(&run).filter(|run| run.machine.is_without_room(node))?;
            rooms.slots(run, node, limited)
        });
        for (key, node) in freed {
            if let Some(run) = self.active.get_mut(&key) {
                run.machine.set_room(node, u32::MAX);
            }
            self.queue(key);
        }
    }

    /// Reads the pools of tenants that have runs, so that what is started keeps to them.
    pub(super) async fn read_pools(&mut self) {
        let now = self.parts.clock.monotonic();
        for scope in self.rooms.unread(now) {
            let page = PageRequest { offset: 0, limit: POOLS_READ_MAX };
            match self.parts.pools.pool_list(scope, None, page).await {
                Ok(page) => self.rooms.set_pools(scope, page.rows, now),
                Err(error) => warn!(tenant = %scope.tenant(), %error, "cannot read pools yet"),
            }
        }
    }

    /// Gives slots for what is offered to everybody, and for callbacks.
    pub(super) fn reserve(&mut self, is_meant: impl Fn(Duration) -> bool, all: bool) {
        for wanted in std::mem::take(&mut self.reserves) {
            let Reserve { worker, since, most, .. } = wanted;
            let slots = if is_meant(since) { self.slots.reserve(worker, all, most) } else { 0 };
            if slots == 0 {
                self.reserves.push(wanted);
            } else if wanted.reply.send(slots).is_err() {
                self.slots.unreserve(worker, slots);
            }
        }
    }

    /// Puts a run into the queue when it has ready instances.
    pub(super) fn queue(&mut self, key: RunKey) {
        if let Some(run) = self.active.get_mut(&key)
            && !run.is_queued
            && let Some(first) = run.machine.first_ready()
        {
            run.is_queued = true;
            let weight = run.claimed.dag.node(first).priority_weight;
            self.turns.push(run.scope(), weight, key, run.machine.running().next().is_none());
        }
    }
}

/// Takes instances of a run, as far as limits beyond it have room.
pub(super) fn take(rooms: &mut Rooms, run: &mut ActiveRun, max: u32, fence: Fence) -> Vec<Ready> {
    if !rooms.is_limited(run) {
        let taken = run.machine.take_ready(max, fence);
        let mut counted = None;
        for ready in &taken {
            if counted != Some(ready.node) {
                rooms.recount(run, ready.node);
                counted = Some(ready.node);
            }
        }
        return taken;
    }
    let mut taken: Vec<Ready> = Vec::new();
    while let Some(left) = max.checked_sub(taken.len() as u32).filter(|left| *left > 0)
        && let Some(node) = run.machine.first_ready()
    {
        let (room, limited) = rooms.room(run, node);
        run.machine.set_room(node, room);
        if let Some(limited) = limited {
            rooms.hold(run, node, limited);
            continue;
        }
        let more = run.machine.take_ready_of_one(left, fence);
        run.machine.set_room(node, u32::MAX);
        rooms.recount(run, node);
        if more.is_empty() {
            break;
        }
        taken.extend(more);
    }
    taken
}
