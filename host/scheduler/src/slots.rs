//! Workers, their slots and what they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use model::limits::worker::LEASE_MS;
use model::{AttemptToken, Fence, InstanceKey, TenantScope, TryNumber, WorkerId};
use store::{Claim, WorkOrder};
use tokio::sync::mpsc::UnboundedSender;

/// All workers of this process. Ordered, so that equal courses of events give equal decisions.
#[derive(Default)]
pub(crate) struct Slots(BTreeMap<WorkerId, Worker>);

struct Worker {
    slots: u32,
    orders: UnboundedSender<WorkOrder>,
    held: BTreeMap<AttemptToken, Claim>,
    /// What it still runs though nothing will come of it here; it takes slots until the worker reports it.
    forgotten: BTreeSet<AttemptToken>,
    /// Slots for what is offered to everybody, and for callbacks.
    reserved: u32,
    /// By the monotonic clock.
    lease_until: Duration,
    /// Its lease has ended and it was not heard of since; it gets no work.
    is_silent: bool,
}

impl Worker {
    fn free(&self) -> u32 {
        let taken = u32::try_from(self.held.len() + self.forgotten.len()).unwrap_or(u32::MAX);
        self.slots.saturating_sub(taken).saturating_sub(self.reserved)
    }
}

impl Slots {
    /// Takes a worker in; one that was in already holds nothing of before, and gives that back.
    pub(crate) fn register(
        &mut self,
        worker: WorkerId,
        slots: u32,
        orders: UnboundedSender<WorkOrder>,
        now: Duration,
    ) -> Vec<Claim> {
        let lease_until = now + Duration::from_millis(LEASE_MS);
        let new = Worker {
            slots,
            orders,
            held: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            reserved: 0,
            lease_until,
            is_silent: false,
        };
        self.0.insert(worker, new).map(|before| before.held.into_values().collect()).unwrap_or_default()
    }

    pub(crate) fn heartbeat(&mut self, worker: WorkerId, now: Duration) {
        if let Some(worker) = self.0.get_mut(&worker) {
            worker.lease_until = now + Duration::from_millis(LEASE_MS);
            worker.is_silent = false;
        }
    }

    /// The worker with most free slots, and how many.
    pub(crate) fn freest(&self) -> Option<(WorkerId, u32)> {
        self.0
            .iter()
            .filter(|(_, worker)| !worker.is_silent)
            .map(|(id, worker)| (*id, worker.free()))
            .filter(|(_, free)| *free > 0)
            .max_by_key(|(_, free)| *free)
    }

    /// Takes slots; the claims are handed out by [`Self::send`] once they are durable.
    pub(crate) fn hold(&mut self, worker: WorkerId, claims: &[Claim], now: Duration) {
        if let Some(worker) = self.0.get_mut(&worker) {
            worker.lease_until = worker.lease_until.max(now + Duration::from_millis(LEASE_MS));
            worker.held.extend(claims.iter().map(|claim| (claim.token, claim.clone())));
        }
    }

    /// Frees a slot and gives back what it held.
    pub(crate) fn release(&mut self, worker: WorkerId, token: AttemptToken) -> Option<Claim> {
        let worker = self.0.get_mut(&worker)?;
        worker.forgotten.remove(&token);
        worker.held.remove(&token)
    }

    /// Sets free slots apart, no more than `most`, and at most one of four (but one) unless all are asked for.
    pub(crate) fn reserve(&mut self, worker: WorkerId, all: bool, most: u32) -> u32 {
        let Some(worker) = self.0.get_mut(&worker).filter(|worker| !worker.is_silent) else { return 0 };
        let share = if all { u32::MAX } else { (worker.slots / 4).max(1) };
        let slots = worker.free().min(share).min(most);
        worker.reserved += slots;
        slots
    }

