//! The loop's part of a cluster: shards that come and go, instances that are offered to workers elsewhere, events.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use model::{AttemptToken, Fence, InstanceKey, MapIndex, NodeIdx, RunKey, ShardId, TenantScope, TryNumber};
use plan::ResultStatus;
use store::{EventKind, EventRow, HeldRow, KnownRun, Ownership, ResultChange, SharedCommit};
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::RunLoop;
use super::allot::take;
use super::by_hand::asked;
use crate::active::{RunHandle, lost};
use crate::cluster::{ClusterParts, OwnedShards};
use crate::cycle::Cycle;

/// Instances that are offered ahead for each slot of the other workers, so that none of them waits for a commit.
const OFFERS_PER_SLOT: u32 = 2;
/// Lost executions of one cycle.
const LOST_PER_CYCLE: u32 = 2_000;

/// What the loop knows of the cluster.
pub(crate) struct Shared {
    pub(super) cluster: ClusterParts,
    owned: OwnedShards,
    pub(super) ownership: Option<Ownership>,
    /// Executions that are offered or held elsewhere.
    outside: BTreeMap<(InstanceKey, Fence), Outside>,
    /// Slots of the other workers.
    slots: u32,
    /// Runs that an event named and that have ended, or are not there.
    absent: HashSet<RunHandle>,
    /// Under which epochs shards were taken.
    epochs: BTreeMap<ShardId, u32>,
    taken: Vec<Taken>,
    /// Leases may have ended since the last look.
    must_look_for_lost: bool,
    releases: Vec<(Vec<ShardId>, oneshot::Sender<()>)>,
    /// The answer to a commit did not come: it may still arrive.
    is_in_doubt: bool,
}

/// Shards to decide about from the next cycle on.
type Taken = (Ownership, Vec<ShardId>, oneshot::Sender<()>);

struct Outside {
    scope: TenantScope,
    try_number: TryNumber,
    at: Timestamp,
}

impl Shared {
    pub(crate) fn new(cluster: ClusterParts, owned: OwnedShards) -> Self {
        Self {
            cluster,
            owned,
            ownership: None,
            outside: BTreeMap::new(),
            slots: 0,
            absent: HashSet::new(),
            epochs: BTreeMap::new(),
            taken: Vec::new(),
            must_look_for_lost: false,
            releases: Vec::new(),
            is_in_doubt: false,
        }
    }

    /// Notes that nobody knows whether a commit was, or will be, done.
    pub(super) fn doubt(&mut self) {
        self.is_in_doubt = true;
    }

    /// Notes that an execution is offered or held elsewhere.
    fn hold(&mut self, scope: TenantScope, token: AttemptToken, at: Timestamp) {
        self.outside.insert((token.instance, token.fence), Outside { scope, try_number: token.try_number, at });
    }

    pub(super) fn let_go(&mut self, instance: InstanceKey, fence: Fence) {
        self.outside.remove(&(instance, fence));
    }

    /// The attempt and the time of an execution elsewhere.
    pub(super) fn find(&self, instance: InstanceKey, fence: Fence) -> Option<(TryNumber, Timestamp)> {
        self.outside.get(&(instance, fence)).map(|it| (it.try_number, it.at))
    }

    /// Slots of the other workers.
    pub(super) fn slots(&self) -> u32 {
        self.slots
    }

    pub(super) fn drop_run(&mut self, run: RunKey) {
        let instance = |node, map_index| InstanceKey { run, node: NodeIdx(node), map_index };
        let first = (instance(0, MapIndex::NONE), Fence::NONE);
        let last = (instance(u32::MAX, MapIndex::at(u32::MAX)), Fence::from_row(i64::MAX));
        let keys: Vec<_> = self.outside.range(first..=last).map(|(key, _)| *key).collect();
        for key in keys {
            self.outside.remove(&key);
        }
    }

    /// Notes that a run was read and is not unfinished.
    pub(super) fn is_absent(&mut self, run: RunHandle) {
        self.absent.insert(run);
    }

