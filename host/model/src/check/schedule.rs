//! Schedules, deadlines, callbacks and assets: ranges, and combinations that could never do anything.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::text::{Text, check as check_text};
use super::{RESERVED, task_pointer};
use crate::asset::{AssetDocument, AssetExpression, AssetName};
use crate::document::{DagDocument, TaskDocument};
use crate::id::Entrypoint;
use crate::json::marker::find_any_marker_in;
use crate::limits::{asset, schedule as limit};
use crate::pointer::Pointer;
use crate::problem::Problems;
use crate::schedule::{Schedule, TimeSchedule};

pub(super) fn check(document: &DagDocument, problems: &mut Problems) {
    let root = Pointer::default();
    if let Some(schedule) = &document.schedule {
        check_schedule(schedule, &root.to("schedule"), problems);
        check_params(document, problems);
    }
    check_dates(document, problems);
    for (key, value, max) in [
        ("max_active_runs", document.max_active_runs, limit::ACTIVE_RUNS_MAX),
        ("max_consecutive_failed_runs", document.max_consecutive_failed_runs, limit::FAILED_RUNS_MAX),
    ] {
        check_range(value.map(u64::from), 1, max.into(), &root.to(key), problems);
    }
    let deadline = document.deadline.map(|deadline| deadline.within_ms);
    check_range(deadline, 1, limit::DEADLINE_MAX_MS, &root.to("deadline").to("within_ms"), problems);
    let at = root.to("callbacks");
    let callbacks = &document.callbacks;
    check_callbacks(&callbacks.on_success, &at.to("on_success"), problems);
    check_callbacks(&callbacks.on_failure, &at.to("on_failure"), problems);
    check_callbacks(&callbacks.on_deadline_missed, &at.to("on_deadline_missed"), problems);
    if document.deadline.is_none() && !callbacks.on_deadline_missed.is_empty() {
        problems.warning(
            "no-deadline",
            at.to("on_deadline_missed"),
            "the DAG has no deadline that could be missed; add one",
        );
    }
    let mut declared = HashMap::new();
    for (i, task) in document.tasks.iter().enumerate() {
        check_task(task, &task_pointer(i), &mut declared, problems);
    }
    check_circle(document, problems);
}

fn check_schedule(schedule: &Schedule, at: &Pointer, problems: &mut Problems) {
    match schedule {
        Schedule::Once | Schedule::Continuous | Schedule::Cron(_) => {}
        Schedule::Interval(interval) => check_interval(interval.every_ms, &at.to("interval"), problems),
        Schedule::Several(times) => check_times(times, &at.to("several"), problems),
        Schedule::Assets(assets) => check_expression(assets, &at.to("assets"), problems),
        Schedule::AssetsOrTime(both) => {
            let at = at.to("assets_or_time");
            check_expression(&both.assets, &at.to("assets"), problems);
            check_times(&both.time, &at.to("time"), problems);
        }
    }
}

/// A schedule gives no values.
fn check_params(document: &DagDocument, problems: &mut Problems) {
    for name in document.params.iter().filter(|(_, param)| param.default.is_none()).map(|(name, _)| name) {
        let message = format!("the DAG is scheduled, but its parameter {name} has no default; add one");
        problems.error("no-default", Pointer::default().to("params").to(name.as_str()), message);
    }
}

fn check_times(times: &[TimeSchedule], at: &Pointer, problems: &mut Problems) {
    if times.is_empty() {
        problems.error("empty-schedule", at, "there is no schedule in the list; add one");
    } else if times.len() > limit::SCHEDULES_MAX {
        let message = format!("{} schedules are given; at most {} are allowed", times.len(), limit::SCHEDULES_MAX);
        problems.error("too-many-schedules", at, message);
    }
    for (i, time) in times.iter().enumerate() {
        if let TimeSchedule::Interval(interval) = time {
            check_interval(interval.every_ms, &at.to(&i.to_string()).to("interval"), problems);
        }
    }
}

fn check_interval(every_ms: u64, at: &Pointer, problems: &mut Problems) {
    check_range(Some(every_ms), limit::INTERVAL_MIN_MS, limit::INTERVAL_MAX_MS, &at.to("every_ms"), problems);
}

fn check_expression(expression: &AssetExpression, at: &Pointer, problems: &mut Problems) {
    let mut open = vec![(expression, at.clone(), 1)];
    let mut names = 0;
    while let Some((expression, at, depth)) = open.pop() {
        if depth > limit::EXPRESSION_DEPTH_MAX {
            let message =
                format!("the expression nests deeper than {} levels; flatten it", limit::EXPRESSION_DEPTH_MAX);
            problems.error("expression-too-deep", &at, message);
            return;
        }
        let (key, parts) = match expression {
            AssetExpression::Asset(_) => {
                names += 1;
                continue;
            }
            AssetExpression::All(parts) => ("all", parts),
            AssetExpression::Any(parts) => ("any", parts),
        };
        let at = at.to(key);
        if parts.is_empty() {
            problems.error("empty-expression", &at, "there is no asset in the list; add one");
        }
        open.extend(parts.iter().enumerate().map(|(i, part)| (part, at.to(&i.to_string()), depth + 1)));
    }
    if names > limit::EXPRESSION_ASSETS_MAX {
        let message =
            format!("the expression names {names} assets; at most {} are allowed", limit::EXPRESSION_ASSETS_MAX);
        problems.error("too-many-assets", at, message);
    }
}

