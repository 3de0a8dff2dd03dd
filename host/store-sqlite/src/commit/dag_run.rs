//! New runs with their tasks, and changes of runs' states.

use std::ops::RangeInclusive;

use model::{BackfillId, RunKey, RunState};
use serde::Serialize;
use store::{DuplicateKind, DuplicateRun, NewRun, RunStateChange, StoreError};

use super::batch::Batch;
use super::json::{hex, micros, tenant, text};
use super::kind::Kind;
use crate::error::failed;
use crate::rows::{self, Cells};
use crate::writer::Transaction;

/// New runs; those whose key, run id, logical date or idempotency key exists are passed over and not counted.
/// Called by `RunStore::commit`. Probes the unique indexes of `dag_run`; adds to all its indexes.
pub(crate) const INSERT_RUNS: &str = "
INSERT INTO dag_run (tenant_id, key, dag_id, run_id, version, run_type, state, run_after, queued_at, logical_date,
    unique_date, interval_from, interval_to, started_at, ended_at, backfill_id, idempotency_key, idempotency_digest)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, unhex(value ->> 4), value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value -> 14 ->> 0,
    value -> 14 ->> 1, unhex(value -> 14 ->> 2)
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO NOTHING";

/// What the runs were given.
/// Called by `RunStore::commit`, for runs that were inserted. Adds to the table's key.
pub(crate) const INSERT_INPUTS: &str = "
INSERT INTO dag_run_input (tenant_id, run_key, conf, params, triggered_by, note, is_latest, variables, parent_run, parent_node,
    parent_map_index, parent_depth)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    unhex(value ->> 8), value ->> 9, value ->> 10, value ->> 11
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO NOTHING";

/// Why a run is not inserted: the run of the DAG that has the same idempotency key, run id, key or logical date.
/// Called by `RunStore::commit`, for runs that were not inserted. Probes the unique indexes of `dag_run`.
pub(crate) const FIND_DUPLICATE: &str = "
SELECT 'idempotency_key' AS kind, run_id FROM dag_run WHERE tenant_id = ?1 AND dag_id = ?2 AND idempotency_key = ?5
UNION ALL SELECT 'run_id', run_id FROM dag_run WHERE tenant_id = ?1 AND dag_id = ?2 AND run_id = ?3
UNION ALL SELECT 'run_id', run_id FROM dag_run WHERE tenant_id = ?1 AND key = ?4
UNION ALL SELECT 'logical_date', run_id FROM dag_run WHERE tenant_id = ?1 AND dag_id = ?2 AND unique_date = ?6
LIMIT 1";

/// Tasks of the runs.
/// Called by `RunStore::commit`, for runs that were inserted. Adds to the table's key.
pub(crate) const INSERT_NODES: &str = "
INSERT INTO task_node (tenant_id, run_key, node, task_id, map_length)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO NOTHING";

/// Changes of state, of runs that have not ended.
/// Called by `RunStore::commit`. Finds rows by the key of `dag_run`; moves them between its partial indexes.
pub(crate) const UPDATE_STATES: &str = "
UPDATE dag_run AS r
SET state = e.state, reason = e.reason, started_at = coalesce(r.started_at, e.started_at), ended_at = e.ended_at
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS key, value ->> 2 AS state, value ->> 3 AS reason,
        value ->> 4 AS started_at, value ->> 5 AS ended_at
    FROM jsonb_each(?)) AS e
WHERE r.tenant_id = e.tenant_id AND r.key = e.key AND r.state IN ('queued', 'running')";

impl Kind for NewRun {
    fn run(&self) -> RunKey {
        self.key
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        batch.push(INSERT_RUNS, rows.iter().map(run), Some(rows.len() as u64))?;
        push_rest(rows, batch)
    }
}

