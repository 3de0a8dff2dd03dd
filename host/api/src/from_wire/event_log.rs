//! The log of what people did.

use control::EventLogFilter;
use jiff::Timestamp;
use model::{DagId, RunId, TaskId, TryNumber};

use super::{TIME, map_index};
use crate::query::QueryReader;

/// By what entries are ordered: both are the order in which they were written.
const ORDERS: [&str; 2] = ["event_log_id", "when"];

pub(crate) fn event_log_filter(query: &mut QueryReader) -> EventLogFilter {
    let words = |text: &str| Some(text.to_owned());
    let order = query.order_by(&ORDERS);
    let mut events = query.many("included_events", words, "");
    events.extend(query.one("event", words, ""));
    let time = |text: &str| text.parse::<Timestamp>().ok();
    EventLogFilter {
        dag_id: query.one("dag_id", |text| DagId::new(text).ok(), "this is no id of a DAG"),
        run_id: query.one("run_id", |text| RunId::new(text).ok(), "this is no id of a run"),
        task_id: query.one("task_id", |text| TaskId::new(text).ok(), "this is no id of a task"),
        map_index: map_index(query),
        try_number: query.one("try_number", |text| text.parse().ok().map(TryNumber), "tries are 1, 2, …"),
        owner: query.one("owner", words, ""),
        events,
        excluded_events: query.many("excluded_events", words, ""),
        after: query.one("after", time, TIME),
        before: query.one("before", time, TIME),
        descending: order.is_some_and(|(_, is_descending)| is_descending),
    }
}
