//! The same fires, found by looking at every minute: obviously right, and slow.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The values that one field names, from a text of numbers, `*`, `a-b`, `*/n` and lists.
fn values(field: &str, min: i16, max: i16) -> Vec<i16> {
    let part = |part: &str| -> Vec<i16> {
        let (range, step) = part.split_once('/').map_or((part, 1), |(range, step)| (range, step.parse().unwrap()));
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (first.parse().unwrap(), last.parse().unwrap()),
            None if range == "*" => (min, max),
            None => (range.parse().unwrap(), range.parse().unwrap()),
        };
        (min..=max).filter(|value| (first..=last).contains(value) && (value - first) % step == 0).collect()
    };
    field.split(',').flat_map(part).collect()
}

pub(super) struct Slow {
    minutes: Vec<i16>,
    hours: Vec<i16>,
    days: Vec<i16>,
    months: Vec<i16>,
    weekdays: Vec<i16>,
    names_day: bool,
    names_weekday: bool,
}

impl Slow {
    pub(super) fn new(expression: &str) -> Self {
        let fields: Vec<_> = expression.split(' ').collect();
        Self {
            minutes: values(fields[0], 0, 59),
            hours: values(fields[1], 0, 23),
            days: values(fields[2], 1, 31),
            months: values(fields[3], 1, 12),
            weekdays: values(fields[4], 0, 6),
            names_day: fields[2] != "*",
            names_weekday: fields[4] != "*",
        }
    }

    fn names(&self, local: DateTime) -> bool {
        let day = self.days.contains(&i16::from(local.day()));
        let weekday = self.weekdays.contains(&i16::from(local.weekday().to_sunday_zero_offset()));
        let is_day = match (self.names_day, self.names_weekday) {
            (true, true) => day || weekday,
            _ => day && weekday,
        };
        is_day
            && self.months.contains(&i16::from(local.month()))
            && self.hours.contains(&i16::from(local.hour()))
            && self.minutes.contains(&i16::from(local.minute()))
    }

    /// The fires after `from` up to `to`. Goes by seconds where the zone's offset is not in whole minutes.
    pub(super) fn fires(&self, zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
        const WARM_UP_S: i64 = 26 * 3600;
        let (begin, end) = (from.as_second() - WARM_UP_S, to.as_second());
        let offset = |second: i64| i64::from(zone.to_offset(Timestamp::from_second(second).unwrap()).seconds());
        let is_odd = (begin..=end).step_by(600).any(|second| offset(second) % 60 != 0);
        let step = if is_odd { 1 } else { 60 };
        let begin = begin - begin.rem_euclid(60);
        // The latest local time that was ever shown, in seconds.
        let mut shown = begin - 1 + offset(begin - 1);
        let mut fires = Vec::new();
        for second in (begin..=end).step_by(step as usize) {
            let now = second + offset(second);
            let is_fire = if self.hours.len() == 24 {
                now % 60 == 0 && self.names(local(now))
            } else {
                // Every minute that was passed since, shown or not.
                let first = shown.div_euclid(60) * 60 + 60;
                (first..=now).step_by(60).any(|minute| self.names(local(minute)))
            };
            shown = shown.max(now);
            if is_fire && second > from.as_second() {
                fires.push(Timestamp::from_second(second).unwrap());
            }
        }
        fires
    }
}

fn local(second: i64) -> DateTime {
    TimeZone::UTC.to_datetime(Timestamp::from_second(second).unwrap())
}
