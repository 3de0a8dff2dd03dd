//! Whose turn it is: runs that have ready instances.
//!
//! What must hold: a run of which nothing runs does not wait for the masses of others, and the masses go on whatever many such
//! runs come.

use std::collections::VecDeque;

use model::RunKey;

/// Most instances that one run gets before the next one has its turn.
pub(super) const TURN: u32 = 32;

/// A run stands in it at most once; its owner sees to that.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Nothing of them runs.
    idle: VecDeque<RunKey>,
    busy: VecDeque<RunKey>,
    /// The last turn was an idle run's.
    was_idle: bool,
}

impl Turns {
    pub(super) fn push(&mut self, run: RunKey, is_idle: bool) {
        if is_idle { self.idle.push_back(run) } else { self.busy.push_back(run) }
    }

    /// The next run: an idle one and a busy one by turns.
    pub(super) fn pop(&mut self) -> Option<RunKey> {
        let (first, second) =
            if self.was_idle { (&mut self.busy, &mut self.idle) } else { (&mut self.idle, &mut self.busy) };
        let run = first.pop_front();
        self.was_idle = self.was_idle == run.is_none();
        run.or_else(|| second.pop_front())
    }

    /// How many of `free` slots the run gets whose turn it is, so that others that wait get some too.
    pub(super) fn share(&self, free: u32) -> u32 {
        let waiting = u32::try_from(self.idle.len() + self.busy.len()).unwrap_or(u32::MAX).saturating_add(1);
        (free / waiting).clamp(1, TURN).min(free)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn run(number: u128) -> RunKey {
        RunKey::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn idle_runs_and_busy_ones_go_by_turns() {
        let mut turns = Turns::default();
        for number in 0..3 {
            turns.push(run(number), false);
        }
        turns.push(run(10), true);
        turns.push(run(11), true);
        let order: Vec<_> = std::iter::from_fn(|| turns.pop()).collect();
        assert_eq!(order, [10, 0, 11, 1, 2].map(run));
    }

    #[test]
    fn a_turn_leaves_slots_for_those_who_wait() {
        let mut turns = Turns::default();
        assert_eq!(turns.share(256), TURN);
        (0..63).for_each(|number| turns.push(run(number), false));
        assert_eq!(turns.share(256), 4);
        assert_eq!(turns.share(10), 1);
        assert_eq!(turns.share(0), 0);
    }
}
