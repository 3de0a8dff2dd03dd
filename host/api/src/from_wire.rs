//! What was sent → what use-cases take; nouns with bodies of their own have files.

use std::time::Duration;

use control::{
    DagFilter, DagQuery, InstanceFilter, OfRuns, PageRequest, RunFilter, RunOrder, TaskQuery, TriggerRequest, Until,
    WaitRequest, XcomFilter,
};
use jiff::{SignedDuration, Timestamp};
use model::limits::http::WAIT_MAX_MS;
use model::{BundleName, DagId, Key, MapIndex, Problem, RunId, RunState, RunType, TaskId, TaskState, TryNumber};

use crate::query::QueryReader;
use crate::wire::dag_run::TriggerBody;

mod asset;
mod backfill;
mod bundle;
mod by_hand;
mod connection;
mod cursor;
mod event_log;
mod list;
mod pool;
mod variable;
mod xcom;

pub(crate) use asset::{asset_event, asset_event_filter};
pub(crate) use backfill::backfill;
pub(crate) use bundle::files;
pub(crate) use by_hand::{INSTANCE_FIELDS, InstancePatch, RUN_FIELDS, clear, instance_patch, run_clear, run_patch};
pub(crate) use connection::{CONNECTION_FIELDS, connection_change, new_connection};
pub(crate) use cursor::Cursor;
pub(crate) use event_log::event_log_filter;
pub(crate) use list::{instance_list, run_list};
pub(crate) use pool::{POOL_FIELDS, new_pool, pool_change};
pub(crate) use variable::{VARIABLE_FIELDS, new_variable, variable_change};
pub(crate) use xcom::{changed_xcom, indexed, new_xcom};

/// Shortest time between two lines of a stream.
const INTERVAL_DEFAULT: Duration = Duration::from_millis(250);
const TIME: &str = "write a time as RFC 3339, with a zone: 2026-01-01T00:00:00Z";

