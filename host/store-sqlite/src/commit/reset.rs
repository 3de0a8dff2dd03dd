//! What people do to runs: runs that run again, executions that end, instances that wait again.

use std::ops::RangeInclusive;

use model::RunKey;
use serde::Serialize;
use store::{Cancelled, NewNode, Reopened, Reset, StoreError};

use super::batch::Batch;
use super::dag_run::INSERT_NODES;
use super::json::{hex, micros, tenant, text};
use super::kind::Kind;
use super::task_instance::length;
use super::xcom;

/// The rows of executions that end because their instances do, with the version that their runs have.
/// Called by `RunStore::commit`. Finds rows by the keys of `task_instance` and `dag_run`; adds to the key of `attempt`.
pub(crate) const INSERT_ATTEMPTS: &str = "
INSERT INTO attempt (tenant_id, run_key, node, map_index, try_number, fence, version, started_at, ended_at, end_kind, wall_us,
    cpu_us, memory_bytes, message)
SELECT t.tenant_id, t.run_key, t.node, t.map_index, t.try_number, t.fence, r.version, coalesce(t.started_at, e.at), e.at,
    'cancelled', 0, 0, 0, e.message
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS map_index,
        value ->> 4 AS fence, value ->> 5 AS at, value ->> 6 AS message
    FROM jsonb_each(?)) AS e
CROSS JOIN task_instance AS t ON t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node
    AND t.map_index = e.map_index
CROSS JOIN dag_run AS r ON r.tenant_id = t.tenant_id AND r.key = t.run_key
WHERE t.state = 'running' AND t.fence = e.fence
ON CONFLICT DO NOTHING";

/// Their instances, which run no more; what else the commit has gives them their states.
/// Called by `RunStore::commit`. Finds rows by the key of `task_instance`.
pub(crate) const END_EXECUTIONS: &str = "
UPDATE task_instance AS t
SET state = 'none'
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS map_index,
        value ->> 4 AS fence
    FROM jsonb_each(?)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = e.map_index
    AND t.state = 'running' AND t.fence = e.fence";

/// Runs that run again, or go on.
/// Called by `RunStore::commit`. Finds rows by the key of `dag_run`; moves them between its partial indexes.
pub(crate) const REOPEN_RUNS: &str = "
UPDATE dag_run AS r
SET state = CASE r.state WHEN 'queued' THEN 'queued' ELSE 'running' END, reason = NULL, ended_at = NULL, clears = r.clears + 1,
    started_at = CASE WHEN r.state IN ('queued', 'running') THEN r.started_at ELSE e.at END,
    version = coalesce(e.version, r.version)
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS key, value ->> 2 AS at, unhex(value ->> 3) AS version
    FROM jsonb_each(?)) AS e
WHERE r.tenant_id = e.tenant_id AND r.key = e.key";

/// Contexts of runs whose levels of mapping are others from now on.
/// Called by `RunStore::commit`. Walks the table's key over the run.
pub(crate) const FORGET_BLOCKS: &str = "
DELETE FROM map_block
WHERE (tenant_id, run_key, level, first) IN (
    SELECT b.tenant_id, b.run_key, b.level, b.first
    FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key FROM jsonb_each(?)) AS e
    CROSS JOIN map_block AS b ON b.tenant_id = e.tenant_id AND b.run_key = e.run_key)";

/// Instances that wait again.
/// Called by `RunStore::commit`. Finds rows by the key of `task_instance`.
pub(crate) const RESET_INSTANCES: &str = "
UPDATE task_instance AS t
SET state = 'none', reason = NULL, max_tries = t.max_tries - t.tries_before + t.try_number, tries_before = t.try_number,
    lost_executions = 0, suspect = 0, has_value = 0, since = NULL, times_out = 0, scheduled_at = NULL, started_at = NULL,
    ended_at = NULL, retry_at = NULL, worker = NULL
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first,
        value ->> 4 AS last
    FROM jsonb_each(?)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index BETWEEN e.first AND e.last";

/// What they have said.
/// Called by `RunStore::commit`. Walks the table's key over the instances.
pub(crate) const DELETE_ANSWERS: &str = "
DELETE FROM answer
WHERE (tenant_id, run_key, node, map_index) IN (
    SELECT a.tenant_id, a.run_key, a.node, a.map_index
    FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first,
            value ->> 4 AS last
        FROM jsonb_each(?)) AS e
    CROSS JOIN answer AS a ON a.tenant_id = e.tenant_id AND a.run_key = e.run_key AND a.node = e.node
        AND a.map_index BETWEEN e.first AND e.last)";