    /// Notes that it is.
    pub(super) fn is_there(&mut self, run: RunHandle) {
        self.absent.remove(&run);
    }

    pub(super) fn commit(&self, cycle: &mut Cycle) -> Option<SharedCommit> {
        let ownership = self.ownership?;
        let new: HashSet<_> = cycle.commit.runs.iter().map(|run| (run.scope, run.key)).collect();
        let known = cycle.touched.iter().filter(|(handle, _)| !new.contains(handle));
        Some(SharedCommit {
            known: known.map(|(&(scope, run), &clears)| KnownRun { scope, run, clears }).collect(),
            commit: std::mem::take(&mut cycle.commit),
            ownership,
            offers: std::mem::take(&mut cycle.offers),
            events: std::mem::take(&mut cycle.events),
            results: std::mem::take(&mut cycle.results),
        })
    }
}

impl RunLoop {
    /// True when this process decides about the runs of a tenant.
    pub(super) fn owns(&self, scope: TenantScope) -> bool {
        self.shared.as_ref().is_none_or(|shared| shared.owned.owns(scope))
    }

    /// Notes that shards are this process's; that begins between two commits.
    pub(super) fn own(&mut self, ownership: Ownership, shards: Vec<ShardId>, reply: oneshot::Sender<()>) {
        if let Some(shared) = &mut self.shared {
            shared.taken.push((ownership, shards, reply));
        }
    }

    /// True when this process decides about the runs of a tenant, and has done so since that epoch.
    pub(super) fn owns_under(&self, scope: TenantScope, epoch: u32) -> bool {
        let Some(shared) = &self.shared else { return true };
        self.owns(scope) && shared.epochs.get(&ShardId::of(scope.tenant())) == Some(&epoch)
    }

    /// A beat of this server: there are so many slots in all, and leases of others may have ended.
    pub(super) fn beat(&mut self, slots: u32) {
        let own = u32::try_from(self.slots.total()).unwrap_or(u32::MAX);
        let Some(shared) = &mut self.shared else { return };
        shared.slots = slots.saturating_sub(own);
        shared.must_look_for_lost = shared.ownership.is_some();
    }

    /// Notes that shards are to be given up; that happens between two commits.
    pub(super) fn release(&mut self, shards: Vec<ShardId>, reply: oneshot::Sender<()>) {
        if let Some(shared) = &mut self.shared {
            shared.releases.push((shards, reply));
        }
    }

    /// Begins to own shards, and gives up shards. What this process's worker runs of the latter goes on, and its reports go to
    /// the next owner.
    pub(super) async fn change_shards(&mut self) {
        let Some(shared) = &mut self.shared else { return };
        let (store, server, owned) = (shared.cluster.store.clone(), shared.cluster.server.id, shared.owned.clone());
        let releases = std::mem::take(&mut shared.releases);
        for (ownership, shards, reply) in std::mem::take(&mut shared.taken) {
            self.begin(ownership, &shards);
            // Membership may have ended meanwhile.
            let _ = reply.send(());
        }
        for (shards, reply) in releases {
            let held = self.slots.held_of(|scope| shards.contains(&ShardId::of(scope.tenant())));
            match store.shard_release(server, &shards, &held).await {
                Ok(()) => self.forget_shards(&shards),
                Err(error) => {
                    warn!(%error, "cannot give up shards yet");
                    owned.set(owned.list().into_iter().chain(shards));
                }
            }
            // Membership may have ended meanwhile.
            let _ = reply.send(());
        }
    }

    /// What is known of their runs is of before, and somebody else may have owned them since. What workers here hold of them
    /// counts if its rows say so.
    fn begin(&mut self, ownership: Ownership, shards: &[ShardId]) {
        self.forget_runs(shards);
        self.own_since(ownership);
        let Some(shared) = &mut self.shared else { return };
        shared.epochs.extend(shards.iter().map(|shard| (*shard, ownership.epoch)));
        shared.owned.set(shared.owned.list().into_iter().chain(shards.iter().copied()));
        self.readings += 1;
    }

