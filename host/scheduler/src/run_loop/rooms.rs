//! Limits that no run knows alone: slots of pools, instances of a task over all runs of its DAG, instances of a tenant.
//!
//! What runs, and what is deferred, is counted by task whenever a machine has changed. A task is *held* when something of it could start
//! but for one of these limits; it is looked at again when that limit has room. So work is proportional to what starts and ends, however
//! much is held. The higher weight goes first, then the older run.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use model::{DEFAULT_POOL, DagId, NodeIdx, PoolName, RunKey, TaskId, TenantScope};
use store::PoolRow;

use crate::active::ActiveRun;
use crate::by_hand::Beyond;

/// For so long pools are as they were read.
const FRESH: Duration = Duration::from_secs(5);

/// What is limited.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Limited {
    Pool(PoolName),
    Task(DagId, TaskId),
    Tenant,
}

/// Something that could start: the weight, then the age of its run, say who goes first.
type Held = (Reverse<i64>, RunKey, NodeIdx);

#[derive(Debug, Default)]
pub(super) struct Rooms {
    tenants: HashMap<TenantScope, Tenant>,
    /// Instances of one tenant.
    cap: Option<u32>,
}

#[derive(Debug, Default)]
struct Tenant {
    pools: BTreeMap<String, PoolRow>,
    /// By the monotonic clock.
    read_at: Option<Duration>,
    /// Slots of what runs, and of what is deferred.
    taken: BTreeMap<String, (u32, u32)>,
    /// Tasks with a limit over all runs.
    tasks: BTreeMap<(DagId, TaskId), u32>,
    running: u32,
    held: BTreeMap<Limited, BTreeSet<Held>>,
    /// What may have room for what is held.
    freed: BTreeSet<Limited>,
}

impl Rooms {
    pub(super) fn new(cap: Option<u32>) -> Self {
        Self { tenants: HashMap::new(), cap }
    }

    /// A tenant has runs.
    pub(super) fn meet(&mut self, scope: TenantScope) {
        self.tenants.entry(scope).or_default();
    }

    /// Tenants whose pools are to be read.
    pub(super) fn unread(&self, now: Duration) -> Vec<TenantScope> {
        let is_stale = |tenant: &Tenant| tenant.read_at.is_none_or(|at| now.saturating_sub(at) >= FRESH);
        let mut scopes: Vec<_> =
            self.tenants.iter().filter(|(_, tenant)| is_stale(tenant)).map(|(scope, _)| *scope).collect();
        scopes.sort_unstable();
        scopes
    }

    /// Pools may have changed.
    pub(super) fn doubt(&mut self) {
        self.tenants.values_mut().for_each(|tenant| tenant.read_at = None);
    }

    pub(super) fn set_pools(&mut self, scope: TenantScope, pools: Vec<PoolRow>, now: Duration) {
        let tenant = self.tenants.entry(scope).or_default();
        let pools: BTreeMap<_, _> = pools.into_iter().map(|row| (row.name.to_string(), row)).collect();
        tenant.read_at = Some(now);
        tenant.pools = pools;
        tenant.freed.extend(tenant.held.keys().cloned());
    }

    /// Whether anything of a run can be held.
    pub(super) fn is_limited(&self, run: &ActiveRun) -> bool {
        let Some(tenant) = self.tenants.get(&run.scope()) else { return true };
        self.cap.is_some() || run.is_limited || tenant.pools.get(DEFAULT_POOL).is_some_and(|pool| pool.slots.is_some())
    }

    /// Counts a task of a run anew.
    pub(super) fn recount(&mut self, run: &mut ActiveRun, node: NodeIdx) {
        let now = (run.machine.running_of(node), run.machine.deferred_of(node));
        self.count(run, node, now);
    }

    /// A run is in memory no longer.
    pub(super) fn forget(&mut self, run: &mut ActiveRun) {
        let nodes: Vec<_> = run.counted.keys().copied().collect();
        nodes.into_iter().for_each(|node| self.count(run, node, (0, 0)));
    }

