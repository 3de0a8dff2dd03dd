//! Cron expressions: `minute hour day-of-month month day-of-week`, or one of the words `@hourly`, `@daily`, `@midnight`, `@weekly`,
//! `@monthly`, `@quarterly`, `@yearly`, `@annually`.
//!
//! A field is `*` or a list of values, ranges (`1-5`) and steps (`*/15`, `10-30/5`, `10/5`). Months and weekdays may be their first
//! three letters; weekdays count from Sunday as 0, and 7 is Sunday too. A day of the month may be `L`, the last one; a weekday
//! may be `5#3`, the third Friday of the month, or `5L`, the last one. Where both days are named, either is enough; a field
//! that is `*` (or `?`) names none. An expression that never fires is not legal.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A legal cron expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    /// As it was written.
    text: Box<str>,
    /// A bit for each minute, hour, month.
    minutes: u64,
    hours: u32,
    months: u16,
    days: DaysOfMonth,
    weekdays: Weekdays,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DaysOfMonth {
    is_open: bool,
    days: u32,
    last: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Weekdays {
    is_open: bool,
    /// A bit for each weekday, from Sunday.
    any: u8,
    /// The same for the first to the fifth of the month, and for the last.
    nth: [u8; 5],
    last: u8,
}

/// A day, as far as an expression asks about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CronDay {
    /// From 1.
    pub month: u8,
    /// From 1.
    pub day: u8,
    pub days_in_month: u8,
    /// From Sunday as 0.
    pub weekday: u8,
}

/// Why a text is no cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCron {
    #[error(
        "{0:?} is no cron expression: it has five fields, minute hour day-of-month month day-of-week, or is a word such as @daily"
    )]
    Shape(String),
    #[error("{word:?} is no time of a cron expression; {hint}")]
    Word { word: String, hint: &'static str },
    #[error(
        "{part:?} is no {field} of a cron expression; {field}s are {min} to {max}, lists 1,2, ranges 1-5, steps */5"
    )]
    Part { part: String, field: &'static str, min: u8, max: u8 },
    #[error("{0:?} never fires: none of its months has such a day")]
    Never(String),
}

/// Longest text.
const TEXT_MAX_BYTES: usize = 250;
const HOURS: u32 = (1 << 24) - 1;
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

struct Field {
    name: &'static str,
    min: u8,
    max: u8,
    names: &'static [&'static str],
}

const MINUTE: Field = Field { name: "minute", min: 0, max: 59, names: &[] };
const HOUR: Field = Field { name: "hour", min: 0, max: 23, names: &[] };
const DAY: Field = Field { name: "day", min: 1, max: 31, names: &[] };
const MONTH: Field = Field { name: "month", min: 1, max: 12, names: &MONTHS };
const WEEKDAY: Field = Field { name: "weekday", min: 0, max: 7, names: &WEEKDAYS };

impl Cron {
    /// Reads an expression.
    pub fn new(text: &str) -> Result<Self, InvalidCron> {
        let shape = || InvalidCron::Shape(text.chars().take(80).collect());
        if text.len() > TEXT_MAX_BYTES {
            return Err(shape());
        }
        let fields = if text.starts_with('@') { of_word(text)? } else { text };
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else { return Err(shape()) };
        let minutes = MINUTE.bits(minute)?;
        let hours = HOUR.bits(hour)? as u32;
        let months = MONTH.bits(month)? as u16;
        let (days, weekdays) = (DaysOfMonth::new(day)?, Weekdays::new(weekday)?);
        let cron = Self { text: text.into(), minutes, hours, months, days, weekdays };
        if cron.ever_fires() { Ok(cron) } else { Err(InvalidCron::Never(text.to_owned())) }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True when it leaves the hour open, so that it follows the clock through a change of the offset.
    pub fn is_every_hour(&self) -> bool {
        self.hours == HOURS
    }

    /// Whether it fires on this day.
    pub fn has_day(&self, day: CronDay) -> bool {
        if self.months & 1 << day.month == 0 {
            return false;
        }
        match (self.days.is_open, self.weekdays.is_open) {
            (true, true) => true,
            (false, true) => self.days.has(day),
            (true, false) => self.weekdays.has(day),
            (false, false) => self.days.has(day) || self.weekdays.has(day),
        }
    }

    /// Whether it fires at this time of its days.
    pub fn has_time(&self, hour: u8, minute: u8) -> bool {
        self.hours & 1 << hour != 0 && self.minutes & 1 << minute != 0
    }

    /// The first time of day at or after `hour:minute` at which it fires.
    pub fn time_from(&self, hour: u8, minute: u8) -> Option<(u8, u8)> {
        (hour..24).filter(|at| self.hours & 1 << at != 0).find_map(|at| {
            let from = if at == hour { minute } else { 0 };
            let left = self.minutes >> from;
            (left != 0).then(|| (at, from + left.trailing_zeros() as u8))
        })
    }

    /// The last time of day at or before `hour:minute` at which it fires.
    pub fn time_until(&self, hour: u8, minute: u8) -> Option<(u8, u8)> {
        (0..=hour).rev().filter(|at| self.hours & 1 << at != 0).find_map(|at| {
            let until = if at == hour { minute } else { 59 };
            let left = self.minutes & (u64::MAX >> (63 - until));
            (left != 0).then(|| (at, 63 - left.leading_zeros() as u8))
        })
    }

    /// Weekdays wander through the months, so only a day that no month has can be waited for in vain.
    fn ever_fires(&self) -> bool {
        const LONGEST: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let has = |month: u8| {
            let days_in_month = LONGEST[usize::from(month) - 1];
            (1..=days_in_month).any(|day| self.days.has(CronDay { month, day, days_in_month, weekday: 0 }))
        };
        self.days.is_open || !self.weekdays.is_open || (1..=12).any(|month| self.months & 1 << month != 0 && has(month))
    }
}

fn of_word(word: &str) -> Result<&'static str, InvalidCron> {
    let hint = match word {
        "@hourly" => return Ok("0 * * * *"),
        "@daily" | "@midnight" => return Ok("0 0 * * *"),
        "@weekly" => return Ok("0 0 * * 0"),
        "@monthly" => return Ok("0 0 1 * *"),
        "@quarterly" => return Ok("0 0 1 */3 *"),
        "@yearly" | "@annually" => return Ok("0 0 1 1 *"),
        "@once" => "write \"schedule\": \"once\"",
        "@continuous" => "write \"schedule\": \"continuous\"",
        _ => "words are @hourly, @daily, @weekly, @monthly, @quarterly and @yearly",
    };
    Err(InvalidCron::Word { word: word.chars().take(80).collect(), hint })
}