/// A run to start; or all that is wrong with it.
pub(crate) fn trigger(
    dag_id: DagId,
    idempotency_key: Option<String>,
    body: TriggerBody,
) -> Result<TriggerRequest, Vec<Problem>> {
    let mut problems = Vec::new();
    let run_id = body.dag_run_id.map(RunId::new).transpose().unwrap_or_else(|error| {
        problems.push(Problem::error("invalid-name", "/dag_run_id", error.to_string()));
        None
    });
    let data_interval = match (body.data_interval_start, body.data_interval_end) {
        (Some(start), Some(end)) => Some((start, end)),
        (None, None) => None,
        _ => {
            let message = "a data interval needs both data_interval_start and data_interval_end";
            problems.push(Problem::error("invalid-interval", "/data_interval_start", message));
            None
        }
    };
    if body.partition_key.is_some() {
        problems.push(not_yet("/partition_key"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let conf = body.conf.map(|conf| conf.get().into()).filter(|conf: &std::sync::Arc<str>| conf.as_ref() != "null");
    Ok(TriggerRequest {
        dag_id,
        run_id,
        conf,
        note: body.note,
        logical_date: body.logical_date,
        data_interval,
        run_after: body.run_after,
        idempotency_key,
    })
}

/// The members of a body that count: all of them, or those that `update_mask` names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mask(Vec<&'static str>);

impl Mask {
    /// Reads `update_mask`, whose names stand in parameters of their own or between commas.
    pub(crate) fn read(query: &mut QueryReader, fields: &[&'static str]) -> Self {
        let known = |text: &str| {
            let named = text.split(',').map(|name| fields.iter().find(|field| **field == name).copied());
            named.collect::<Option<Vec<_>>>()
        };
        let rule = format!("the members that can be changed are {}", fields.join(", "));
        Self(query.many("update_mask", known, &rule).concat())
    }

    /// A mask of these names; all members where there is none.
    pub(crate) fn of(names: &[String], fields: &[&'static str]) -> Result<Self, Problem> {
        let known = names.iter().map(|name| fields.iter().find(|field| *field == name).copied());
        let unknown = || {
            let message = format!("the members that can be changed are {}", fields.join(", "));
            Problem::error("unknown-field", "/update_mask", message)
        };
        known.collect::<Option<_>>().map(Self).ok_or_else(unknown)
    }

    fn has(&self, field: &str) -> bool {
        self.0.is_empty() || self.names(field)
    }

    fn names(&self, field: &str) -> bool {
        self.0.contains(&field)
    }
}

/// A body that names another thing than the path is a mistake.
fn same_name(sent: Option<&str>, expected: &str, path: &str, problems: &mut Vec<Problem>) {
    if sent.is_some_and(|sent| sent != expected) {
        let message = format!("the path names {expected:?}, and the name of a thing cannot be changed");
        problems.push(Problem::error("other-name", path, message));
    }
}

/// Lists that come in one order alone.
pub(crate) fn one_order(query: &mut QueryReader, field: &'static str) {
    query.one("order_by", |text| Some(()).filter(|()| text == field), &format!("the only order is {field}"));
}

/// A pattern over names, by the name of its parameter.
pub(crate) fn name_pattern(query: &mut QueryReader, parameter: &'static str) -> Option<String> {
    query.one(parameter, pattern, PATTERN)
}

fn not_yet(path: &str) -> Problem {
    Problem::error("not-available-yet", path, "this is not available yet; leave it out")
}

pub(crate) fn dag_query(query: &mut QueryReader) -> DagQuery {
    let words = |text: &str| Some(text.to_owned());
    let match_all = query.one(
        "tags_match_mode",
        |text| Some(text == "all").filter(|_| matches!(text, "all" | "any")),
        "any or all",
    );
    let order = query.order_by(&["dag_id"]);
    let (errors, favourite) = (query.flag("has_import_errors"), query.flag("is_favorite"));
    DagQuery {
        rows: DagFilter {
            dag_id_pattern: id_pattern(query, "dag_id_pattern", "dag_id_prefix_pattern"),
            bundle: query.one("bundle_name", |text| BundleName::new(text).ok(), "this is no name of a bundle"),
            tags: query.many("tags", words, ""),
            tags_match_all: match_all.unwrap_or(false),
            paused: query.flag("paused"),
            include_stale: !query.flag("exclude_stale").unwrap_or(true),
            descending: order.is_some_and(|(_, is_descending)| is_descending),
        },
        owners: query.many("owners", words, ""),
        display_name: query.one("dag_display_name_pattern", words, "").filter(|text| text != "~"),
        has_asset_schedule: query.flag("has_asset_schedule"),
        asset: query.one("asset_dependency", words, ""),
        last_run_state: query.one("last_dag_run_state", |text| text.parse().ok(), RUN_STATES),
        is_none: errors == Some(true) || favourite == Some(true),
    }
}

const RUN_STATES: &str = "states are queued, running, success, failed";

/// A pattern over ids: of a text that stands somewhere in them, or of one that they begin with.
fn id_pattern(query: &mut QueryReader, anywhere: &'static str, beginning: &'static str) -> Option<String> {
    let found = query.one(anywhere, pattern, PATTERN);
    let begins = |text: &str| {
        let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
        (text.len() <= model::NAME_MAX_BYTES).then(|| format!("{escaped}%"))
    };
    let begun = query.one(beginning, begins, "at most 250 bytes");
    if found.is_some() && begun.is_some() {
        query.refuse(beginning, format!("say this or {anywhere}"));
    }
    found.or(begun)
}

const PATTERN: &str = "at most 250 bytes; % stands for any characters, _ for one";

/// What stands anywhere in a name, as in Airflow's API.
fn pattern(text: &str) -> Option<String> {
    match text {
        "~" => Some("%".to_owned()),
        text => (text.len() <= model::NAME_MAX_BYTES).then(|| format!("%{text}%")),
    }
}

const RUN_ORDERS: [(&str, RunOrder); 9] = [
    ("id", RunOrder::Key),
    ("queued_at", RunOrder::Key),
    ("run_after", RunOrder::RunAfter),
    ("start_date", RunOrder::StartedAt),
    ("end_date", RunOrder::EndedAt),
    ("logical_date", RunOrder::LogicalDate),
    ("dag_run_id", RunOrder::RunId),
    ("run_id", RunOrder::RunId),
    ("state", RunOrder::State),
];

/// Which runs, and from where on.
pub(crate) fn run_filter(
    dag_id: Option<DagId>,
    query: &mut QueryReader,
    page: &mut PageRequest,
) -> (RunFilter, Option<Cursor>) {
    let order = query.order_by(&RUN_ORDERS.map(|(field, _)| field));
    let cursor = cursor::of_runs(query);
    let mut filter = RunFilter {
        dag_id,
        dag_ids: Vec::new(),
        states: query.many("state", |text| text.parse::<RunState>().ok(), RUN_STATES),
        run_types: query.many(
            "run_type",
            |text| text.parse::<RunType>().ok(),
            "types are manual, scheduled, backfill, asset_triggered",
        ),
        run_id_pattern: id_pattern(query, "run_id_pattern", "run_id_prefix_pattern"),
        dag_id_pattern: id_pattern(query, "dag_id_pattern", "dag_id_prefix_pattern"),
        conf_contains: query.one("conf_contains", |text| Some(text.to_owned()), ""),
        version_number: query.one("dag_version", |text| text.parse().ok(), "version numbers are 1, 2, …"),
        run_after: range(query, ["run_after_gte", "run_after_gt", "run_after_lte", "run_after_lt"]),
        started_at: range(query, ["start_date_gte", "start_date_gt", "start_date_lte", "start_date_lt"]),
        ended_at: range(query, ["end_date_gte", "end_date_gt", "end_date_lte", "end_date_lt"]),
        logical_date: range(query, ["logical_date_gte", "logical_date_gt", "logical_date_lte", "logical_date_lt"]),
        duration_us: durations(query),
        order: order.map_or(RunOrder::Key, |(field, _)| RUN_ORDERS[field].1),
        descending: order.is_some_and(|(_, is_descending)| is_descending),
        after: None,
    };
    match cursor {
        Some(Cursor::AfterRun(key)) if filter.order == RunOrder::Key => {
            (filter.after, page.offset) = (Some(key), 0);
        }
        Some(Cursor::BeforeRun(key)) if filter.order == RunOrder::Key => {
            (filter.after, filter.descending, page.offset) = (Some(key), !filter.descending, 0);
        }
        Some(Cursor::Offset(offset)) => page.offset = offset,
        Some(Cursor::First) => page.offset = 0,
        Some(_) => query.refuse("cursor", "this is no cursor of this list".to_owned()),
        None => {}
    }
    (filter, cursor)
}

/// Bounds of the time from start to end, in seconds; what is told in microseconds is "more than" from one on.
fn durations(query: &mut QueryReader) -> (Option<i64>, Option<i64>) {
    let micros = |text: &str| {
        let seconds: f64 = text.parse().ok()?;
        (0.0..=1e12).contains(&seconds).then_some((seconds * 1e6) as i64)
    };
    let mut of = |name| query.one(name, micros, "seconds, as a number");
    let from = of("duration_gte").max(of("duration_gt").map(|bound| bound + 1));
    let to = [of("duration_lte"), of("duration_lt").map(|bound| bound - 1)].into_iter().flatten().min();
    (from, to)
}

/// Bounds of a time. Rows hold microseconds, so "after" is "from one microsecond later on".
fn range(query: &mut QueryReader, names: [&'static str; 4]) -> (Option<Timestamp>, Option<Timestamp>) {
    let micros = |n| SignedDuration::from_micros(n);
    let [from, after, to, before] = names.map(|name| query.one(name, |text| text.parse::<Timestamp>().ok(), TIME));
    let after = after.and_then(|at| at.checked_add(micros(1)).ok());
    let before = before.and_then(|at| at.checked_sub(micros(1)).ok());
    (from.max(after), [to, before].into_iter().flatten().min())
}

/// Which instances, of which tasks, and from where on.
pub(crate) fn instance_filter(
    dag_id: Option<DagId>,
    query: &mut QueryReader,
    page: &mut PageRequest,
) -> (InstanceFilter, TaskQuery, Option<Cursor>) {
    let words = |text: &str| Some(text.to_owned());
    let task_ids = query.many("task_id", |text| TaskId::new(text).ok(), "this is no id of a task");
    let of_runs = OfRuns {
        dag_ids: Vec::new(),
        run_ids: Vec::new(),
        dag_id_pattern: id_pattern(query, "dag_id_pattern", "dag_id_prefix_pattern"),
        run_id_pattern: id_pattern(query, "run_id_pattern", "run_id_prefix_pattern"),
        run_after: range(query, ["run_after_gte", "run_after_gt", "run_after_lte", "run_after_lt"]),
        logical_date: range(query, ["logical_date_gte", "logical_date_gt", "logical_date_lte", "logical_date_lt"]),
        version_number: query.one("version_number", |text| text.parse().ok(), "version numbers are 1, 2, …"),
    };
    let tasks = TaskQuery {
        pools: query.many("pool", words, ""),
        queues: query.many("queue", words, ""),
        operators: query.many("operator", words, ""),
        group: query.one("task_group_id", words, ""),
        display_name: query.one("task_display_name_pattern", words, "").filter(|text| text != "~"),
    };
    let cursor = cursor::of_instances(query);
    let mut filter = InstanceFilter { dag_id, task_ids, of_runs, ..mapped_filter(query) };
    match cursor {
        Some(Cursor::AfterInstance(key)) => (filter.after, page.offset) = (Some(key), 0),
        Some(Cursor::BeforeInstance(key)) => {
            (filter.after, filter.descending, page.offset) = (Some(key), !filter.descending, 0);
        }
        Some(Cursor::First) => page.offset = 0,
        Some(_) => query.refuse("cursor", "this is no cursor of this list".to_owned()),
        None => {}
    }
    (filter, tasks, cursor)
}

/// What filters the instances of one task.
pub(crate) fn mapped_filter(query: &mut QueryReader) -> InstanceFilter {
    let state = |text: &str| match text {
        "no_status" | "null" | "none" => Some(TaskState::None),
        text => text.parse().ok(),
    };
    let map_index = |text: &str| MapIndex::from_number(text.parse().ok()?);
    let order = query.order_by(&["map_index", "id"]);
    InstanceFilter {
        states: query.many("state", state, "this is no state of a task instance"),
        map_indexes: query.many("map_index", map_index, "map indices are -1, 0, 1, …"),
        try_numbers: query.many("try_number", |text| text.parse().ok().map(TryNumber), "tries are 1, 2, …"),
        started_at: range(query, ["start_date_gte", "start_date_gt", "start_date_lte", "start_date_lt"]),
        ended_at: range(query, ["end_date_gte", "end_date_gt", "end_date_lte", "end_date_lt"]),
        duration_us: durations(query),
        descending: order.is_some_and(|(_, is_descending)| is_descending),
        ..InstanceFilter::default()
    }
}

pub(crate) fn map_index(query: &mut QueryReader) -> Option<MapIndex> {
    query.one("map_index", |text| MapIndex::from_number(text.parse().ok()?), "map indices are -1, 0, 1, …")
}

pub(crate) fn xcom_filter(query: &mut QueryReader) -> XcomFilter {
    XcomFilter {
        map_index: map_index(query),
        key: query.one("xcom_key", |text| Key::new(text).ok(), "this is no name of a value"),
    }
}

/// How somebody wants to wait, and how often a stream tells something.
#[derive(Debug, Clone)]
pub(crate) struct WaitQuery {
    pub(crate) wait: WaitRequest,
    pub(crate) interval: Duration,
    /// Tell counts of instances too.
    pub(crate) counts: bool,
}

/// A request in Airflow's form (`interval`, no `until`) waits for the end; so does one that says nothing.
pub(crate) fn wait(query: &mut QueryReader) -> WaitQuery {
    let until = |text: &str| match text {
        "result" => Some(Until::Result),
        "finished" => Some(Until::Finished),
        _ => None,
    };
    let interval =
        query.one("interval", |text| seconds(text).filter(|it| !it.is_zero()), "seconds, more than 0, at most 3600");
    let timeout = query.one("timeout", seconds, "seconds, at most 3600");
    WaitQuery {
        wait: WaitRequest {
            until: query.one("until", until, "result or finished").unwrap_or(Until::Finished),
            timeout: timeout.unwrap_or(Duration::from_millis(WAIT_MAX_MS)),
            results: query.many("result", |text| TaskId::new(text).ok(), "this is no id of a task"),
        },
        interval: interval.unwrap_or(INTERVAL_DEFAULT),
        counts: query.flag("counts").unwrap_or(false),
    }
}

fn seconds(text: &str) -> Option<Duration> {
    let duration = Duration::try_from_secs_f64(text.parse().ok()?).ok()?;
    (duration <= Duration::from_millis(WAIT_MAX_MS)).then_some(duration)
}

/// `Prefer: wait=SECONDS` waits for the result.
pub(crate) fn prefer_wait(timeout: Duration) -> WaitRequest {
    let timeout = timeout.min(Duration::from_millis(WAIT_MAX_MS));
    WaitRequest { until: Until::Result, timeout, results: Vec::new() }
}
