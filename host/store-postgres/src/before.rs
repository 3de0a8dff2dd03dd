//! The run before another one of its DAG, for tasks that depend on it.

use model::{RunKey, TenantScope};
use store::{RunBefore, StoreError, TaskBefore};

use crate::rows::{self, Cells};
use crate::session::Session;

/// The run before one with a logical date.
/// Called by `RunStore::run_before`, as are all queries of this file. Finds the run by the key of `dag_run`, and walks
/// `dag_run_by_logical_date` back from its date over runs of other backfills.
pub(crate) const BY_DATE: &str = "
SELECT b.key, b.run_id, s.state
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT o.key, o.run_id FROM dag_run AS o
    WHERE o.tenant_id = $1 AND o.dag_id = r.dag_id AND o.unique_date < r.logical_date
        AND (o.run_type <> 'backfill' OR o.backfill_id = r.backfill_id)
    ORDER BY o.unique_date DESC
    LIMIT 1) AS b
JOIN dag_run_state AS s ON s.tenant_id = $1 AND s.run_key = b.key
WHERE r.tenant_id = $1 AND r.key = $2";

/// The run before one without. Finds the run by the key of `dag_run`, and walks `dag_run_by_dag_run_after` back from it over runs of
/// backfills.
pub(crate) const BY_RUN_AFTER: &str = "
SELECT b.key, b.run_id, s.state
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT o.key, o.run_id FROM dag_run AS o
    WHERE o.tenant_id = $1 AND o.dag_id = r.dag_id AND (o.run_after, o.key) < (r.run_after, r.key)
        AND (o.run_type <> 'backfill' OR o.backfill_id = r.backfill_id)
    ORDER BY o.run_after DESC, o.key DESC
    LIMIT 1) AS b
JOIN dag_run_state AS s ON s.tenant_id = $1 AND s.run_key = b.key
WHERE r.tenant_id = $1 AND r.key = $2 AND r.logical_date IS NULL";

/// How the tasks of a run stand: whether all their rows are made and have ended well. Walks the keys of `task_node` and
/// `task_instance` over the run, up to the first instance of each task that has not ended well.
pub(crate) const TASKS: &str = "
SELECT n.task_id,
    EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = n.tenant_id AND t.run_key = n.run_key AND t.node = n.node
            AND t.map_index = coalesce(nullif(n.map_length, 0) - 1, -1)
        OFFSET 0)
    AND NOT EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = n.tenant_id AND t.run_key = n.run_key AND t.node = n.node
            AND t.state NOT IN ('success', 'skipped', 'removed')
        OFFSET 0) AS is_met
FROM task_node AS n
WHERE n.tenant_id = $1 AND n.run_key = $2
ORDER BY n.node";

/// The run before a run, and its tasks.
pub(crate) async fn fetch(
    session: &mut Session,
    scope: TenantScope,
    run: RunKey,
) -> Result<Option<RunBefore>, StoreError> {
    let mut found = None;
    for sql in [BY_DATE, BY_RUN_AFTER] {
        if found.is_none() {
            found = session.optional(sqlx::query(sql).bind(rows::tenant(scope)).bind(run.uuid())).await?;
        }
    }
    let Some(row) = found else { return Ok(None) };
    let cells = Cells::of(&row, "dag_run");
    let key = RunKey::from_uuid(cells.uuid("key")?);
    let tasks = session.all(sqlx::query(TASKS).bind(rows::tenant(scope)).bind(key.uuid())).await?;
    let task = |row| {
        let cells = Cells::of(row, "task_node");
        Ok(TaskBefore { task_id: cells.parsed("task_id")?, is_met: cells.flag("is_met")? })
    };
    let tasks = tasks.iter().map(task).collect::<Result<_, StoreError>>()?;
    Ok(Some(RunBefore { key, run_id: cells.parsed("run_id")?, state: cells.parsed("state")?, tasks }))
}
