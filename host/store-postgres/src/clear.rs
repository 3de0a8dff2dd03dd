//! Clears a run: what is cleared waits again, and what it left is gone; its attempts stay, and what ran has ended.

use jiff::Timestamp;
use model::{RunKey, ShardId, TenantScope};
use store::{Cleared, StoreError};

use crate::session::Session;
use crate::{rows, wakes};

/// What the end of the run skipped would have run but for it, so for a clear it counts as what failed.
/// Called by `RunStore::run_clear`, as are all statements of this file. Finds the run by the key of `dag_run_state` and walks the
/// key of `task_instance` over it; locks what it changes.
pub(crate) const MARK_ENDED_WITH_RUN: &str = "
UPDATE task_instance
SET state = 'upstream_failed'
WHERE tenant_id = $1 AND run_key = $2 AND state = 'skipped'
    AND reason = (SELECT s.reason FROM dag_run_state AS s WHERE s.tenant_id = $1 AND s.run_key = $2)";

/// How many instances are to be cleared. Walks the key of `task_instance` over the run.
pub(crate) const COUNT: &str = "
SELECT count(*) FROM task_instance
WHERE tenant_id = $1 AND run_key = $2 AND (NOT $3 OR state IN ('failed', 'upstream_failed'))";

/// The executions that a clear of everything ends. Finds the run by the key of `dag_run_state` and walks the key of
/// `task_instance` over it; locks what runs, which may end at this moment; adds to the key of `attempt`.
pub(crate) const INSERT_ATTEMPTS: &str = "
INSERT INTO attempt (tenant_id, run_key, node, map_index, try_number, fence, version, started_at, ended_at, end_kind, wall_us,
    cpu_us, memory_bytes, message)
SELECT t.tenant_id, t.run_key, t.node, t.map_index, t.try_number, t.fence,
    (SELECT s.version FROM dag_run_state AS s WHERE s.tenant_id = $1 AND s.run_key = $2), coalesce(t.started_at, $4), $4,
    'cancelled', 0, 0, 0, 'the run was cleared'
FROM task_instance AS t
WHERE t.tenant_id = $1 AND t.run_key = $2 AND NOT $3 AND t.state = 'running'
FOR UPDATE OF t";

/// Values of cleared instances. Walks the keys of `xcom` and `task_instance` over the run.
pub(crate) const DELETE_XCOMS: &str = "
DELETE FROM xcom
WHERE tenant_id = $1 AND run_key = $2
    AND (NOT $3 OR EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = xcom.node AND t.map_index = xcom.map_index
            AND t.state IN ('failed', 'upstream_failed')))";

/// State of cleared instances. Walks the keys of `task_state` and `task_instance` over the run.
pub(crate) const DELETE_STATE: &str = "
DELETE FROM task_state
WHERE tenant_id = $1 AND run_key = $2
    AND (NOT $3 OR EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = task_state.node AND t.map_index = task_state.map_index
            AND t.state IN ('failed', 'upstream_failed')))";

/// What cleared instances have said. Walks the keys of `answer` and `task_instance` over the run.
pub(crate) const DELETE_ANSWERS: &str = "
DELETE FROM answer
WHERE tenant_id = $1 AND run_key = $2
    AND (NOT $3 OR EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = answer.node AND t.map_index = answer.map_index
            AND t.state IN ('failed', 'upstream_failed')))";

/// Contexts of levels of mapping, all of which are made again where everything is cleared, and what waited there. Walks the tables' keys
/// over the run.
pub(crate) const DELETE_BLOCKS: &str = "DELETE FROM map_block WHERE tenant_id = $1 AND run_key = $2 AND NOT $3";
pub(crate) const DELETE_WAITS: &str = "DELETE FROM wait WHERE tenant_id = $1 AND run_key = $2 AND NOT $3";

/// Row −1 of each mapped task that is cleared as a whole; it may have no rows yet. Walks the keys of `task_node` and `task_instance` over the run.
pub(crate) const INSERT_SUMMARIES: &str = "
INSERT INTO task_instance (tenant_id, run_key, node, map_index, state, try_number, max_tries)
SELECT $1, $2, n.node, -1, 'none', 0, coalesce((SELECT max(t.max_tries - t.tries_before) FROM task_instance AS t
    WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = n.node), 1)
FROM task_node AS n
WHERE n.tenant_id = $1 AND n.run_key = $2 AND n.map_length > 0
    AND (NOT $3 OR NOT EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = n.node
            AND t.state NOT IN ('failed', 'upstream_failed')))";

/// The other rows of those tasks. Walks the keys of `task_node` and `task_instance` over the run.
pub(crate) const DELETE_MAPPED: &str = "
DELETE FROM task_instance
WHERE tenant_id = $1 AND run_key = $2 AND map_index >= 0
    AND EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = task_instance.node AND t.map_index = -1
        OFFSET 0)";

