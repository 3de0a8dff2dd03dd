//! When runs of a DAG begin by themselves, as `#[dag]` says it.

use crate::json_text::{Object, ToJson, variant};

/// What makes runs besides people.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub enum Schedule {
    Once,
    Continuous,
    Time(TimeSchedule),
    Several(&'static [TimeSchedule]),
    Assets(AssetExpression),
    AssetsOrTime(AssetExpression, &'static [TimeSchedule]),
}

/// A schedule that needs nothing but the clock.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub enum TimeSchedule {
    Cron { expression: &'static str, timezone: Option<&'static str> },
    Interval { every_ms: u64 },
}

/// Events of which assets are waited for.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub enum AssetExpression {
    Asset(&'static str),
    All(&'static [AssetExpression]),
    Any(&'static [AssetExpression]),
}

/// By when a run should have ended.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    pub from: Option<&'static str>,
    pub within_ms: u64,
}

/// Everything about time that a DAG says.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    pub schedule: Option<Schedule>,
    pub start_date: Option<&'static str>,
    pub end_date: Option<&'static str>,
    pub catchup: bool,
    pub logical_date: Option<&'static str>,
    pub max_active_runs: Option<u32>,
    pub max_consecutive_failed_runs: Option<u32>,
    pub deadline: Option<Deadline>,
}

impl Timing {
    /// Nothing said.
    pub const NONE: Self = Self {
        schedule: None,
        start_date: None,
        end_date: None,
        catchup: false,
        logical_date: None,
        max_active_runs: None,
        max_consecutive_failed_runs: None,
        deadline: None,
    };

    pub(crate) fn write_members(&self, object: &mut Object<'_>) {
        object.option("schedule", &self.schedule);
        object.option("start_date", &self.start_date);
        object.option("end_date", &self.end_date);
        object.flag("catchup", self.catchup);
        object.option("logical_date", &self.logical_date);
        object.option("max_active_runs", &self.max_active_runs);
        object.option("max_consecutive_failed_runs", &self.max_consecutive_failed_runs);
        object.option("deadline", &self.deadline);
    }
}

impl ToJson for Schedule {
    fn write(&self, out: &mut String) {
        match self {
            Self::Once => "once".write(out),
            Self::Continuous => "continuous".write(out),
            Self::Time(time) => time.write(out),
            Self::Several(times) => variant("several", &TimeList(times), out),
            Self::Assets(assets) => variant("assets", assets, out),
            Self::AssetsOrTime(assets, times) => {
                let mut object = Object::begin(out);
                object.member_with("assets_or_time", |out| {
                    let mut both = Object::begin(out);
                    both.member("assets", assets);
                    both.member("time", &TimeList(times));
                    both.end();
                });
                object.end();
            }
        }
    }
}

struct TimeList(&'static [TimeSchedule]);

impl ToJson for TimeList {
    fn write(&self, out: &mut String) {
        self.0.write(out);
    }
}

impl ToJson for TimeSchedule {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        match self {
            Self::Cron { expression, timezone } => object.member_with("cron", |out| {
                let mut cron = Object::begin(out);
                cron.member("expression", expression);
                cron.option("timezone", timezone);
                cron.end();
            }),
            Self::Interval { every_ms } => object.member_with("interval", |out| variant("every_ms", every_ms, out)),
        }
        object.end();
    }
}

impl ToJson for AssetExpression {
    fn write(&self, out: &mut String) {
        let (name, parts) = match self {
            Self::Asset(name) => return variant("asset", name, out),
            Self::All(parts) => ("all", parts),
            Self::Any(parts) => ("any", parts),
        };
        let mut object = Object::begin(out);
        object.member_with(name, |out| parts.write(out));
        object.end();
    }
}

impl ToJson for Deadline {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        object.option("from", &self.from);
        object.member("within_ms", &self.within_ms);
        object.end();
    }
}