    /// What was taken and what was kept may be heard of in another order than it happened.
    fn own_since(&mut self, ownership: Ownership) {
        let Some(shared) = &mut self.shared else { return };
        if shared.ownership.is_none_or(|before| before.epoch < ownership.epoch) {
            self.epoch = ownership.epoch;
            shared.ownership = Some(ownership);
        }
    }

    /// After this a commit that nobody knows of does nothing any more, so what is read stays true; false when that cannot be had now.
    pub(super) async fn settle(&mut self) -> bool {
        let Some(shared) = self.shared.as_mut().filter(|shared| shared.is_in_doubt) else { return true };
        match shared.cluster.store.shard_keep(shared.cluster.server.id).await {
            Ok(ownership) => {
                shared.is_in_doubt = false;
                self.own_since(ownership);
                true
            }
            Err(error) => {
                warn!(%error, "cannot rule out yet that a commit arrives late");
                false
            }
        }
    }

    /// These shards belong to somebody else: nothing of their runs is known any more, and what a worker here runs of them is
    /// ended, for others run it.
    pub(super) fn depose(&mut self, shards: &[ShardId]) {
        info!(shards = shards.len(), "shards have another owner");
        let is_theirs = |scope: TenantScope| shards.contains(&ShardId::of(scope.tenant()));
        let held = self.slots.held_of(is_theirs);
        self.slots.cancel(|token| held.iter().any(|(_, it)| it == token));
        self.forget_shards(shards);
    }

    fn forget_shards(&mut self, shards: &[ShardId]) {
        if let Some(shared) = &mut self.shared {
            shared.owned.remove(shards);
            shared.epochs.retain(|shard, _| !shards.contains(shard));
        }
        self.slots.forget(|scope| shards.contains(&ShardId::of(scope.tenant())));
        self.forget_runs(shards);
    }

    fn forget_runs(&mut self, shards: &[ShardId]) {
        let is_theirs = |scope: TenantScope| shards.contains(&ShardId::of(scope.tenant()));
        let runs: Vec<_> = self.active.iter().filter(|(_, run)| is_theirs(run.scope())).map(|(key, _)| *key).collect();
        for run in runs {
            self.drop_run(run);
        }
        self.reread.retain(|(scope, _), _| !is_theirs(*scope));
        self.met.retain(|(scope, _)| !is_theirs(*scope));
        self.recovered.retain(|it| !is_theirs(it.snapshot.run.scope));
        self.later.retain(|(_, (scope, _))| !is_theirs(*scope));
        if let Some(shared) = &mut self.shared {
            shared.outside.retain(|_, it| !is_theirs(it.scope));
            shared.absent.retain(|(scope, _)| !is_theirs(*scope));
        }
    }

    /// Offers what no slot here is free for to workers elsewhere.
    pub(super) fn offer(&mut self, cycle: &mut Cycle) {
        let Some(shared) = &mut self.shared else { return };
        let most = shared.slots.saturating_mul(OFFERS_PER_SLOT);
        let mut room = most.saturating_sub(u32::try_from(shared.outside.len()).unwrap_or(u32::MAX));
        while room > 0 {
            let Some(key) = self.turns.pop() else { return };
            let Some(run) = self.active.get_mut(&key) else { continue };
            run.is_queued = false;
            let ready = take(&mut self.rooms, run, self.turns.share(room), cycle.fence);
            let claims = run.claims(&ready, cycle.fence, cycle.now);
            room -= claims.len() as u32;
            for claim in &claims {
                shared.hold(claim.run.scope, claim.token, cycle.now);
            }
            cycle.offer(&claims);
            if let Some(first) = run.machine.first_ready() {
                run.is_queued = true;
                let weight = run.claimed.dag.node(first).priority_weight;
                self.turns.push(run.scope(), weight, key, false);
            }
        }
    }