/// Lengths that are no longer known: of mapped tasks that have row −1 now, and of lists that cleared tasks returned.
/// Walks the keys of `task_node` and `task_instance` over the run.
pub(crate) const FORGET_LENGTHS: &str = "
UPDATE task_node
SET map_length = NULL, list_length = NULL
WHERE tenant_id = $1 AND run_key = $2
    AND EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = task_node.node AND t.map_index = -1
            AND (NOT $3 OR task_node.map_length > 0 OR t.state IN ('failed', 'upstream_failed'))
        OFFSET 0)";

/// Cleared instances wait again; one that ran does so no more, whatever fence its execution has. Walks the key of `task_instance` over the run.
pub(crate) const RESET_INSTANCES: &str = "
UPDATE task_instance
SET state = 'none', reason = NULL, max_tries = max_tries - tries_before + try_number,
    tries_before = try_number, lost_executions = 0, suspect = false, has_value = false, since = NULL,
    times_out = false, scheduled_at = NULL, started_at = NULL, ended_at = NULL, retry_at = NULL, worker = NULL
WHERE tenant_id = $1 AND run_key = $2 AND (NOT $3 OR state IN ('failed', 'upstream_failed'))";

/// The run goes on; its timeout counts from now. Finds it by the key of `dag_run_state`.
pub(crate) const RESET_RUN: &str = "
UPDATE dag_run_state
SET state = 'running', reason = NULL, result_available = NULL, started_at = $3, ended_at = NULL, clears = clears + 1
WHERE tenant_id = $1 AND run_key = $2";

/// What of the run is offered or held elsewhere. Walks the key of `work` over the run.
pub(crate) const DELETE_WORK: &str = "DELETE FROM work WHERE tenant_id = $1 AND run_key = $2 AND NOT $3";

/// Tells the run's owner to read it. Adds to the indexes of `event`.
pub(crate) const INSERT_LOOK: &str = "INSERT INTO event (shard, tenant_id, run_key) VALUES ($3, $1, $2)";

/// Whether the owner of the run is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tell {
    Owner,
    /// The owner itself clears it.
    Nobody,
}

/// Keeps others from clearing the run at the same time. Finds it by the key of `dag_run_state`; locks it.
pub(crate) const LOCK_RUN: &str = "SELECT 1 FROM dag_run_state WHERE tenant_id = $1 AND run_key = $2 FOR NO KEY UPDATE";

/// Clears a run in one transaction.
pub(crate) async fn clear(
    session: &mut Session,
    scope: TenantScope,
    run: RunKey,
    only_failed: bool,
    now: Timestamp,
    tell: Tell,
) -> Result<Cleared, StoreError> {
    let (tenant, run) = (rows::tenant(scope), run.uuid());
    session.begin("BEGIN").await?;
    session.optional(sqlx::query(LOCK_RUN).bind(tenant).bind(run)).await?;
    session.execute(sqlx::query(MARK_ENDED_WITH_RUN).bind(tenant).bind(run)).await?;
    let instances = session.count(sqlx::query(COUNT).bind(tenant).bind(run).bind(only_failed)).await?;
    if instances == 0 {
        session.rollback().await?;
        return Ok(Cleared { instances: 0 });
    }
    // From here on nobody elsewhere takes what was offered, so nothing begins to run between the statements.
    session.execute(sqlx::query(DELETE_WORK).bind(tenant).bind(run).bind(only_failed)).await?;
    let ends = sqlx::query(INSERT_ATTEMPTS).bind(tenant).bind(run).bind(only_failed).bind(now.as_microsecond());
    session.execute(ends).await?;
    // What tells which instances are cleared is changed last.
    let forget = [DELETE_XCOMS, DELETE_STATE, DELETE_ANSWERS, DELETE_BLOCKS, DELETE_WAITS];
    for sql in forget.into_iter().chain([INSERT_SUMMARIES, DELETE_MAPPED, FORGET_LENGTHS, RESET_INSTANCES]) {
        let query = sqlx::query(sql).bind(tenant).bind(run);
        // One of them needs no more to know.
        let query = if sql == DELETE_MAPPED { query } else { query.bind(only_failed) };
        session.execute(query).await?;
    }
    session.execute(sqlx::query(RESET_RUN).bind(tenant).bind(run).bind(now.as_microsecond())).await?;
    if tell == Tell::Owner {
        let shard = ShardId::of(scope.tenant());
        session.execute(sqlx::query(INSERT_LOOK).bind(tenant).bind(run).bind(shard.number())).await?;
        session.one(sqlx::query(wakes::NOTIFY).bind(wakes::event(std::iter::once(shard)))).await?;
    }
    session.commit().await?;
    Ok(Cleared { instances })
}
