//! New instances, lengths of mapped tasks, and changes of state without an execution.

use model::TaskState;
use serde_json::json;
use store::{Expansion, NewInstances, Transition, states_before, storable};

use super::columns::{Columns, Document, micros};
use super::step::{Blame, Changes, Source, Statement, Step};
use super::{reset, xcom};
use crate::rows::{narrow, tenant};

/// Rows of ranges of instances.
/// Called by `RunStore::commit`. Adds to the table's key.
const INSERT_INSTANCES: &str = "
INSERT INTO task_instance (tenant_id, run_key, node, map_index, state, try_number, max_tries, tries_before, scheduled_at, ended_at,
    retry_at, times_out, reason)
SELECT e.tenant_id, e.run_key, e.node, i.map_index, e.state, e.try_number, e.max_tries,
    greatest(e.try_number - (e.state IN ('scheduled', 'awaiting_input'))::integer, 0), e.scheduled_at, e.ended_at, e.retry_at,
    e.retry_at IS NOT NULL, e.reason
FROM {rows}
CROSS JOIN LATERAL generate_series(e.first, e.last) AS i (map_index)
ON CONFLICT DO NOTHING";

pub(crate) const INSTANCES: Step = Step {
    source: Source::Arrays,
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("node", "integer"),
        ("first", "integer"),
        ("last", "integer"),
        ("state", "text"),
        ("try_number", "integer"),
        ("max_tries", "integer"),
        ("scheduled_at", "bigint"),
        ("ended_at", "bigint"),
        ("retry_at", "bigint"),
        ("reason", "text"),
    ],
    statements: &[Statement {
        name: "task_instance::INSERT_INSTANCES",
        sql: INSERT_INSTANCES,
        changes: Changes::Sum("e.last - e.first + 1"),
    }],
    blame: Blame::Overtaken,
};

pub(crate) fn bind_instances(rows: &[NewInstances], columns: &mut Columns) {
    let rows = || rows.iter().filter(|it| it.count > 0);
    let last = |it: &NewInstances| it.first.number().saturating_add(narrow(it.count - 1));
    columns.push(rows().map(|it| tenant(it.scope)));
    columns.push(rows().map(|it| it.run.uuid()));
    columns.push(rows().map(|it| narrow(it.node.0)));
    columns.push(rows().map(|it| it.first.number()));
    columns.push(rows().map(last));
    columns.push(rows().map(|it| it.state.as_str()));
    columns.push(rows().map(|it| narrow(it.try_number.0)));
    columns.push(rows().map(|it| narrow(it.max_tries)));
    columns.push(rows().map(|it| scheduled_at(it.state, micros(it.at))));
    columns.push(rows().map(|it| ended_at(it.state, micros(it.at))));
    columns.push(rows().map(|it| it.retry_at.map(micros)));
    columns.push(rows().map(|it| it.reason.as_deref().map(storable)));
}

/// Lengths of mapped tasks that become known, or grow.
/// Called by `RunStore::commit`. Finds rows by the key of `task_node`; locks them.
const UPDATE_MAP_LENGTHS: &str = "
UPDATE task_node AS n
SET map_length = e.map_length
FROM {rows}
WHERE n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node
    AND coalesce(n.map_length, 0) < greatest(e.map_length, 1)";

/// Rows that stood for tasks which were not expanded.
/// Called by `RunStore::commit`. Finds rows by the key of `task_instance`; locks them.
const DELETE_SUMMARIES: &str = "
DELETE FROM task_instance AS t
USING {rows}
WHERE e.map_length > 0 AND t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = -1
    AND t.state <> 'running'";

pub(crate) const EXPANSIONS: Step = Step {
    source: Source::Arrays,
    columns: &[("tenant_id", "bigint"), ("run_key", "uuid"), ("node", "integer"), ("map_length", "bigint")],
    statements: &[
        Statement { name: "task_instance::UPDATE_MAP_LENGTHS", sql: UPDATE_MAP_LENGTHS, changes: Changes::One },
        // Those that grow have none any more.
        Statement { name: "task_instance::DELETE_SUMMARIES", sql: DELETE_SUMMARIES, changes: Changes::Any },
    ],
    blame: Blame::Overtaken,
};

pub(crate) fn bind_expansions(rows: &[Expansion], columns: &mut Columns) {
    columns.push(rows.iter().map(|it| tenant(it.scope)));
    columns.push(rows.iter().map(|it| it.run.uuid()));
    columns.push(rows.iter().map(|it| narrow(it.node.0)));
    columns.push(rows.iter().map(|it| i64::from(it.length)));
}

