//! Whose turn it is: runs that have ready instances.
//!
//! What must hold: tenants have their turns one after the other, whatever each of them has; within a tenant the higher weight goes
//! first; among equal ones a run of which nothing runs does not wait for the masses of others, and the masses go on whatever many such
//! runs come.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};

use model::{RunKey, TenantScope};

/// Most instances that one run gets before the next one has its turn.
pub(super) const TURN: u32 = 32;

/// A run stands in it at most once; its owner sees to that.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Tenants with runs, the next one first.
    tenants: VecDeque<TenantScope>,
    by_tenant: HashMap<TenantScope, BTreeMap<Reverse<i64>, Equals>>,
    count: usize,
}

/// Runs of one tenant and weight.
#[derive(Debug, Default)]
struct Equals {
    /// Nothing of them runs.
    idle: VecDeque<RunKey>,
    busy: VecDeque<RunKey>,
    /// The last turn was an idle run's.
    was_idle: bool,
}

impl Equals {
    /// The next run: an idle one and a busy one by turns.
    fn pop(&mut self) -> Option<RunKey> {
        let (first, second) =
            if self.was_idle { (&mut self.busy, &mut self.idle) } else { (&mut self.idle, &mut self.busy) };
        let run = first.pop_front();
        self.was_idle = self.was_idle == run.is_none();
        run.or_else(|| second.pop_front())
    }

    fn is_empty(&self) -> bool {
        self.idle.is_empty() && self.busy.is_empty()
    }
}

impl Turns {
    /// `weight`: of what the run would start first.
    pub(super) fn push(&mut self, scope: TenantScope, weight: i64, run: RunKey, is_idle: bool) {
        let weights = self.by_tenant.entry(scope).or_insert_with(|| {
            self.tenants.push_back(scope);
            BTreeMap::new()
        });
        let equals = weights.entry(Reverse(weight)).or_default();
        if is_idle {
            equals.idle.push_back(run)
        } else {
            equals.busy.push_back(run)
        }
        self.count += 1;
    }

    /// The next run.
    pub(super) fn pop(&mut self) -> Option<RunKey> {
        let scope = self.tenants.pop_front()?;
        let weights = self.by_tenant.get_mut(&scope)?;
        let mut first = weights.first_entry()?;
        let run = first.get_mut().pop()?;
        if first.get().is_empty() {
            first.remove();
        }
        if weights.is_empty() {
            self.by_tenant.remove(&scope);
        } else {
            self.tenants.push_back(scope);
        }
        self.count -= 1;
        Some(run)
    }

    /// How many of `free` slots the run gets whose turn it is, so that others that wait get some too.
    pub(super) fn share(&self, free: u32) -> u32 {
        let waiting = u32::try_from(self.count).unwrap_or(u32::MAX).saturating_add(1);
        (free / waiting).clamp(1, TURN).min(free)
    }
}

#[cfg(test)]
mod tests {
    use model::TenantId;
    use uuid::Uuid;

    use super::*;

    const SCOPE: TenantScope = TenantScope::assume(TenantId::DEFAULT);

    fn run(number: u128) -> RunKey {
        RunKey::from_uuid(Uuid::from_u128(number))
    }

    fn order(turns: &mut Turns) -> Vec<RunKey> {
        std::iter::from_fn(|| turns.pop()).collect()
    }

    #[test]
    fn idle_runs_and_busy_ones_go_by_turns() {
        let mut turns = Turns::default();
        for number in 0..3 {
            turns.push(SCOPE, 1, run(number), false);
        }
        turns.push(SCOPE, 1, run(10), true);
        turns.push(SCOPE, 1, run(11), true);
        assert_eq!(order(&mut turns), [10, 0, 11, 1, 2].map(run));
    }

    #[test]
    fn tenants_go_by_turns_and_in_each_the_higher_weight_goes_first() {
        let other = TenantScope::assume(TenantId::from_row(2));
        let mut turns = Turns::default();
        for number in 0..3 {
            turns.push(SCOPE, number, run(number as u128), true);
        }
        turns.push(other, -5, run(10), true);
        assert_eq!(order(&mut turns), [2, 10, 1, 0].map(run));
    }

    #[test]
    fn a_turn_leaves_slots_for_those_who_wait() {
        let mut turns = Turns::default();
        assert_eq!(turns.share(256), TURN);
        (0..63).for_each(|number| turns.push(SCOPE, 1, run(number), false));
        assert_eq!(turns.share(256), 4);
        assert_eq!(turns.share(10), 1);
        assert_eq!(turns.share(0), 0);
    }
}
