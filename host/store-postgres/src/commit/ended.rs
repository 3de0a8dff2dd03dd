//! Ends of executions: the attempt's row, the instance's next state, the values.

use model::{MapIndex, TaskState};
use store::{Ended, storable};

use super::columns::{Columns, micros};
use super::step::{Blame, Changes, Source, Statement, Step};
use crate::rows::{count, narrow, tenant};

/// The instances' next states, where they run under the fence that ended, and the executions' rows, with the version that
/// their runs have.
/// Called by `RunStore::commit`. Finds rows by the keys of `task_instance` and `dag_run_state`; locks the former; adds to the
/// key of `attempt`.
const END_EXECUTIONS: &str = "
WITH ended AS (
    UPDATE task_instance AS t
    SET state = e.state, reason = coalesce(e.reason, e.message), ended_at = CASE WHEN e.state <> 'scheduled' THEN e.ended_at END,
        scheduled_at = CASE WHEN e.state = 'scheduled' THEN e.ended_at ELSE t.scheduled_at END, retry_at = e.retry_at,
        since = e.since, times_out = e.times_out, lost_executions = e.lost_executions, suspect = e.suspect,
        has_value = e.has_value
    FROM {rows}
    WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = e.map_index
        AND t.state IN ('running', 'queued') AND t.fence = e.fence AND t.try_number = e.try_number
    RETURNING e.*)
INSERT INTO attempt (tenant_id, run_key, node, map_index, try_number, fence, version, started_at, ended_at, end_kind, wall_us,
    cpu_us, memory_bytes, message)
SELECT e.tenant_id, e.run_key, e.node, e.map_index, e.try_number, e.fence, s.version, e.started_at, e.ended_at, e.end_kind,
    e.wall_us, e.cpu_us, e.memory_bytes, e.message
FROM ended AS e
JOIN dag_run_state AS s ON s.tenant_id = e.tenant_id AND s.run_key = e.run_key
ON CONFLICT DO NOTHING";

/// Executions that were offered or held elsewhere and that nobody reports any more.
/// Called by `RunStore::commit`. Finds rows by the key of `work`.
const DELETE_WORK: &str = "
DELETE FROM work AS w
USING {rows}
WHERE w.tenant_id = e.tenant_id AND w.run_key = e.run_key AND w.node = e.node AND w.map_index = e.map_index
    AND w.fence = e.fence";

pub(crate) const ENDS: Step = Step {
    source: Source::Arrays,
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("node", "integer"),
        ("map_index", "integer"),
        ("try_number", "integer"),
        ("fence", "bigint"),
        ("state", "text"),
        ("retry_at", "bigint"),
        ("since", "bigint"),
        ("times_out", "boolean"),
        ("reason", "text"),
        ("lost_executions", "integer"),
        ("suspect", "boolean"),
        ("has_value", "boolean"),
        ("started_at", "bigint"),
        ("ended_at", "bigint"),
        ("end_kind", "text"),
        ("wall_us", "bigint"),
        ("cpu_us", "bigint"),
        ("memory_bytes", "bigint"),
        ("message", "text"),
    ],
    statements: &[
        Statement { name: "ended::END_EXECUTIONS", sql: END_EXECUTIONS, changes: Changes::One },
        Statement { name: "ended::DELETE_WORK", sql: DELETE_WORK, changes: Changes::Any },
    ],
    blame: Blame::Overtaken,
};

pub(crate) fn bind_ends(rows: &[Ended], columns: &mut Columns) {
    columns.push(rows.iter().map(|it| tenant(it.scope)));
    columns.push(rows.iter().map(|it| it.instance.run.uuid()));
    columns.push(rows.iter().map(|it| narrow(it.instance.node.0)));
    columns.push(rows.iter().map(|it| it.instance.map_index.number()));
    columns.push(rows.iter().map(|it| narrow(it.try_number.0)));
    columns.push(rows.iter().map(|it| it.fence.number()));
    columns.push(rows.iter().map(|it| it.to.as_str()));
    columns.push(rows.iter().map(|it| it.retry_at.map(micros)));
    columns.push(rows.iter().map(|it| it.since.map(micros)));
    columns.push(rows.iter().map(|it| it.times_out));
    columns.push(rows.iter().map(|it| it.reason.as_deref().map(storable)));
    columns.push(rows.iter().map(|it| narrow(it.lost_executions)));
    columns.push(rows.iter().map(|it| it.suspect));
    columns.push(rows.iter().map(|it| it.has_value && it.to == TaskState::Success));
    columns.push(rows.iter().map(|it| micros(it.execution.started_at)));
    columns.push(rows.iter().map(|it| micros(it.execution.ended_at)));
    columns.push(rows.iter().map(|it| it.execution.end.kind().as_str()));
    columns.push(rows.iter().map(|it| count(it.execution.used.wall_us)));
    columns.push(rows.iter().map(|it| count(it.execution.used.cpu_us)));
    columns.push(rows.iter().map(|it| count(it.execution.used.memory_bytes)));
    columns.push(rows.iter().map(|it| it.execution.end.message().map(storable)));
}

/// Lengths of the lists that unmapped tasks returned.
/// Called by `RunStore::commit`. Finds rows by the key of `task_node`; locks them.
const UPDATE_LIST_LENGTHS: &str = "
UPDATE task_node AS n
SET list_length = e.list_length
FROM {rows}
WHERE n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node";

pub(crate) const LIST_LENGTHS: Step = Step {
    source: Source::Arrays,
    columns: &[("tenant_id", "bigint"), ("run_key", "uuid"), ("node", "integer"), ("list_length", "bigint")],
    statements: &[Statement { name: "ended::UPDATE_LIST_LENGTHS", sql: UPDATE_LIST_LENGTHS, changes: Changes::One }],
    blame: Blame::Overtaken,
};

pub(crate) fn bind_list_lengths(ended: &[Ended], columns: &mut Columns) {
    let is_unmapped = |it: &&Ended| it.to == TaskState::Success && it.instance.map_index == MapIndex::NONE;
    let rows = || ended.iter().filter(is_unmapped).filter_map(|it| Some((it, it.list_length?)));
    columns.push(rows().map(|(it, _)| tenant(it.scope)));
    columns.push(rows().map(|(it, _)| it.instance.run.uuid()));
    columns.push(rows().map(|(it, _)| narrow(it.instance.node.0)));
    columns.push(rows().map(|(_, length)| i64::from(length)));
}