/// New states of ranges of instances whose own states may become those. What was awaited from a person has its value then.
/// Called by `RunStore::commit`. Finds rows by the key of `task_instance`; locks them.
const UPDATE_INSTANCES: &str = "
UPDATE task_instance AS t
SET state = e.state, try_number = coalesce(e.try_number, t.try_number), reason = e.reason,
    scheduled_at = coalesce(e.scheduled_at, t.scheduled_at), ended_at = e.ended_at, retry_at = e.retry_at,
    times_out = e.state = 'awaiting_input' AND e.retry_at IS NOT NULL,
    has_value = t.state = 'awaiting_input' AND e.state = 'success'
FROM {rows}
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index BETWEEN e.first AND e.last
    AND strpos(e.before, ' ' || t.state || ' ') > 0";

pub(crate) const TRANSITIONS: Step = Step {
    source: Source::Arrays,
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("node", "integer"),
        ("first", "integer"),
        ("last", "integer"),
        ("state", "text"),
        ("try_number", "integer"),
        ("reason", "text"),
        ("scheduled_at", "bigint"),
        ("ended_at", "bigint"),
        ("retry_at", "bigint"),
        ("before", "text"),
    ],
    statements: &[Statement {
        name: "task_instance::UPDATE_INSTANCES",
        sql: UPDATE_INSTANCES,
        changes: Changes::Sum("greatest(e.last - e.first + 1, 0)"),
    }],
    blame: Blame::Overtaken,
};

pub(crate) fn bind_transitions(rows: &[Transition], columns: &mut Columns) {
    columns.push(rows.iter().map(|it| tenant(it.scope)));
    columns.push(rows.iter().map(|it| it.run.uuid()));
    columns.push(rows.iter().map(|it| narrow(it.node.0)));
    columns.push(rows.iter().map(|it| it.first.number()));
    columns.push(rows.iter().map(|it| it.last.number()));
    columns.push(rows.iter().map(|it| it.to.as_str()));
    columns.push(rows.iter().map(|it| it.try_number.map(|it| narrow(it.0))));
    columns.push(rows.iter().map(|it| it.reason.as_deref().map(storable)));
    columns.push(rows.iter().map(|it| scheduled_at(it.to, micros(it.at))));
    columns.push(rows.iter().map(|it| ended_at(it.to, micros(it.at))));
    columns.push(rows.iter().map(|it| it.retry_at.map(micros)));
    columns.push(rows.iter().map(|it| states_before(it.to)));
}

/// States that somebody gives by hand, whatever they were. What is no success any more has left and said nothing.
/// Called by `RunStore::commit`. Finds rows by the key of `task_instance`; locks them.
const MARK_INSTANCES: &str = "
UPDATE task_instance AS t
SET state = e.state, reason = e.reason, ended_at = e.ended_at, retry_at = NULL, has_value = t.has_value AND e.state = 'success'
FROM {rows}
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index BETWEEN e.first AND e.last";

pub(crate) const MARKS: Step = Step {
    source: Source::Document("marks"),
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("node", "integer"),
        ("first", "integer"),
        ("last", "integer"),
        ("state", "text"),
        ("reason", "text"),
        ("ended_at", "bigint"),
    ],
    statements: &[Statement {
        name: "task_instance::MARK_INSTANCES",
        sql: MARK_INSTANCES,
        changes: Changes::Sum("greatest(e.last - e.first + 1, 0)"),
    }],
    blame: Blame::Overtaken,
};

/// What is no success any more.
pub(crate) const UNSAID: Step = Step {
    source: Source::Document("unsaid"),
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("node", "integer"),
        ("first", "integer"),
        ("last", "integer"),
    ],
    statements: &[
        Statement { name: "xcom::DELETE of marks", sql: xcom::DELETE, changes: Changes::Any },
        Statement { name: "reset::DELETE_ANSWERS of marks", sql: reset::DELETE_ANSWERS, changes: Changes::Any },
        Statement { name: "reset::FORGET_LISTS of marks", sql: reset::FORGET_LISTS, changes: Changes::Any },
    ],
    blame: Blame::Overtaken,
};

pub(crate) fn push_marks(rows: &[Transition], document: &mut Document) {
    document.push("marks", rows.iter().map(|it| {
        json!({
            "tenant_id": tenant(it.scope), "run_key": it.run.uuid(), "node": it.node, "first": it.first, "last": it.last,
            "state": it.to.as_str(), "reason": it.reason.as_deref().map(storable),
            "ended_at": ended_at(it.to, micros(it.at)),
        })
    }));
    let unsaid = rows.iter().filter(|it| it.to != TaskState::Success);
    document.push("unsaid", unsaid.map(xcom::range));
}

/// When a row that comes into `state` at `at` was scheduled.
fn scheduled_at(state: TaskState, at: i64) -> Option<i64> {
    (state == TaskState::Scheduled).then_some(at)
}

/// When a row that comes into `state` at `at` ended.
fn ended_at(state: TaskState, at: i64) -> Option<i64> {
    state.is_ended().then_some(at)
}
