//! New runs with their tasks, and changes of runs' states.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use model::{RunKey, RunState};
use sqlx::SqliteConnection;
use store::{NewRun, RunStateChange, StoreError};

use super::kind::{self, Kind, hex, micros, tenant, text};
use crate::error::failed;
use crate::rows::Cells;

/// New runs; those whose run id or key exists are passed over and not returned.
/// Called by `RunStore::commit`. Probes the keys of `dag_run` and `dag_run_by_run_id`; adds to all its indexes.
pub(crate) const INSERT_RUNS: &str = "
INSERT INTO dag_run (tenant_id, key, dag_id, run_id, version, run_type, state, run_after, queued_at, logical_date,
    interval_from, interval_to, started_at, ended_at)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, unhex(value ->> 4), value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13
FROM json_each(?1)
WHERE true
ON CONFLICT DO NOTHING
RETURNING key";

/// What the runs were given.
/// Called by `RunStore::commit`, for runs that were inserted. Adds to the table's key.
pub(crate) const INSERT_INPUTS: &str = "
INSERT INTO dag_run_input (tenant_id, run_key, conf, params, triggered_by, note)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5
FROM json_each(?1)";

/// Tasks of the runs.
/// Called by `RunStore::commit`, for runs that were inserted. Adds to the table's key.
pub(crate) const INSERT_NODES: &str = "
INSERT INTO task_node (tenant_id, run_key, node, task_id, map_length)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4
FROM json_each(?1)";

/// Changes of state, of runs that have not ended.
/// Called by `RunStore::commit`. Finds rows by the key of `dag_run`; moves them between its partial indexes.
pub(crate) const UPDATE_STATES: &str = "
UPDATE dag_run AS r
SET state = e.state, reason = e.reason, started_at = coalesce(r.started_at, e.started_at), ended_at = e.ended_at
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS key, value ->> 2 AS state, value ->> 3 AS reason,
        value ->> 4 AS started_at, value ->> 5 AS ended_at
    FROM json_each(?1)) AS e
WHERE r.tenant_id = e.tenant_id AND r.key = e.key AND r.state IN ('queued', 'running')";

/// Inserts runs with their tasks and gives those that were there before.
pub(crate) async fn insert(conn: &mut SqliteConnection, runs: &[NewRun]) -> Result<Vec<RunKey>, StoreError> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let rows = kind::json(runs.iter().map(|run| {
        let (from, to) = run.data_interval.unzip();
        let head = (tenant(run.scope), hex(run.key.uuid()), run.dag_id.as_str(), run.run_id.as_str());
        let kind = (hex(run.version.uuid()), run.run_type.as_str(), run.state.as_str());
        let times = [
            Some(run.run_after),
            Some(run.queued_at),
            run.logical_date,
            from,
            to,
            run.started_at,
            run.state.is_ended().then_some(run.queued_at),
        ];
        let [after, queued, logical, from, to, started, ended] = times.map(|time| time.map(micros));
        (head.0, head.1, head.2, head.3, kind.0, kind.1, kind.2, after, queued, logical, from, to, started, ended)
    }))?;
    let inserted = sqlx::query(INSERT_RUNS).bind(rows).fetch_all(&mut *conn).await.map_err(failed)?;
    let inserted: BTreeSet<_> = inserted
        .iter()
        .map(|row| Cells::of(row, "dag_run").uuid("key").map(RunKey::from_uuid))
        .collect::<Result<_, _>>()?;
    let is_new = |run: &&NewRun| inserted.contains(&run.key);

    let inputs = runs.iter().filter(is_new).map(|run| {
        let note = run.note.as_deref().map(text);
        (tenant(run.scope), hex(run.key.uuid()), &run.conf, &run.params, text(&run.triggered_by), note)
    });
    kind::run(conn, INSERT_INPUTS, inputs).await?;
    let mut nodes = Vec::new();
    for run in runs.iter().filter(is_new) {
        for it in &run.nodes {
            nodes.push((tenant(run.scope), hex(run.key.uuid()), it.node, &it.task_id, it.map_length));
        }
    }
    kind::run(conn, INSERT_NODES, nodes.into_iter()).await?;
    Ok(runs.iter().filter(|run| !is_new(run)).map(|run| run.key).collect())
}

impl Kind for RunStateChange {
    fn run(&self) -> RunKey {
        self.run
    }

    fn touches(&self) -> Option<(u32, RangeInclusive<i32>)> {
        Some((0, 0..=0))
    }

    async fn write(conn: &mut SqliteConnection, rows: &[Self]) -> Result<bool, StoreError> {
        let changed = kind::run(
            conn,
            UPDATE_STATES,
            rows.iter().map(|it| {
                let started = (it.to == RunState::Running).then(|| micros(it.at));
                let ended = it.to.is_ended().then(|| micros(it.at));
                let reason = it.reason.as_deref().map(text);
                (tenant(it.scope), hex(it.run.uuid()), it.to.as_str(), reason, started, ended)
            }),
        );
        Ok(changed.await? == rows.len() as u64)
    }
}
