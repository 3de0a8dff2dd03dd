//! When runs of a DAG begin by themselves, as its document says it.
//!
//! A *fire* is an instant at which a time schedule makes a run. What is here is shape and grammar: cron expressions and zones are
//! legal from the moment they are read. Instants are computed by `plan::timetable`, events are matched by `plan::asset_trigger`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::asset::AssetExpression;

mod cron;
mod zone;

pub use cron::{Cron, CronDay, InvalidCron};
pub use zone::{InvalidZone, Zone};

/// What makes runs of a DAG besides people. A DAG without one is run by people alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// One run, at the start date or as soon as the DAG is there.
    Once,
    /// A run as soon as the one before has ended.
    Continuous,
    /// At the times that a cron expression names.
    Cron(CronSchedule),
    /// Again and again after the same time.
    Interval(IntervalSchedule),
    /// Whenever one of these fires; what fires at the same instant makes one run.
    Several(Vec<TimeSchedule>),
    /// When events of these assets have come.
    Assets(AssetExpression),
    /// When events have come, and at times besides.
    AssetsOrTime(AssetsOrTime),
}

/// A schedule that needs nothing but the clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TimeSchedule {
    Cron(CronSchedule),
    Interval(IntervalSchedule),
}

/// A cron expression in a zone.
///
/// Where the expression names hours, a time that the zone's clocks skip fires once, at the first instant after the gap, and a time
/// that they show twice fires once, the first time. Where it leaves the hour open (`*`), it follows the clock: what is skipped does
/// not fire, what is shown twice fires twice, so that no hour is without its runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronSchedule {
    pub expression: Cron,
    #[serde(default, skip_serializing_if = "Zone::is_utc")]
    pub timezone: Zone,
}

/// The same time again and again, counted from the start date; from 1970 where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntervalSchedule {
    pub every_ms: u64,
}

/// Runs for events, and runs at times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetsOrTime {
    pub assets: AssetExpression,
    pub time: Vec<TimeSchedule>,
}

/// Which end of its data interval a scheduled run is named for. The interval reaches from one fire to the next, and the run begins
/// when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogicalDate {
    /// The instant at which the run is due.
    #[default]
    Fire,
    /// The fire before it.
    IntervalStart,
}

/// By when a run should have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    #[serde(default)]
    pub from: DeadlineFrom,
    pub within_ms: u64,
}

/// What a deadline is counted from. A run without that time has no deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineFrom {
    #[default]
    QueuedAt,
    RunAfter,
    LogicalDate,
}

impl Schedule {
    /// The schedules of it that need nothing but the clock.
    pub fn times(&self) -> Vec<TimeSchedule> {
        match self {
            Self::Once | Self::Continuous | Self::Assets(_) => Vec::new(),
            Self::Cron(cron) => vec![TimeSchedule::Cron(cron.clone())],
            Self::Interval(interval) => vec![TimeSchedule::Interval(*interval)],
            Self::Several(times) => times.clone(),
            Self::AssetsOrTime(both) => both.time.clone(),
        }
    }

    /// The events that it waits for.
    pub fn assets(&self) -> Option<&AssetExpression> {
        match self {
            Self::Assets(assets) | Self::AssetsOrTime(AssetsOrTime { assets, .. }) => Some(assets),
            Self::Once | Self::Continuous | Self::Cron(_) | Self::Interval(_) | Self::Several(_) => None,
        }
    }
}

/// Reads a time of a document, which counts in microseconds like the rows that it ends up in.
pub(crate) mod time {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer};

    use super::Timestamp;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let time: Timestamp = text.parse().map_err(|_| {
            D::Error::custom(format!(
                "{text:?} is no time; write it like 2026-01-31T08:00:00Z, with a zone's offset or Z"
            ))
        })?;
        if time.subsec_nanosecond() % 1_000 != 0 {
            return Err(D::Error::custom("times count in microseconds; leave the digits after the sixth out"));
        }
        Ok(Some(time))
    }
}

#[cfg(test)]
mod tests;