    /// Writes down which results have become known, for those who wait for them elsewhere.
    pub(super) fn tell_results(&mut self, cycle: &mut Cycle) {
        if self.shared.is_none() {
            return;
        }
        for &(scope, run) in cycle.touched.keys() {
            let Some(active) = self.active.get_mut(&run).filter(|active| !active.is_result_told) else { continue };
            let is_available = match active.machine.result() {
                ResultStatus::Pending => continue,
                ResultStatus::Available => true,
                ResultStatus::Impossible { .. } => false,
            };
            active.is_result_told = true;
            cycle.results.push(ResultChange { scope, run, is_available });
        }
    }

    /// Takes events into the cycle. Those of runs that are still to be read are left for later.
    pub(super) fn events(&mut self, cycle: &mut Cycle, events: Vec<EventRow>, reply: oneshot::Sender<bool>) {
        let mut has_all = true;
        for EventRow { id, scope, kind } in events {
            if !self.owns(scope) {
                continue;
            }
            let is_dealt_with = match kind {
                EventKind::Reported(report) => {
                    let run = report.token.instance.run;
                    let Some(shared) = &mut self.shared else { continue };
                    shared.let_go(report.token.instance, report.token.fence);
                    let is_absent = shared.absent.remove(&(scope, run));
                    let is_known = self.active.contains_key(&run) || (is_absent && !self.is_coming((scope, run)));
                    if is_known {
                        self.ended(cycle, *report);
                    } else {
                        self.read_later((scope, run));
                    }
                    is_known
                }
                EventKind::Look(run) => {
                    self.drop_run(run);
                    self.read_later((scope, run));
                    true
                }
                EventKind::Met(run) => {
                    self.waits.look_at((scope, run));
                    true
                }
                EventKind::Asked { run, request } => match asked(scope, run, &request, id) {
                    // The commit that does it takes the event away; until then it comes again.
                    Some(request) => {
                        if !self.requests.iter().any(|it| it.event() == Some(id)) {
                            self.requests.push(request);
                        }
                        has_all = false;
                        continue;
                    }
                    None => true,
                },
            };
            if is_dealt_with {
                cycle.events.push((scope, id));
            }
            has_all &= is_dealt_with;
        }
        cycle.event_replies.push((reply, has_all));
    }

    /// Ends what was held by servers that are gone.
    pub(super) async fn find_lost(&mut self, cycle: &mut Cycle) {
        let Some(shared) = &mut self.shared else { return };
        if !std::mem::take(&mut shared.must_look_for_lost) {
            return;
        }
        match shared.cluster.store.work_lost(&shared.owned.list(), LOST_PER_CYCLE).await {
            Ok(found) => {
                shared.must_look_for_lost = found.len() as u32 == LOST_PER_CYCLE;
                for HeldRow { scope, token, .. } in found {
                    self.lose_outside(cycle, scope, token);
                }
            }
            Err(error) => warn!(%error, "cannot look for lost executions yet"),
        }
    }

    fn lose_outside(&mut self, cycle: &mut Cycle, scope: TenantScope, token: AttemptToken) {
        let Some(shared) = &mut self.shared else { return };
        if !self.active.contains_key(&token.instance.run) {
            // Its run is still to be read; reading finds it.
            return;
        }
        let started_at = shared.find(token.instance, token.fence).map_or(cycle.now, |(_, at)| at);
        shared.let_go(token.instance, token.fence);
        warn!(instance = ?token.instance, "the server that ran it is gone");
        self.ended(cycle, lost(scope, token, started_at, cycle.now, "the server that ran it is gone"));
    }

    /// Takes over what a run's rows tell of executions elsewhere; true for one that still may come to something.
    pub(super) fn is_outside(&mut self, held: &[HeldRow], instance: InstanceKey, fence: Fence, now: Timestamp) -> bool {
        let Some(shared) = &mut self.shared else { return false };
        let found = held.iter().find(|it| it.token.instance == instance && it.token.fence == fence && !it.is_lost);
        if let Some(row) = found {
            shared.hold(row.scope, row.token, now);
        }
        found.is_some()
    }
}
