//! Ends of executions: the attempt's row, the instance's next state, the values.

use model::{MapIndex, RunKey, TaskState};
use serde::Serialize;
use store::{Ended, StoreError, storable_count};

use super::batch::Batch;
use super::json::{hex, micros, tenant, text};
use super::kind::Kind;
use super::xcom::{self, Left};

/// The instances' next states, where they run under the fence that ended.
/// Called by `RunStore::commit`. Finds rows by the key of `task_instance`.
pub(crate) const UPDATE_INSTANCES: &str = "
UPDATE task_instance AS t
SET state = e.state, reason = e.reason, ended_at = e.ended_at, scheduled_at = coalesce(e.scheduled_at, t.scheduled_at),
    retry_at = e.retry_at, lost_executions = e.lost_executions, suspect = e.suspect, has_value = e.has_value, since = e.since,
    times_out = e.times_out
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS map_index,
        value ->> 4 AS try_number, value ->> 5 AS fence, value ->> 6 AS state, value ->> 7 AS reason,
        value ->> 8 AS ended_at, value ->> 9 AS scheduled_at, value ->> 10 AS retry_at, value ->> 11 AS lost_executions,
        value ->> 12 AS suspect, value ->> 13 AS has_value, value ->> 14 AS since, value ->> 15 AS times_out
    FROM jsonb_each(?)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = e.map_index
    AND t.state = 'running' AND t.fence = e.fence AND t.try_number = e.try_number";

/// The executions' rows, with the version that their runs have.
/// Called by `RunStore::commit`. Finds runs by the key of `dag_run`; adds to the table's key.
pub(crate) const INSERT_ATTEMPTS: &str = "
INSERT INTO attempt (tenant_id, run_key, node, map_index, try_number, fence, version, started_at, ended_at, end_kind, wall_us,
    cpu_us, memory_bytes, message)
SELECT e.tenant_id, e.run_key, e.node, e.map_index, e.try_number, e.fence, r.version, e.started_at, e.ended_at, e.end_kind,
    e.wall_us, e.cpu_us, e.memory_bytes, e.message
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS map_index,
        value ->> 4 AS try_number, value ->> 5 AS fence, value ->> 6 AS started_at, value ->> 7 AS ended_at,
        value ->> 8 AS end_kind, value ->> 9 AS wall_us, value ->> 10 AS cpu_us, value ->> 11 AS memory_bytes,
        value ->> 12 AS message
    FROM jsonb_each(?)) AS e
CROSS JOIN dag_run AS r ON r.tenant_id = e.tenant_id AND r.key = e.run_key
WHERE true
ON CONFLICT DO NOTHING";

/// Lengths of the lists that unmapped tasks returned.
/// Called by `RunStore::commit`. Finds rows by the key of `task_node`.
pub(crate) const UPDATE_LIST_LENGTHS: &str = "
UPDATE task_node AS n
SET list_length = e.list_length
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS list_length
    FROM jsonb_each(?)) AS e
WHERE n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node";

impl Kind for Ended {
    fn run(&self) -> RunKey {
        self.instance.run
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let count = Some(rows.len() as u64);
        batch.push(UPDATE_INSTANCES, rows.iter().map(instance), count)?;
        batch.push(INSERT_ATTEMPTS, rows.iter().map(attempt), count)?;
        let succeeded = || rows.iter().filter(|it| it.to == TaskState::Success);
        if succeeded().any(|it| !it.xcoms.is_empty()) {
            let values = succeeded().flat_map(|it| {
                let of = Left { scope: it.scope, instance: it.instance, at: it.execution.ended_at };
                it.xcoms.iter().map(move |xcom| xcom::row(of, xcom))
            });
            batch.push(xcom::INSERT, values, None)?;
        }
        let lists = || succeeded().filter(|it| it.list_length.is_some() && it.instance.map_index == MapIndex::NONE);
        if lists().next().is_some() {
            let lengths = lists().map(|it| (tenant(it.scope), hex(it.run().uuid()), it.instance.node, it.list_length));
            batch.push(UPDATE_LIST_LENGTHS, lengths, Some(lists().count() as u64))?;
        }
        Ok(())
    }
}

fn instance(it: &Ended) -> impl Serialize {
    let ended_at = micros(it.execution.ended_at);
    let is_again = it.to == TaskState::Scheduled;
    let key = (tenant(it.scope), hex(it.instance.run.uuid()), it.instance.node, it.instance.map_index);
    (
        key.0,
        key.1,
        key.2,
        key.3,
        it.try_number,
        it.fence,
        it.to.as_str(),
        it.reason.as_deref().or_else(|| it.execution.end.message()).map(text),
        (!is_again).then_some(ended_at),
        is_again.then_some(ended_at),
        it.retry_at.map(micros),
        it.lost_executions,
        it.suspect,
        it.has_value && it.to == TaskState::Success,
        it.since.map(micros),
        it.times_out,
    )
}

fn attempt(it: &Ended) -> impl Serialize {
    let (execution, used) = (&it.execution, &it.execution.used);
    (
        tenant(it.scope),
        hex(it.instance.run.uuid()),
        it.instance.node,
        it.instance.map_index,
        it.try_number,
        it.fence,
        micros(execution.started_at),
        micros(execution.ended_at),
        execution.end.kind().as_str(),
        storable_count(used.wall_us),
        storable_count(used.cpu_us),
        storable_count(used.memory_bytes),
        execution.end.message().map(text),
    )
}