/// What belongs to the runs.
fn push_rest(rows: &[NewRun], batch: &mut Batch) -> Result<(), StoreError> {
    let inputs = rows.iter().map(|run| {
        let head = (tenant(run.scope), hex(run.key.uuid()), text(&run.conf), text(&run.params));
        let said = (text(&run.triggered_by), run.note.as_deref().map(text), run.is_latest, text(&run.variables));
        let parent =
            run.parent.map(|it| (hex(it.instance.run.uuid()), it.instance.node, it.instance.map_index, it.depth));
        let (parent, node, index, depth) = match parent {
            Some((run, node, index, depth)) => (Some(run), Some(node), Some(index), Some(depth)),
            None => (None, None, None, None),
        };
        (head.0, head.1, head.2, head.3, said.0, said.1, said.2, said.3, parent, node, index, depth)
    });
    batch.push(INSERT_INPUTS, inputs, Some(rows.len() as u64))?;
    let nodes = rows.iter().flat_map(|run| {
        run.nodes.iter().map(|it| (tenant(run.scope), hex(run.key.uuid()), it.node, &it.task_id, it.map_length))
    });
    batch.push(INSERT_NODES, nodes, None)
}

fn run(run: &NewRun) -> impl Serialize {
    let (from, to) = run.data_interval.unzip();
    let head = (tenant(run.scope), hex(run.key.uuid()), run.dag_id.as_str(), run.run_id.as_str());
    let kind = (hex(run.version.uuid()), run.run_type.as_str(), run.state.as_str());
    let ended = run.state.is_ended().then_some(run.queued_at);
    let times = [Some(run.run_after), Some(run.queued_at), run.logical_date, from, to, run.started_at, ended];
    let [after, queued, logical, from, to, started, ended] = times.map(|time| time.map(micros));
    let request = run.idempotency.as_ref().map(|it| (text(&it.key), it.digest.to_hex()));
    let (key, digest) = request.unzip();
    let made_by = (run.backfill.map(BackfillId::number), key, digest);
    (head.0, head.1, head.2, head.3, kind.0, kind.1, kind.2, after, queued, logical, from, to, started, ended, made_by)
}

/// What is in the way of a run that was not inserted.
async fn duplicate(tx: &mut Transaction<'_>, run: &NewRun) -> Result<DuplicateRun, StoreError> {
    let query = sqlx::query(FIND_DUPLICATE)
        .bind(rows::tenant(run.scope))
        .bind(run.dag_id.as_str())
        .bind(run.run_id.as_str())
        .bind(rows::bytes(run.key.uuid()))
        .bind(run.idempotency.as_ref().map(|it| text(&it.key).into_owned()))
        .bind(rows::micros_opt(run.logical_date));
    let row = query.fetch_one(tx.conn().await?).await.map_err(failed)?;
    let cells = Cells::of(&row, "dag_run");
    let kind = match cells.text("kind")? {
        "idempotency_key" => DuplicateKind::IdempotencyKey,
        "logical_date" => DuplicateKind::LogicalDate,
        _ => DuplicateKind::RunId,
    };
    Ok(DuplicateRun { run: run.key, kind, existing: cells.parsed("run_id")? })
}

/// Inserts runs one by one and gives those that were there before, of which nothing is written.
pub(crate) async fn insert(tx: &mut Transaction<'_>, runs: &[NewRun]) -> Result<Vec<DuplicateRun>, StoreError> {
    let mut duplicates = Vec::new();
    for new in runs {
        let mut batch = Batch::default();
        batch.push(INSERT_RUNS, [run(new)], Some(1))?;
        if batch.run(tx).await? {
            let mut rest = Batch::default();
            push_rest(std::slice::from_ref(new), &mut rest)?;
            rest.run(tx).await?;
        } else {
            duplicates.push(duplicate(tx, new).await?);
        }
    }
    Ok(duplicates)
}

impl Kind for RunStateChange {
    fn run(&self) -> RunKey {
        self.run
    }

    fn touches(&self) -> Option<(u32, RangeInclusive<i32>)> {
        Some((0, 0..=0))
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let changes = rows.iter().map(|it| {
            let started = (it.to == RunState::Running).then(|| micros(it.at));
            let ended = it.to.is_ended().then(|| micros(it.at));
            let reason = it.reason.as_deref().map(text);
            (tenant(it.scope), hex(it.run.uuid()), it.to.as_str(), reason, started, ended)
        });
        batch.push(UPDATE_STATES, changes, Some(rows.len() as u64))
    }
}
