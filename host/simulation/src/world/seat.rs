//! A place where processes live one after the other, on one data folder.

use std::time::Duration;

use clock::Ids;
use testkit::dice::Dice;
use uuid::Uuid;

use super::profile::{LIMITS, SeatProfile};
use crate::{Faults, Ground, Process, Role, SimWorker};

pub(super) struct Seat {
    pub(super) profile: SeatProfile,
    role: Role,
    pub(super) process: Option<Process>,
    /// Which one it is, of all processes.
    pub(super) number: u32,
    /// Its way to the database is back then.
    pub(super) cut_off_until: Duration,
}

impl Seat {
    pub(super) fn new(ground: &Ground, profile: SeatProfile, is_shared: bool) -> Self {
        let SeatProfile { is_scheduler, slots, .. } = profile;
        let node: Uuid = ground.clock.uuid();
        let role = if is_shared { Role::Member { node, is_scheduler, slots } } else { Role::Alone };
        Self { profile, role, process: None, number: 0, cut_off_until: Duration::ZERO }
    }

    pub(super) fn start(&mut self, ground: &Ground, number: u32, faults: Faults, dice: Dice) {
        let process = Process::start(ground, &format!("p{number}"), self.role, LIMITS, dice);
        process.link.set_faults(faults);
        self.process = Some(process);
        self.number = number;
        self.cut_off_until = Duration::ZERO;
    }

    /// Whether a worker is missing. Alone a process may have several.
    pub(super) fn lacks_worker(&self) -> bool {
        self.process.as_ref().is_some_and(|it| it.workers.is_empty()) && self.profile.slots > 0
    }

    pub(super) fn may_have_more_workers(&self) -> bool {
        let most = if self.role == Role::Alone { 4 } else { usize::from(self.profile.slots > 0) };
        self.process.as_ref().is_some_and(|it| it.workers.len() < most)
    }

    /// Nothing goes wrong with it any more.
    pub(super) fn heal(&mut self) {
        self.cut_off_until = Duration::ZERO;
        if let Some(process) = &self.process {
            process.link.set_faults(Faults::default());
            process.link.set_partition(None);
            process.go_on();
        }
    }

    /// Every worker has ended what it held, and knows that it is durable.
    pub(super) fn is_settled(&self) -> bool {
        let settled = |it: &SimWorker| it.held().is_empty() && it.is_settled();
        self.process.as_ref().is_some_and(|process| process.workers.iter().all(settled))
    }
}