/// What they waited for.
/// Called by `RunStore::commit`. Walks the table's key over the instances.
pub(crate) const DELETE_WAITS: &str = "
DELETE FROM wait
WHERE (tenant_id, run_key, node, map_index) IN (
    SELECT w.tenant_id, w.run_key, w.node, w.map_index
    FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first,
            value ->> 4 AS last
        FROM jsonb_each(?)) AS e
    CROSS JOIN wait AS w ON w.tenant_id = e.tenant_id AND w.run_key = e.run_key AND w.node = e.node
        AND w.map_index BETWEEN e.first AND e.last)";

/// What they have kept.
/// Called by `RunStore::commit`. Walks the table's key over the instances.
pub(crate) const DELETE_STATE: &str = "
DELETE FROM task_state
WHERE (tenant_id, run_key, node, map_index, key) IN (
    SELECT s.tenant_id, s.run_key, s.node, s.map_index, s.key
    FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first,
            value ->> 4 AS last
        FROM jsonb_each(?)) AS e
    CROSS JOIN task_state AS s ON s.tenant_id = e.tenant_id AND s.run_key = e.run_key AND s.node = e.node
        AND s.map_index BETWEEN e.first AND e.last)";

/// Lengths of the lists that unmapped ones returned.
/// Called by `RunStore::commit`. Finds rows by the key of `task_node`.
pub(crate) const FORGET_LISTS: &str = "
UPDATE task_node AS n
SET list_length = NULL
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first
    FROM jsonb_each(?)) AS e
WHERE n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node AND e.first = -1";

impl Kind for Cancelled {
    fn run(&self) -> RunKey {
        self.instance.run
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let cells = |it: &Self| {
            let key = (tenant(it.scope), hex(it.instance.run.uuid()), it.instance.node, it.instance.map_index);
            (key.0, key.1, key.2, key.3, it.fence, micros(it.at), text(&it.message).into_owned())
        };
        let count = Some(rows.len() as u64);
        batch.push(INSERT_ATTEMPTS, rows.iter().map(cells), count)?;
        batch.push(END_EXECUTIONS, rows.iter().map(cells), count)
    }
}

impl Kind for Reopened {
    fn run(&self) -> RunKey {
        self.run
    }

    fn touches(&self) -> Option<(u32, RangeInclusive<i32>)> {
        Some((0, 0..=0))
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let runs = rows.iter().map(|it| {
            let version = it.version.map(|version| hex(version.uuid()));
            (tenant(it.scope), hex(it.run.uuid()), micros(it.at), version)
        });
        batch.push(REOPEN_RUNS, runs, Some(rows.len() as u64))?;
        let laid_out = || rows.iter().filter_map(|it| Some((it, it.tasks.as_ref()?)));
        batch.push(FORGET_BLOCKS, laid_out().map(|(it, _)| (tenant(it.scope), hex(it.run.uuid()))), None)?;
        let of_run = |(it, tasks): (&Self, &Vec<NewNode>)| {
            let (scope, run) = (it.scope, it.run);
            let row = |it: &NewNode| (tenant(scope), hex(run.uuid()), it.node, it.task_id.clone(), it.map_length);
            tasks.iter().map(row).collect::<Vec<_>>()
        };
        let tasks: Vec<_> = laid_out().flat_map(of_run).collect();
        let count = Some(tasks.len() as u64);
        batch.push(INSERT_NODES, tasks, count)
    }
}

impl Kind for Reset {
    fn run(&self) -> RunKey {
        self.run
    }

    fn touches(&self) -> Option<(u32, RangeInclusive<i32>)> {
        Some((self.node.0, self.first.number()..=self.last.number()))
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let count = rows.iter().map(|it| length(it.first, it.last)).sum();
        batch.push(RESET_INSTANCES, rows.iter().map(range), Some(count))?;
        for sql in [xcom::DELETE, DELETE_ANSWERS, DELETE_WAITS, FORGET_LISTS] {
            batch.push(sql, rows.iter().map(range), None)?;
        }
        batch.push(DELETE_STATE, rows.iter().filter(|it| !it.keeps_state).map(range), None)
    }
}

fn range(it: &Reset) -> impl Serialize {
    (tenant(it.scope), hex(it.run.uuid()), it.node, it.first, it.last)
}