    fn count(&mut self, run: &mut ActiveRun, node: NodeIdx, now: (u32, u32)) {
        let before = run.counted.get(&node).copied().unwrap_or_default();
        if before == now {
            return;
        }
        if now == (0, 0) {
            run.counted.remove(&node);
        } else {
            run.counted.insert(node, now);
        }
        let tenant = self.tenants.entry(run.scope()).or_default();
        let task = run.claimed.dag.task(node);
        let slots = task.pool_slots.unwrap_or(1).max(1);
        let pool = task.pool.as_ref().map_or(DEFAULT_POOL, |pool| pool.as_str());
        if !tenant.taken.contains_key(pool) {
            tenant.taken.insert(pool.to_owned(), (0, 0));
        }
        if let Some(taken) = tenant.taken.get_mut(pool) {
            taken.0 = changed(taken.0, before.0.saturating_mul(slots), now.0.saturating_mul(slots));
            taken.1 = changed(taken.1, before.1.saturating_mul(slots), now.1.saturating_mul(slots));
        }
        tenant.running = changed(tenant.running, before.0, now.0);
        if task.max_active_per_dag.is_some() {
            let key = (run.claimed.dag_id.clone(), task.task_id.clone());
            let running = tenant.tasks.entry(key).or_default();
            *running = changed(*running, before.0, now.0);
        }
        if (now.0 < before.0 || now.1 < before.1) && !tenant.held.is_empty() {
            tenant.freed.extend(limits_of(run, node));
        }
    }

    /// How many more instances of a task may start; and what says so, where it is none.
    pub(super) fn room(&self, run: &ActiveRun, node: NodeIdx) -> (u32, Option<Limited>) {
        let Some(tenant) = self.tenants.get(&run.scope()) else { return (u32::MAX, None) };
        let rooms =
            limits_of(run, node).into_iter().map(|limited| (self.room_of(tenant, run, node, &limited), limited));
        match rooms.min_by_key(|(room, _)| *room) {
            Some((0, limited)) => (0, Some(limited)),
            Some((room, _)) => (room, None),
            None => (u32::MAX, None),
        }
    }

    fn room_of(&self, tenant: &Tenant, run: &ActiveRun, node: NodeIdx, limited: &Limited) -> u32 {
        let task = run.claimed.dag.task(node);
        match limited {
            Limited::Tenant => self.cap.map_or(u32::MAX, |cap| cap.saturating_sub(tenant.running)),
            Limited::Task(dag_id, task_id) => {
                let running = tenant.tasks.get(&(dag_id.clone(), task_id.clone())).copied().unwrap_or(0);
                task.max_active_per_dag.map_or(u32::MAX, |cap| cap.saturating_sub(running))
            }
            Limited::Pool(name) => match tenant.pools.get(name.as_str()) {
                None if name.as_str() == DEFAULT_POOL => u32::MAX,
                None => 0,
                Some(pool) => pool.slots.map_or(u32::MAX, |slots| {
                    slots.saturating_sub(tenant.taken_of(pool)) / task.pool_slots.unwrap_or(1).max(1)
                }),
            },
        }
    }

    /// Nothing of a task can start for this limit.
    pub(super) fn hold(&mut self, run: &ActiveRun, node: NodeIdx, limited: Limited) {
        let Some(tenant) = self.tenants.get_mut(&run.scope()) else { return };
        // It leaves to others what it cannot use.
        let others = limits_of(run, node).into_iter().filter(|other| *other != limited);
        tenant.freed.extend(others.filter(|other| tenant.held.contains_key(other)));
        let held = (Reverse(run.claimed.dag.node(node).priority_weight), run.claimed.key, node);
        tenant.held.entry(limited).or_default().insert(held);
    }