    pub(crate) fn unreserve(&mut self, worker: WorkerId, slots: u32) {
        if let Some(worker) = self.0.get_mut(&worker) {
            worker.reserved = worker.reserved.saturating_sub(slots);
        }
    }

    /// Takes the slot again, because the end that freed it did not become durable.
    pub(crate) fn restore(&mut self, worker: WorkerId, claim: Claim) {
        if let Some(worker) = self.0.get_mut(&worker) {
            worker.held.insert(claim.token, claim);
        }
    }

    /// The attempt and the time of a claim that some worker holds.
    pub(crate) fn find(&self, instance: InstanceKey, fence: Fence) -> Option<(TryNumber, Timestamp)> {
        let mut held = self.0.values().flat_map(|worker| worker.held.values());
        let claim = held.find(|claim| claim.token.instance == instance && claim.token.fence == fence)?;
        Some((claim.token.try_number, claim.claimed_at))
    }

    /// Hands out claims; false when the worker is gone.
    pub(crate) fn send(&mut self, worker: WorkerId, claims: Vec<Claim>) -> bool {
        self.0.get(&worker).is_some_and(|worker| worker.orders.send(WorkOrder::Run(claims)).is_ok())
    }

    /// Tells whoever holds one of these to end it.
    pub(crate) fn cancel(&self, is_cancelled: impl Fn(&AttemptToken) -> bool) {
        for worker in self.0.values() {
            let tokens: Vec<_> = worker.held.keys().copied().filter(&is_cancelled).collect();
            if !tokens.is_empty() {
                // A worker that is gone has nothing to end.
                let _ = worker.orders.send(WorkOrder::Cancel(tokens));
            }
        }
    }

    /// What workers here hold of some tenants.
    pub(crate) fn held_of(&self, is_theirs: impl Fn(TenantScope) -> bool) -> Vec<(TenantScope, AttemptToken)> {
        let held = self.0.values().flat_map(|worker| worker.held.values());
        held.map(|claim| (claim.run.scope, claim.token)).filter(|(scope, _)| is_theirs(*scope)).collect()
    }

    /// Forgets what workers here hold of some tenants; they go on with it.
    pub(crate) fn forget(&mut self, is_theirs: impl Fn(TenantScope) -> bool) {
        for worker in self.0.values_mut() {
            let forgotten = worker.held.extract_if(.., |_, claim| is_theirs(claim.run.scope));
            worker.forgotten.extend(forgotten.map(|(token, _)| token));
        }
    }

    pub(crate) fn drain(&mut self) {
        for worker in self.0.values_mut() {
            worker.slots = 0;
            // A worker that is gone has nothing to drain.
            let _ = worker.orders.send(WorkOrder::Drain);
        }
    }

    /// Gives back what is held by workers that are gone or whose lease has ended. One that is only late keeps its place, but gets
    /// no work before it is heard of again; what it still reports of before is stale.
    pub(crate) fn reap(&mut self, now: Duration) -> Vec<Claim> {
        let mut lost = Vec::new();
        for worker in self.0.values_mut() {
            let is_late = !worker.held.is_empty() && worker.lease_until < now;
            if is_late || worker.orders.is_closed() {
                worker.is_silent = true;
                worker.forgotten.extend(worker.held.keys());
                lost.extend(std::mem::take(&mut worker.held).into_values());
            }
        }
        self.0.retain(|_, worker| !worker.orders.is_closed());
        lost
    }

    pub(crate) fn held(&self) -> usize {
        self.0.values().map(|worker| worker.held.len()).sum()
    }

    /// Whether anybody is there who was heard of lately.
    pub(crate) fn has_workers(&self) -> bool {
        self.0.values().any(|worker| !worker.is_silent)
    }

    /// Free slots.
    pub(crate) fn freest_count(&self) -> u32 {
        self.0.values().filter(|worker| !worker.is_silent).map(Worker::free).sum()
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.values().map(|worker| u64::from(worker.slots)).sum()
    }
}
