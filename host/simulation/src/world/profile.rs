//! What a seed is like. Each seed mixes the kinds of trouble in its own way, some of them not at all, so that a kind that hides
//! another one does not hide it always.

use plan::MachineLimits;
use scheduler::SchedulerLimits;
use testkit::dice::Dice;

use crate::Faults;

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Time goes on to when somebody wakes.
    Pass,
    /// Time goes on a little.
    Wait,
    /// Time goes on by more than a lease at once, as when the whole machine stands still.
    Freeze,
    /// The wall clock jumps.
    Jump,
    Trigger,
    Clear,
    /// A worker ends some of what it holds.
    End,
    /// A worker loses some of what it holds.
    Lose,
    /// A worker stands still for longer than a lease, perhaps.
    StopWorker,
    KillWorker,
    AddWorker,
    /// The process dies, and another one starts.
    Crash,
    /// The process ends in order, and another one starts.
    Restart,
}

/// What a seed is like.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    pub(super) steps: u32,
    pub(super) weights: Vec<(Act, u32)>,
    pub(super) faults: Faults,
    pub(super) dags: u32,
    pub(super) tasks: u32,
    pub(super) runs: u32,
    pub(super) slots: u32,
    /// Of a thousand DAGs, those with a timeout of their runs.
    pub(super) timeouts: u32,
    /// Of a thousand triggers that failed, those that are repeated.
    pub(super) repeats: u32,
}

pub(super) const LIMITS: SchedulerLimits = SchedulerLimits {
    runs: 40,
    machine: MachineLimits { map_length: 30, map_length_ceiling: 100, instances: 1_000_000 },
};

impl Profile {
    pub(super) fn of(dice: &mut Dice) -> Self {
        let all = [
            (Act::Pass, 300),
            (Act::Wait, 150),
            (Act::Freeze, 6),
            (Act::Jump, 4),
            (Act::Trigger, 120),
            (Act::Clear, 12),
            (Act::End, 400),
            (Act::Lose, 20),
            (Act::StopWorker, 12),
            (Act::KillWorker, 6),
            (Act::AddWorker, 12),
            (Act::Crash, 8),
            (Act::Restart, 3),
        ];
        let needed = [Act::Pass, Act::Trigger, Act::End];
        let mut weight = |act: Act, usual: u32| match dice.roll(6) {
            0 | 1 if !needed.contains(&act) => 0,
            5 => usual * 4,
            _ => usual,
        };
        let weights = all.into_iter().map(|(act, usual)| (act, weight(act, usual))).collect();
        let mut often = |most: u32| match dice.roll(4) {
            0 | 1 => 0,
            2 => most / 5,
            _ => most,
        };
        let faults = Faults {
            refused: often(100),
            answer_lost: often(100),
            overtaken: often(60),
            slow: often(500),
            stuck: often(20),
        };
        Self {
            steps: 50 + dice.roll(300),
            weights,
            faults,
            dags: 1 + dice.roll(3),
            tasks: 1 + dice.roll(6),
            runs: 1 + dice.roll(12),
            slots: 1 + dice.roll(6),
            timeouts: *dice.pick(&[0, 0, 300]),
            repeats: *dice.pick(&[0, 500, 1_000]),
        }
    }

    pub(super) fn act(&self, dice: &mut Dice) -> Act {
        let mut roll = dice.roll(self.weights.iter().map(|(_, weight)| weight).sum());
        for (act, weight) in &self.weights {
            match roll.checked_sub(*weight) {
                Some(rest) => roll = rest,
                None => return *act,
            }
        }
        Act::Pass
    }
}