fn check_dates(document: &DagDocument, problems: &mut Problems) {
    let year = |time: Timestamp| i64::from(jiff::tz::Offset::UTC.to_datetime(time).year());
    for (key, time) in [("start_date", document.start_date), ("end_date", document.end_date)] {
        if let Some(year) = time.map(year)
            && !(limit::YEAR_MIN..=limit::YEAR_MAX).contains(&year)
        {
            let message = format!(
                "the year {year} is not within {} to {}; nothing is scheduled there",
                limit::YEAR_MIN,
                limit::YEAR_MAX
            );
            problems.error("out-of-range", Pointer::default().to(key), message);
        }
    }
    if let (Some(start), Some(end)) = (document.start_date, document.end_date)
        && end < start
    {
        let message =
            format!("the end, {end}, is before the start, {start}, so that nothing would ever run; swap them");
        problems.error("never-fires", "/end_date", message);
    }
    if document.catchup && document.start_date.is_none() {
        let message = "without a start date there is nothing to catch up with; add start_date, or leave catchup out";
        problems.warning("no-start-date", "/catchup", message);
    }
}

fn check_task<'a>(
    task: &'a TaskDocument,
    at: &Pointer,
    declared: &mut HashMap<&'a AssetName, &'a AssetDocument>,
    problems: &mut Problems,
) {
    let callbacks = [
        ("on_success", &task.callbacks.on_success),
        ("on_failure", &task.callbacks.on_failure),
        ("on_retry", &task.callbacks.on_retry),
        ("on_skipped", &task.callbacks.on_skipped),
    ];
    for (key, names) in callbacks {
        check_callbacks(names, &at.to("callbacks").to(key), problems);
    }
    for (key, count) in [("inlets", task.inlets.len()), ("outlets", task.outlets.len())] {
        if count > limit::TASK_ASSETS_MAX {
            let message = format!("{count} assets are given; at most {} are allowed", limit::TASK_ASSETS_MAX);
            problems.error("too-many-assets", at.to(key), message);
        }
    }
    for (i, outlet) in task.outlets.iter().enumerate() {
        let at = at.to("outlets").to(&i.to_string());
        check_outlet(outlet, &at, problems);
        if *declared.entry(&outlet.name).or_insert(outlet) != outlet {
            let message =
                format!("asset {} is described differently elsewhere in this DAG; make both equal", outlet.name);
            problems.error("asset-conflict", at, message);
        }
    }
}

fn check_outlet(outlet: &AssetDocument, at: &Pointer, problems: &mut Problems) {
    if let Some(group) = &outlet.group {
        check_text(group, Text::Short, &at.to("group"), problems);
    }
    if let Some(uri) = &outlet.uri
        && (uri.is_empty() || uri.len() > asset::URI_MAX_BYTES || !uri.bytes().all(|b| b.is_ascii_graphic()))
    {
        let message =
            format!("an address is 1 to {} visible ASCII characters; write others as %20", asset::URI_MAX_BYTES);
        problems.error("invalid-uri", at.to("uri"), message);
    }
    let extra = Value::Object(outlet.extra.clone());
    if let Some(inner) = find_any_marker_in(&extra) {
        problems.error("reserved-key", format!("{}{inner}", at.to("extra").as_str()), RESERVED);
    }
    let bytes = serde_json::to_vec(&extra).map_or(usize::MAX, |text| text.len());
    if bytes > asset::EXTRA_MAX_BYTES {
        let message = format!("what is said has {bytes} bytes; at most {} are allowed", asset::EXTRA_MAX_BYTES);
        problems.error("extra-too-large", at.to("extra"), message);
    }
}

/// A DAG that starts itself is legal, for somebody may want it, but it would hardly ever be meant.
fn check_circle(document: &DagDocument, problems: &mut Problems) {
    let Some(expression) = document.schedule.as_ref().and_then(Schedule::assets) else { return };
    let waits_for = expression.names();
    for (i, task) in document.tasks.iter().enumerate() {
        for (j, outlet) in task.outlets.iter().enumerate().filter(|(_, outlet)| waits_for.contains(&&outlet.name)) {
            let message =
                format!("the DAG makes {} and is started by it, so it starts itself again and again", outlet.name);
            problems.warning("starts-itself", task_pointer(i).to("outlets").to(&j.to_string()), message);
        }
    }
}

fn check_callbacks(names: &[Entrypoint], at: &Pointer, problems: &mut Problems) {
    if names.len() > limit::CALLBACKS_MAX {
        let message = format!("{} callbacks are given; at most {} are allowed", names.len(), limit::CALLBACKS_MAX);
        problems.error("too-many-callbacks", at, message);
    }
}

fn check_range(value: Option<u64>, min: u64, max: u64, at: &Pointer, problems: &mut Problems) {
    if let Some(value) = value
        && !(min..=max).contains(&value)
    {
        problems.error("out-of-range", at, format!("{value} is not within {min} to {max}"));
    }
}