impl DaysOfMonth {
    fn new(text: &str) -> Result<Self, InvalidCron> {
        if is_open(text) {
            return Ok(Self { is_open: true, days: u32::MAX, last: false });
        }
        let mut found = Self { is_open: false, days: 0, last: false };
        for part in text.split(',') {
            if part.eq_ignore_ascii_case("l") {
                found.last = true;
            } else {
                found.days |= DAY.bits(part)? as u32;
            }
        }
        Ok(found)
    }

    fn has(&self, day: CronDay) -> bool {
        self.days & 1 << day.day != 0 || self.last && day.day == day.days_in_month
    }
}

impl Weekdays {
    fn new(text: &str) -> Result<Self, InvalidCron> {
        let mut found = Self { is_open: is_open(text), any: 0, nth: [0; 5], last: 0 };
        for part in text.split(',').filter(|_| !found.is_open) {
            let wrong = || WEEKDAY.wrong(part);
            if let Some((day, nth)) = part.split_once('#') {
                let nth: usize = nth.parse().map_err(|_| wrong())?;
                let place = nth.checked_sub(1).and_then(|nth| found.nth.get_mut(nth)).ok_or_else(wrong)?;
                *place |= 1 << (WEEKDAY.value(day).ok_or_else(wrong)? % 7);
            } else if let Some(day) = part.strip_suffix(['l', 'L']) {
                found.last |= 1 << (WEEKDAY.value(day).ok_or_else(wrong)? % 7);
            } else {
                let bits = WEEKDAY.bits(part)? as u8;
                found.any |= bits & 0x7f | bits >> 7;
            }
        }
        Ok(found)
    }

    fn has(&self, day: CronDay) -> bool {
        let bit = 1 << day.weekday;
        let nth = usize::from((day.day - 1) / 7);
        self.any & bit != 0 || self.nth[nth] & bit != 0 || self.last & bit != 0 && day.day + 7 > day.days_in_month
    }
}

fn is_open(text: &str) -> bool {
    matches!(text, "*" | "?")
}

impl Field {
    /// A bit for each value that a field names.
    fn bits(&self, text: &str) -> Result<u64, InvalidCron> {
        text.split(',').try_fold(0, |bits, part| Ok(bits | self.part(part).ok_or_else(|| self.wrong(part))?))
    }

    fn part(&self, part: &str) -> Option<u64> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse().ok().filter(|step: &u8| (1..=self.max).contains(step))?)),
            None => (part, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.min, self.last_of_all()),
            Some((first, last)) => (self.value(first)?, self.value(last)?),
            None => {
                let first = self.value(range)?;
                (first, if step.is_some() { self.last_of_all() } else { first })
            }
        };
        (first <= last)
            .then(|| (first..=last).step_by(usize::from(step.unwrap_or(1))).fold(0, |bits, at| bits | 1 << at))
    }

    /// 7 is a name of Sunday, which `*` names already.
    fn last_of_all(&self) -> u8 {
        if self.names.len() == WEEKDAYS.len() { 6 } else { self.max }
    }

    fn value(&self, text: &str) -> Option<u8> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let number = || text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let value = named.map(|at| at as u8 + self.min).or_else(number)?;
        (self.min..=self.max).contains(&value).then_some(value)
    }

    fn wrong(&self, part: &str) -> InvalidCron {
        let Self { name, min, max, .. } = *self;
        InvalidCron::Part { part: part.chars().take(80).collect(), field: name, min, max }
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Cron {
    type Err = InvalidCron;
    fn from_str(text: &str) -> Result<Self, InvalidCron> {
        Self::new(text)
    }
}

impl TryFrom<String> for Cron {
    type Error = InvalidCron;
    fn try_from(text: String) -> Result<Self, InvalidCron> {
        Self::new(&text)
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> String {
        cron.text.into()
    }
}

impl schemars::JsonSchema for Cron {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cron".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "maxLength": TEXT_MAX_BYTES,
            "description": "minute hour day-of-month month day-of-week, or a word such as @daily",
        })
    }
}
