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
    /// A process has no way to the database for a while, perhaps for longer than a lease.
    Partition,
    /// A process stands still for a while, perhaps for longer than a lease.
    Stop,
    /// A process stands still, is given up, and another life begins beside it.
    Replace,
    /// The database's clock jumps.
    JumpOfDatabase,
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
    /// Whether processes share the database.
    pub(super) is_shared: bool,
    /// At least one of them schedules, and one works.
    pub(super) seats: Vec<SeatProfile>,
    pub(super) tenants: u32,
}

/// What the processes are like that come one after the other in one place.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeatProfile {
    pub(super) is_scheduler: bool,
    pub(super) slots: u32,
    /// The first one starts at this step.
    pub(super) from_step: u32,
}

pub(super) const LIMITS: SchedulerLimits = SchedulerLimits {
    runs: 40,
    machine: MachineLimits { map_length: 30, map_length_ceiling: 100, instances: 1_000_000 },
    tenant_instances: None,
};

impl Profile {
    pub(super) fn of(dice: &mut Dice) -> Self {
        let is_shared = dice.per_mille(600);
        let steps = 50 + dice.roll(300);
        let slots = 1 + dice.roll(6);
        let seats = if is_shared { seats(dice, steps, slots) } else { vec![SeatProfile::alone(slots)] };
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
        let among_others =
            [(Act::Partition, 10), (Act::Stop, 10), (Act::Replace, 5), (Act::JumpOfDatabase, 4)].into_iter();
        // Among others a process has one worker, which lives as long as it does.
        let all = all.into_iter().filter(|(act, _)| !is_shared || *act != Act::KillWorker);
        let all: Vec<_> = all.chain(among_others.filter(|_| is_shared)).collect();
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
            late: if is_shared { often(60) } else { 0 },
            wakes_lost: if is_shared { often(300) } else { 0 },
        };
        Self {
            steps,
            weights,
            faults,
            dags: 1 + dice.roll(3),
            tasks: 1 + dice.roll(6),
            runs: 1 + dice.roll(12),
            slots,
            timeouts: *dice.pick(&[0, 0, 300]),
            repeats: *dice.pick(&[0, 500, 1_000]),
            is_shared,
            seats,
            tenants: if is_shared { 1 + dice.roll(4) } else { 1 },
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

impl SeatProfile {
    fn alone(slots: u32) -> Self {
        Self { is_scheduler: true, slots, from_step: 0 }
    }
}

fn seats(dice: &mut Dice, steps: u32, slots: u32) -> Vec<SeatProfile> {
    let count = 1 + dice.roll(4);
    let mut seat = |is_first: bool| {
        let (is_scheduler, works) = *dice.pick(&[(true, true), (true, true), (true, false), (false, true)]);
        let from_step = if is_first || dice.per_mille(700) { 0 } else { dice.roll(steps) };
        let slots = 1 + dice.roll(slots);
        SeatProfile { is_scheduler, slots: if works { slots } else { 0 }, from_step }
    };
    let mut seats: Vec<_> = (0..count).map(|number| seat(number == 0)).collect();
    if !seats.iter().any(|it| it.is_scheduler) {
        seats[0].is_scheduler = true;
    }
    if !seats.iter().any(|it| it.slots > 0) {
        seats[0].slots = slots;
    }
    seats
}
