//! When runs of a DAG are due. Pure: instants come in, instants go out; zones' rules come with the program.
//!
//! Words: a *fire* is an instant at which a run is due. The *cursor* of a schedule is the instant up to which its fires are dealt
//! with; it is kept in a row, and moves on when a run was made or fires were passed over. Catching up is lazy: nothing is made of a
//! fire before its turn comes, and what is passed over is counted, not made.
//!
//! Called by the scheduler's timetable loop and, for the dates of a backfill, by `control`. Work is bounded whatever the dates are.
//! Not here: how many runs may be unfinished, who is paused (`scheduler`); assets ([`crate::asset_trigger`]).

use jiff::Timestamp;
use model::document::DagDocument;
use model::limits::schedule::SKIPPED_COUNT_MAX;
use model::schedule::{Deadline, DeadlineFrom, LogicalDate, Schedule, TimeSchedule};

mod cron;
mod interval;
#[cfg(test)]
mod tests;

use cron::CronTimes;
use interval::IntervalTimes;

/// The timetable of a DAG.
#[derive(Debug, Clone, PartialEq)]
pub struct Timetable {
    kind: Kind,
    /// First and last fire that the dates allow; the first is after the last where there is none.
    first: Timestamp,
    last: Timestamp,
    catchup: bool,
    logical_date: LogicalDate,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Once(Timestamp),
    Continuous,
    Times(Vec<Times>),
}

#[derive(Debug, Clone, PartialEq)]
enum Times {
    Cron(CronTimes),
    Interval(IntervalTimes),
}

/// A run that a timetable makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fire {
    /// When it is due.
    pub run_after: Timestamp,
    /// What it is named for; the same for the same fire, and no two fires have the same.
    pub logical_date: Timestamp,
    /// From the fire before to this one.
    pub data_interval: (Timestamp, Timestamp),
}

/// What is due now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub fire: Option<Fire>,
    /// Fires since the cursor that are passed over, counted up to `limits::schedule::SKIPPED_COUNT_MAX`.
    pub skipped: u64,
    /// Where the cursor stands when this is dealt with.
    pub cursor: Timestamp,
}

impl Timetable {
    /// The timetable of a document; `None` where no time makes runs. `since` is when the DAG was first seen, which is when a
    /// schedule without a start date begins.
    pub fn of(document: &DagDocument, since: Timestamp) -> Option<Self> {
        let (start, end) = (document.start_date, document.end_date);
        let logical_date = document.logical_date;
        let kind = match document.schedule.as_ref()? {
            Schedule::Once => Kind::Once(start.unwrap_or(since)),
            Schedule::Continuous => Kind::Continuous,
            schedule => {
                let anchor = start.unwrap_or(Timestamp::UNIX_EPOCH);
                let times = schedule.times().into_iter().map(|time| Times::new(time, anchor));
                Kind::Times(times.collect())
            }
        };
        if matches!(&kind, Kind::Times(times) if times.is_empty()) {
            return None;
        }
        let all = (Timestamp::MIN, Timestamp::MAX);
        let open = Self { kind, first: all.0, last: all.1, catchup: document.catchup, logical_date };
        let first = start.map_or(Some(all.0), |start| open.first_named_from(start));
        let last = end.map_or(Some(all.1), |end| open.last_named_until(end));
        let (first, last) = first.zip(last).unwrap_or((all.1, all.0));
        Some(Self { first, last, ..open })
    }

    /// Where the cursor of a schedule begins that was first seen now: at the start date when everything since is to be caught up
    /// with, before the last fire since then when that one alone is, and at `now` where there is no start date.
    pub fn first_cursor(&self, now: Timestamp) -> Timestamp {
        let first = match self.kind {
            Kind::Once(at) => Some(at),
            _ if self.first == Timestamp::MIN => None,
            Kind::Times(_) if !self.catchup => self.last_until(now),
            Kind::Continuous if !self.catchup => None,
            _ => Some(self.first),
        };
        first.map_or(now, |first| now.min(before(first)))
    }

    /// Where the cursor of a schedule goes on that is changed to this one.
    pub fn next_cursor(&self, cursor: Timestamp, now: Timestamp) -> Timestamp {
        if self.catchup { cursor } else { cursor.max(now) }
    }

