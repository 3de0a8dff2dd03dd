//! Fires that lie equally far apart.

use jiff::Timestamp;
use model::schedule::IntervalSchedule;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct IntervalTimes {
    anchor_us: i64,
    every_us: i64,
}

impl IntervalTimes {
    pub(super) fn new(interval: IntervalSchedule, anchor: Timestamp) -> Self {
        let every_us = i64::try_from(interval.every_ms.saturating_mul(1_000)).unwrap_or(i64::MAX).max(1);
        Self { anchor_us: anchor.as_microsecond(), every_us }
    }

    pub(super) fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        self.fire(self.count(at)?.checked_add(1)?)
    }

    pub(super) fn last_until(&self, at: Timestamp) -> Option<Timestamp> {
        self.fire(self.count(at)?)
    }

    /// How many intervals have passed from the anchor to `at`; negative before it.
    fn count(&self, at: Timestamp) -> Option<i64> {
        Some(at.as_microsecond().checked_sub(self.anchor_us)?.div_euclid(self.every_us))
    }

    fn fire(&self, count: i64) -> Option<Timestamp> {
        Timestamp::from_microsecond(self.anchor_us.checked_add(count.checked_mul(self.every_us)?)?).ok()
    }
}