    /// What is held and may start now, as far as the limits that had changed have room. `want` says how many slots of a limit one
    /// instance takes; nothing for what is gone.
    pub(super) fn take_freed(
        &mut self,
        room: impl Fn(&Self, RunKey, NodeIdx, &Limited) -> Option<(u32, u32)>,
    ) -> Vec<(RunKey, NodeIdx)> {
        let mut free = Vec::new();
        let scopes: Vec<_> =
            self.tenants.iter().filter(|(_, tenant)| !tenant.freed.is_empty()).map(|(scope, _)| *scope).collect();
        for scope in scopes {
            let Some(tenant) = self.tenants.get_mut(&scope) else { continue };
            let freed = std::mem::take(&mut tenant.freed);
            for limited in freed {
                let Some(tenant) = self.tenants.get_mut(&scope) else { continue };
                let Some(held) = tenant.held.remove(&limited) else { continue };
                let (mut left, mut given) = (BTreeSet::new(), 0_u32);
                for it @ (_, run, node) in held {
                    match room(self, run, node, &limited) {
                        None => {}
                        Some((slots_free, slots)) if given.saturating_add(slots) <= slots_free => {
                            given = given.saturating_add(slots);
                            free.push((run, node));
                        }
                        Some(_) => _ = left.insert(it),
                    }
                }
                if let Some(tenant) = self.tenants.get_mut(&scope)
                    && !left.is_empty()
                {
                    tenant.held.insert(limited, left);
                }
            }
        }
        free
    }

    /// Free slots of a limit, and how many of them an instance takes.
    pub(super) fn slots(&self, run: &ActiveRun, node: NodeIdx, limited: &Limited) -> Option<(u32, u32)> {
        let tenant = self.tenants.get(&run.scope())?;
        let task = run.claimed.dag.task(node);
        let slots = match limited {
            Limited::Pool(_) => task.pool_slots.unwrap_or(1).max(1),
            Limited::Task(..) | Limited::Tenant => 1,
        };
        Some((self.room_of(tenant, run, node, limited).saturating_mul(slots), slots))
    }

    /// Something may be started because of what others have left.
    pub(super) fn has_freed(&self) -> bool {
        self.tenants.values().any(|tenant| tenant.freed.iter().any(|limited| tenant.held.contains_key(limited)))
    }

    /// When pools are to be read again, because something is held.
    pub(super) fn next_look(&self) -> Option<Duration> {
        let held = self.tenants.values().filter(|tenant| !tenant.held.is_empty());
        held.map(|tenant| tenant.read_at.unwrap_or_default() + FRESH).min()
    }

    /// What of these limits keeps a task from starting.
    pub(super) fn why(&self, run: &ActiveRun, node: NodeIdx) -> Vec<Beyond> {
        let Some(tenant) = self.tenants.get(&run.scope()) else { return Vec::new() };
        let task = run.claimed.dag.task(node);
        let wanted = task.pool_slots.unwrap_or(1).max(1);
        let is_full = |limited: &Limited| self.room_of(tenant, run, node, limited) == 0;
        let reason = |limited: Limited| match limited {
            Limited::Tenant => Beyond::Tenant { running: tenant.running, cap: self.cap.unwrap_or(u32::MAX) },
            Limited::Task(dag_id, task_id) => {
                let running = tenant.tasks.get(&(dag_id, task_id)).copied().unwrap_or(0);
                Beyond::TaskOverRuns { running, cap: task.max_active_per_dag.unwrap_or(u32::MAX) }
            }
            Limited::Pool(pool) => match tenant.pools.get(pool.as_str()) {
                None => Beyond::NoPool { pool },
                Some(row) => {
                    Beyond::Pool { slots: row.slots.unwrap_or(u32::MAX), taken: tenant.taken_of(row), wanted, pool }
                }
            },
        };
        limits_of(run, node).into_iter().filter(is_full).map(reason).collect()
    }
}

impl Tenant {
    fn taken_of(&self, pool: &PoolRow) -> u32 {
        let (running, deferred) = self.taken.get(pool.name.as_str()).copied().unwrap_or_default();
        running.saturating_add(if pool.include_deferred { deferred } else { 0 })
    }
}

fn limits_of(run: &ActiveRun, node: NodeIdx) -> Vec<Limited> {
    let task = run.claimed.dag.task(node);
    let pool = task.pool.clone().or_else(|| PoolName::new(DEFAULT_POOL).ok());
    let of_task = || Limited::Task(run.claimed.dag_id.clone(), task.task_id.clone());
    let limits = [pool.map(Limited::Pool), task.max_active_per_dag.map(|_| of_task()), Some(Limited::Tenant)];
    limits.into_iter().flatten().collect()
}

/// A sum, one part of which has changed.
fn changed(sum: u32, before: u32, now: u32) -> u32 {
    sum.saturating_sub(before).saturating_add(now)
}
