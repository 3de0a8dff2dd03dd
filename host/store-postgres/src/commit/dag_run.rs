//! New runs with their tasks, and changes of runs' states.

use model::{RunKey, RunState, TenantScope};
use serde_json::{Value, json};
use store::{DuplicateKind, DuplicateRun, NewNode, NewRun, Reopened, RunStateChange, StoreError, storable};

use super::columns::{Columns, micros};
use super::step::{Blame, Changes, Source, Statement, Step};
use crate::rows::{Cells, bytea, narrow, tenant};
use crate::session::Session;

/// New runs; those whose key, run id, logical date or idempotency key exists are passed over and not counted.
/// Called by `RunStore::commit`. Probes the unique indexes of `dag_run`; adds to all its indexes.
const INSERT_RUNS: &str = "
INSERT INTO dag_run (tenant_id, key, dag_id, run_id, run_type, run_after, queued_at, logical_date, unique_date, interval_from,
    interval_to, backfill_id, idempotency_key, idempotency_digest)
SELECT e.tenant_id, e.run_key, e.dag_id, e.run_id, e.run_type, e.run_after, e.queued_at, e.logical_date, e.logical_date,
    e.interval_from, e.interval_to, (e.rest::json ->> 'backfill_id')::bigint, e.rest::json ->> 'idempotency_key',
    (e.rest::json ->> 'idempotency_digest')::bytea
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
INSERT INTO dag_run_input (tenant_id, run_key, conf, params, triggered_by, note, is_latest, variables, parent_run, parent_node,
    parent_map_index, parent_depth)
SELECT e.tenant_id, e.run_key, e.conf, e.params, i.*
FROM {rows}
CROSS JOIN LATERAL json_to_record(e.rest::json) AS i (triggered_by text, note text, is_latest boolean, variables text,
    parent_run uuid, parent_node integer, parent_map_index integer, parent_depth integer)
ON CONFLICT DO NOTHING";

pub(crate) const RUNS: Step = Step {
    source: Source::Arrays,
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
        // What else it was given, as a JSON object.
        ("rest", "text"),
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
    columns.push(rows.iter().map(|it| rest(it).to_string()));
}

fn rest(run: &NewRun) -> Value {
    let parent = run.parent.map(|parent| parent.instance);
    json!({
        "triggered_by": storable(&run.triggered_by),
        "note": run.note.as_deref().map(storable),
        "is_latest": run.is_latest,
        "variables": storable(&run.variables),
        "parent_run": parent.map(|it| it.run.uuid()),
        "parent_node": parent.map(|it| it.node),
        "parent_map_index": parent.map(|it| it.map_index),
        "parent_depth": run.parent.map(|parent| parent.depth),
        "backfill_id": run.backfill,
        "idempotency_key": run.idempotency.as_ref().map(|it| storable(&it.key)),
        "idempotency_digest": run.idempotency.as_ref().map(|it| bytea(it.digest)),
    })
}

/// What is in the way of a run: the run of the DAG that has the same idempotency key, run id, key or logical date.
/// Called by `RunStore::commit`, for runs that were not inserted. Probes the unique indexes of `dag_run`.
pub(crate) const FIND_DUPLICATE: &str = "
SELECT rank, run_id
FROM (SELECT 0 AS rank, run_id FROM dag_run WHERE tenant_id = $1 AND dag_id = $2 AND idempotency_key = $5
    UNION ALL SELECT 1, run_id FROM dag_run WHERE tenant_id = $1 AND dag_id = $2 AND run_id = $3
    UNION ALL SELECT 1, run_id FROM dag_run WHERE tenant_id = $1 AND key = $4
    UNION ALL SELECT 2, run_id FROM dag_run WHERE tenant_id = $1 AND dag_id = $2 AND unique_date = $6) AS found
ORDER BY rank
LIMIT 1";

/// What is in the way of a run that was not inserted. Where it is gone again, the run's own id stands for it.
pub(crate) async fn duplicate(session: &mut Session, run: &NewRun) -> Result<DuplicateRun, StoreError> {
    let query = sqlx::query(FIND_DUPLICATE)
        .bind(tenant(run.scope))
        .bind(run.dag_id.as_str())
        .bind(run.run_id.as_str())
        .bind(run.key.uuid())
        .bind(run.idempotency.as_ref().map(|it| storable(&it.key)))
        .bind(run.logical_date.map(micros));
    let Some(row) = session.optional(query).await? else {
        return Ok(DuplicateRun { run: run.key, kind: DuplicateKind::RunId, existing: run.run_id.clone() });
    };
    let cells = Cells::of(&row, "dag_run");
    let kind = match cells.number::<i32>("rank")? {
        0 => DuplicateKind::IdempotencyKey,
        1 => DuplicateKind::RunId,
        _ => DuplicateKind::LogicalDate,
    };
    Ok(DuplicateRun { run: run.key, kind, existing: cells.parsed("run_id")? })
}

/// Tasks of the runs.
/// Called by `RunStore::commit`, for runs that were inserted, and for those that have more tasks from now on. Adds to the table's key.
const INSERT_NODES: &str = "
INSERT INTO task_node (tenant_id, run_key, node, task_id, map_length)
SELECT e.tenant_id, e.run_key, e.node, e.task_id, e.map_length
FROM {rows}
ON CONFLICT DO NOTHING";

pub(crate) const NODES: Step = Step {
    source: Source::Arrays,
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

pub(crate) fn bind_nodes(runs: &[NewRun], reopened: &[Reopened], columns: &mut Columns) {
    let new = runs.iter().map(|run| (run.scope, run.key, &run.nodes));
    let more = reopened.iter().filter_map(|it| Some((it.scope, it.run, it.tasks.as_ref()?)));
    let of_runs: Vec<(TenantScope, RunKey, &Vec<NewNode>)> = new.chain(more).collect();
    let rows = || of_runs.iter().flat_map(|(scope, run, nodes)| nodes.iter().map(move |node| ((scope, run), node)));
    columns.push(rows().map(|((scope, _), _)| tenant(*scope)));
    columns.push(rows().map(|((_, run), _)| run.uuid()));
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
    source: Source::Arrays,
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