    /// The first fire after an instant.
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        self.any_after(at.max(before(self.first))).filter(|fire| *fire <= self.last)
    }

    /// The last fire at or before an instant.
    pub fn last_until(&self, at: Timestamp) -> Option<Timestamp> {
        self.any_until(at.min(self.last)).filter(|fire| *fire >= self.first)
    }

    /// What is due when all fires up to `cursor` are dealt with.
    pub fn due(&self, cursor: Timestamp, now: Timestamp) -> Due {
        let fire = match self.kind {
            Kind::Continuous => Some(now).filter(|now| (self.first..=self.last).contains(now)),
            Kind::Once(_) | Kind::Times(_) if self.catchup => self.next_after(cursor).filter(|fire| *fire <= now),
            Kind::Once(_) | Kind::Times(_) => self.last_until(now).filter(|fire| *fire > cursor),
        };
        let skipped = match fire {
            Some(fire) if !matches!(self.kind, Kind::Continuous) => self.count_between(cursor, fire),
            _ => 0,
        };
        let data_interval =
            |fire| if self.kind == Kind::Continuous { (cursor.min(fire), fire) } else { self.fire(fire).data_interval };
        let fire = fire.map(|at| Fire { data_interval: data_interval(at), ..self.fire(at) });
        Due { fire, skipped, cursor: fire.map_or(cursor, |fire| fire.run_after) }
    }

    /// When something is due next after `cursor`; perhaps in the past.
    pub fn next_due(&self, cursor: Timestamp) -> Option<Timestamp> {
        self.next_after(cursor)
    }

    /// True when a run is due as soon as the one before has ended, so that there is one at a time.
    pub fn is_continuous(&self) -> bool {
        self.kind == Kind::Continuous
    }

    /// The run of a fire.
    pub fn fire(&self, at: Timestamp) -> Fire {
        let from = match &self.kind {
            Kind::Once(_) | Kind::Continuous => at,
            Kind::Times(_) => self.any_until(before(at)).unwrap_or(at),
        };
        let logical_date = match self.logical_date {
            LogicalDate::Fire => at,
            LogicalDate::IntervalStart => from,
        };
        Fire { run_after: at, logical_date, data_interval: (from, at) }
    }

    /// The runs whose logical dates lie within these instants, both included, oldest first.
    pub fn fires_within(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Fire> + '_ {
        let first = self.first_named_from(from).and_then(|first| self.next_after(before(first)));
        std::iter::successors(first, |fire| self.next_after(*fire))
            .map(|fire| self.fire(fire))
            .take_while(move |fire| fire.logical_date <= to)
    }

    fn count_between(&self, cursor: Timestamp, fire: Timestamp) -> u64 {
        let fires = std::iter::successors(self.next_after(cursor), |fire| self.next_after(*fire));
        fires.take_while(|other| *other < fire).take(SKIPPED_COUNT_MAX as usize).count() as u64
    }

    /// The first fire whose logical date is at or after `from`.
    fn first_named_from(&self, from: Timestamp) -> Option<Timestamp> {
        let first = self.any_after(before(from))?;
        match self.logical_date {
            LogicalDate::IntervalStart if matches!(self.kind, Kind::Times(_)) => self.any_after(first),
            LogicalDate::Fire | LogicalDate::IntervalStart => Some(first),
        }
    }

    /// The last fire whose logical date is at or before `until`.
    fn last_named_until(&self, until: Timestamp) -> Option<Timestamp> {
        let last = self.any_until(until)?;
        match self.logical_date {
            LogicalDate::IntervalStart if matches!(self.kind, Kind::Times(_)) => self.any_after(last),
            LogicalDate::Fire | LogicalDate::IntervalStart => Some(last),
        }
    }

    /// The first fire after an instant, whatever the dates say.
    fn any_after(&self, at: Timestamp) -> Option<Timestamp> {
        match &self.kind {
            Kind::Once(fire) => Some(*fire).filter(|fire| *fire > at),
            Kind::Continuous => after(at),
            Kind::Times(times) => times.iter().filter_map(|time| time.next_after(at)).min(),
        }
    }

    /// The last fire at or before an instant, whatever the dates say.
    fn any_until(&self, at: Timestamp) -> Option<Timestamp> {
        match &self.kind {
            Kind::Once(fire) => Some(*fire).filter(|fire| *fire <= at),
            Kind::Continuous => Some(at),
            Kind::Times(times) => times.iter().filter_map(|time| time.last_until(at)).max(),
        }
    }
}

impl Times {
    fn new(time: TimeSchedule, anchor: Timestamp) -> Self {
        match time {
            TimeSchedule::Cron(cron) => Self::Cron(CronTimes::new(cron)),
            TimeSchedule::Interval(interval) => Self::Interval(IntervalTimes::new(interval, anchor)),
        }
    }

    fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Cron(cron) => cron.next_after(at),
            Self::Interval(interval) => interval.next_after(at),
        }
    }

    fn last_until(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Cron(cron) => cron.last_until(at),
            Self::Interval(interval) => interval.last_until(at),
        }
    }
}

/// By when a run should have ended.
pub fn deadline(
    deadline: Deadline,
    queued_at: Timestamp,
    run_after: Timestamp,
    logical_date: Option<Timestamp>,
) -> Option<Timestamp> {
    let from = match deadline.from {
        DeadlineFrom::QueuedAt => queued_at,
        DeadlineFrom::RunAfter => run_after,
        DeadlineFrom::LogicalDate => logical_date?,
    };
    from.checked_add(std::time::Duration::from_millis(deadline.within_ms)).ok()
}

/// Rows count in microseconds, so this is the instant before.
fn before(at: Timestamp) -> Timestamp {
    at.checked_sub(std::time::Duration::from_micros(1)).unwrap_or(Timestamp::MIN)
}

fn after(at: Timestamp) -> Option<Timestamp> {
    at.checked_add(std::time::Duration::from_micros(1)).ok()
}
