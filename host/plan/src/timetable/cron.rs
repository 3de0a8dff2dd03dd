//! The instants of a cron expression in a zone.
//!
//! An expression that names hours fires at each of its local times once: at the first instant at which the zone's clocks show that
//! time or a later one. So a time in a gap fires at the gap's end, together with others of the same gap, and a time in a fold
//! fires when it is shown first. An expression that leaves the hour open fires at every instant whose local time it names.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp};
use model::schedule::{Cron, CronDay, CronSchedule};

/// Days that are searched: the 29th of February is a given weekday once in 40 years.
const DAYS_MAX: u32 = 15_000;
/// Clocks are never set back by more.
const FOLD_MAX_HOURS: i64 = 25;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct CronTimes {
    cron: Cron,
    zone: TimeZone,
}

impl CronTimes {
    pub(super) fn new(schedule: CronSchedule) -> Self {
        Self { cron: schedule.expression, zone: schedule.timezone.rules().clone() }
    }

    /// The first fire after an instant.
    pub(super) fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        if self.cron.is_every_hour() { self.next_by_clock(at) } else { self.next_of_hours(at) }
    }

    /// The last fire at or before an instant.
    pub(super) fn last_until(&self, at: Timestamp) -> Option<Timestamp> {
        if self.cron.is_every_hour() { self.last_by_clock(at) } else { self.last_of_hours(at) }
    }

    /// Local times before the one that the clocks show have fired already; later ones may have, in the second part of a fold.
    fn next_of_hours(&self, at: Timestamp) -> Option<Timestamp> {
        let mut local = self.local_from(to_minute(self.zone.to_datetime(at)))?;
        loop {
            let fire = self.first_shown(local)?;
            if fire > at {
                return Some(fire);
            }
            local = self.local_from(local.checked_add(Span::new().minutes(1)).ok()?)?;
        }
    }

    fn last_of_hours(&self, at: Timestamp) -> Option<Timestamp> {
        let local = self.zone.to_datetime(at);
        let latest = local.checked_add(Span::new().hours(FOLD_MAX_HOURS)).unwrap_or(local);
        let mut local = self.local_until(latest)?;
        loop {
            let fire = self.first_shown(local)?;
            if fire <= at {
                return Some(fire);
            }
            local = self.local_until(local.checked_sub(Span::new().minutes(1)).ok()?)?;
        }
    }

    /// The first instant at which the clocks show this time or a later one.
    fn first_shown(&self, local: DateTime) -> Option<Timestamp> {
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                offset.to_timestamp(local).ok()
            }
            AmbiguousOffset::Gap { after, .. } => {
                let in_time = after.to_timestamp(local).ok()?;
                let mut changes = self.zone.following(in_time).map(|change| change.timestamp());
                changes.find(|change| self.zone.to_datetime(*change) > local)
            }
        }
    }

    /// Between two changes of the offset local time runs like any other.
    fn next_by_clock(&self, mut at: Timestamp) -> Option<Timestamp> {
        loop {
            let offset = self.zone.to_offset(at);
            let later = to_minute(offset.to_datetime(at)).checked_add(Span::new().minutes(1)).ok()?;
            let fire = offset.to_timestamp(self.local_from(later)?).ok()?;
            match self.zone.following(at).next().map(|change| change.timestamp()) {
                Some(change) if change <= fire => {
                    if self.is_named(self.zone.to_datetime(change)) {
                        return Some(change);
                    }
                    at = change;
                }
                _ => return Some(fire),
            }
        }
    }

    fn last_by_clock(&self, mut at: Timestamp) -> Option<Timestamp> {
        const TICK: std::time::Duration = std::time::Duration::from_nanos(1);
        loop {
            let offset = self.zone.to_offset(at);
            let fire = offset.to_timestamp(self.local_until(offset.to_datetime(at))?).ok()?;
            let change = self.zone.preceding(at.checked_add(TICK).ok()?).next().map(|change| change.timestamp());
            match change {
                Some(change) if fire < change => at = change.checked_sub(TICK).ok()?,
                _ => return Some(fire),
            }
        }
    }

    fn is_named(&self, local: DateTime) -> bool {
        local == to_minute(local)
            && self.cron.has_day(day(local.date()))
            && self.cron.has_time(local.hour() as u8, local.minute() as u8)
    }

    /// The first local time at or after a whole minute that the expression names.
    fn local_from(&self, from: DateTime) -> Option<DateTime> {
        let mut date = from.date();
        let mut time = (from.hour() as u8, from.minute() as u8);
        for _ in 0..DAYS_MAX {
            if self.cron.has_day(day(date))
                && let Some((hour, minute)) = self.cron.time_from(time.0, time.1)
            {
                return Some(date.at(hour as i8, minute as i8, 0, 0));
            }
            (date, time) = (date.tomorrow().ok()?, (0, 0));
        }
        None
    }

    /// The last local time at or before another that the expression names.
    fn local_until(&self, until: DateTime) -> Option<DateTime> {
        let mut date = until.date();
        let mut time = (until.hour() as u8, until.minute() as u8);
        for _ in 0..DAYS_MAX {
            if self.cron.has_day(day(date))
                && let Some((hour, minute)) = self.cron.time_until(time.0, time.1)
            {
                return Some(date.at(hour as i8, minute as i8, 0, 0));
            }
            (date, time) = (date.yesterday().ok()?, (23, 59));
        }
        None
    }
}

fn to_minute(local: DateTime) -> DateTime {
    local.date().at(local.hour(), local.minute(), 0, 0)
}

fn day(date: Date) -> CronDay {
    CronDay {
        month: date.month() as u8,
        day: date.day() as u8,
        days_in_month: date.days_in_month() as u8,
        weekday: date.weekday().to_sunday_zero_offset() as u8,
    }
}
