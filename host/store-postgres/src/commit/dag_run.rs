//! New runs with their tasks, and changes of runs' states.

use model::RunState;
use store::{NewNode, NewRun, RunStateChange, storable};

use super::columns::{Columns, micros};
use super::step::{Blame, Changes, Statement, Step};
use crate::rows::{narrow, tenant};

/// New runs; those whose run id or key exists are passed over and not counted.
/// Called by `RunStore::commit`. Probes the key of `dag_run` and `dag_run_by_run_id`; adds to all its indexes.
const INSERT_RUNS: &str = "
INSERT INTO dag_run (tenant_id, key, dag_id, run_id, run_type, run_after, queued_at, logical_date, interval_from, interval_to)
SELECT e.tenant_id, e.run_key, e.dag_id, e.run_id, e.run_type, e.run_after, e.queued_at, e.logical_date, e.interval_from,
    e.interval_to
FROM {rows}
ON CONFLICT DO NOTHING";

/// Their states.
/// Called by `RunStore::commit`, for runs that were inserted. Adds to the table's indexes; shares a lock on the version.
const INSERT_STATES: &str = "
INSERT INTO dag_run_state (tenant_id, run_key, version, state, started_at, ended_at)
SELECT e.tenant_id, e.run_key, e.version, e.state, e.started_at, e.ended_at
FROM {rows}
ON CONFLICT DO NOTHING";

/// What the runs were given.
/// Called by `RunStore::commit`, for runs that were inserted. Adds to the table's key.
const INSERT_INPUTS: &str = "
INSERT INTO dag_run_input (tenant_id, run_key, conf, params, triggered_by, note)
SELECT e.tenant_id, e.run_key, e.conf, e.params, e.triggered_by, e.note
FROM {rows}
ON CONFLICT DO NOTHING";

pub(crate) const RUNS: Step = Step {
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("dag_id", "text"),
        ("run_id", "text"),
        ("version", "uuid"),
        ("run_type", "text"),
        ("state", "text"),
        ("run_after", "bigint"),
        ("queued_at", "bigint"),
        ("logical_date", "bigint"),
        ("interval_from", "bigint"),
        ("interval_to", "bigint"),
        ("started_at", "bigint"),
        ("ended_at", "bigint"),
        ("conf", "text"),
        ("params", "text"),
        ("triggered_by", "text"),
        ("note", "text"),
    ],
    statements: &[
        Statement { name: "dag_run::INSERT_RUNS", sql: INSERT_RUNS, changes: Changes::One },
        Statement { name: "dag_run::INSERT_STATES", sql: INSERT_STATES, changes: Changes::Any },
        Statement { name: "dag_run::INSERT_INPUTS", sql: INSERT_INPUTS, changes: Changes::Any },
    ],
    blame: Blame::Duplicate,
};

pub(crate) fn bind_runs(rows: &[NewRun], columns: &mut Columns) {
    columns.push(rows.iter().map(|it| tenant(it.scope)));
    columns.push(rows.iter().map(|it| it.key.uuid()));
    columns.push(rows.iter().map(|it| it.dag_id.as_str()));
    columns.push(rows.iter().map(|it| it.run_id.as_str()));
    columns.push(rows.iter().map(|it| it.version.uuid()));
    columns.push(rows.iter().map(|it| it.run_type.as_str()));
    columns.push(rows.iter().map(|it| it.state.as_str()));
    columns.push(rows.iter().map(|it| micros(it.run_after)));
    columns.push(rows.iter().map(|it| micros(it.queued_at)));
    columns.push(rows.iter().map(|it| it.logical_date.map(micros)));
    columns.push(rows.iter().map(|it| it.data_interval.map(|(from, _)| micros(from))));
    columns.push(rows.iter().map(|it| it.data_interval.map(|(_, to)| micros(to))));
    columns.push(rows.iter().map(|it| it.started_at.map(micros)));
    columns.push(rows.iter().map(|it| it.state.is_ended().then(|| micros(it.queued_at))));
    columns.push(rows.iter().map(|it| storable(&it.conf)));
    columns.push(rows.iter().map(|it| storable(&it.params)));
    columns.push(rows.iter().map(|it| storable(&it.triggered_by)));
    columns.push(rows.iter().map(|it| it.note.as_deref().map(storable)));
}

/// Tasks of the runs.
/// Called by `RunStore::commit`, for runs that were inserted. Adds to the table's key.
const INSERT_NODES: &str = "
INSERT INTO task_node (tenant_id, run_key, node, task_id, map_length)
SELECT e.tenant_id, e.run_key, e.node, e.task_id, e.map_length
FROM {rows}
ON CONFLICT DO NOTHING";

pub(crate) const NODES: Step = Step {
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("node", "integer"),
        ("task_id", "text"),
        ("map_length", "bigint"),
    ],
    statements: &[Statement { name: "dag_run::INSERT_NODES", sql: INSERT_NODES, changes: Changes::Any }],
    blame: Blame::Overtaken,
};

pub(crate) fn bind_nodes(runs: &[NewRun], columns: &mut Columns) {
    let rows = || runs.iter().flat_map(|run| run.nodes.iter().map(move |node: &NewNode| (run, node)));
    columns.push(rows().map(|(run, _)| tenant(run.scope)));
    columns.push(rows().map(|(run, _)| run.key.uuid()));
    columns.push(rows().map(|(_, it)| narrow(it.node.0)));
    columns.push(rows().map(|(_, it)| it.task_id.as_str()));
    columns.push(rows().map(|(_, it)| it.map_length.map(i64::from)));
}

/// Changes of state, of runs that have not ended.
/// Called by `RunStore::commit`. Finds rows by `dag_run_unfinished`; moves them between the table's indexes; locks them.
const UPDATE_STATES: &str = "
UPDATE dag_run_state AS s
SET state = e.state, reason = e.reason, started_at = coalesce(s.started_at, e.started_at), ended_at = e.ended_at
FROM {rows}
WHERE s.tenant_id = e.tenant_id AND s.run_key = e.run_key AND s.state IN ('queued', 'running')";

pub(crate) const STATES: Step = Step {
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("state", "text"),
        ("reason", "text"),
        ("started_at", "bigint"),
        ("ended_at", "bigint"),
    ],
    statements: &[Statement { name: "dag_run::UPDATE_STATES", sql: UPDATE_STATES, changes: Changes::One }],
    blame: Blame::Overtaken,
};

pub(crate) fn bind_states(rows: &[RunStateChange], columns: &mut Columns) {
    columns.push(rows.iter().map(|it| tenant(it.scope)));
    columns.push(rows.iter().map(|it| it.run.uuid()));
    columns.push(rows.iter().map(|it| it.to.as_str()));
    columns.push(rows.iter().map(|it| it.reason.as_deref().map(storable)));
    columns.push(rows.iter().map(|it| (it.to == RunState::Running).then(|| micros(it.at))));
    columns.push(rows.iter().map(|it| it.to.is_ended().then(|| micros(it.at))));
}
