//! What the scheduler needs to start again: unfinished runs, and everything about one.

use async_trait::async_trait;
use futures::TryStreamExt;
use model::{Fence, RunKey, ScopeIdx, TenantId, TenantScope, TryNumber};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use store::{
    AnswerRow, BlockRow, CommitError, InstanceSnapshot, RunBefore, RunCommit, RunCommitted, RunSnapshot, RunStore,
    StoreError,
};

use crate::before;
use crate::commit::CommitRuns;
use crate::error::failed;
use crate::rows::{self, Cells};
use crate::writer::{Transaction, Write};
use crate::{SqliteStore, dag_run, task_node};

/// The next epoch.
/// Called by `RunStore::epoch_advance`. The table has one row.
pub(crate) const ADVANCE_EPOCH: &str = "UPDATE cluster SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch";

/// Tenants with unfinished runs.
/// Called by `RunStore::tenants_with_work`. Walks `dag_run_unfinished`, which holds no other runs.
pub(crate) const TENANTS: &str =
    "
SELECT DISTINCT tenant_id FROM dag_run INDEXED BY dag_run_unfinished WHERE state IN ('queued', 'running') ORDER BY tenant_id";

/// Unfinished runs after a key.
/// Called by `RunStore::runs_unfinished`. Walks `dag_run_unfinished` from the key on.
pub(crate) const UNFINISHED: &str = "
SELECT key FROM dag_run INDEXED BY dag_run_unfinished
WHERE tenant_id = ?1 AND state IN ('queued', 'running') AND key > ?2
ORDER BY key
LIMIT ?3";

/// Instances of a run.
/// Called by `RunStore::run_snapshot`. Walks the key of `task_instance` over the run.
pub(crate) const INSTANCES: &str = "
SELECT node, map_index, state, try_number, max_tries, fence, retry_at, since, times_out, lost_executions, suspect, has_value,
    started_at
FROM task_instance
WHERE tenant_id = ?1 AND run_key = ?2
ORDER BY node, map_index";

/// Contexts of its levels of mapping.
/// Called by `RunStore::run_snapshot`. Walks the table's key over the run.
pub(crate) const BLOCKS: &str = "
SELECT level, first, parent, length, first_position, live FROM map_block WHERE tenant_id = ?1 AND run_key = ?2
ORDER BY level, first";

/// What its successes said.
/// Called by `RunStore::run_snapshot`. Walks the table's key over the run.
pub(crate) const ANSWERS: &str =
    "SELECT node, map_index, answer FROM answer WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index";

/// Highest try numbers of instances without a row.
/// Called by `RunStore::run_snapshot` for a run that was cleared. Walks the key of `attempt` over the run, and probes the key
/// of `task_instance` for each execution.
pub(crate) const PRIOR_TRIES: &str = "
SELECT a.node, a.map_index, max(a.try_number) AS try_number
FROM attempt AS a
WHERE a.tenant_id = ?1 AND a.run_key = ?2
    AND NOT EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = ?1 AND t.run_key = ?2 AND t.node = a.node AND t.map_index = a.map_index)
GROUP BY a.node, a.map_index
ORDER BY a.node, a.map_index";

struct AdvanceEpoch;

#[async_trait]
impl Write for AdvanceEpoch {
    type Done = u32;
    type Error = StoreError;
    const IS_ONE_STATEMENT: bool = true;

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<u32, StoreError> {
        let row = sqlx::query(ADVANCE_EPOCH).fetch_one(tx.conn().await?).await.map_err(failed)?;
        Cells::of(&row, "cluster").number("epoch")
    }
}

#[async_trait]
impl RunStore for SqliteStore {
    async fn commit(&self, commit: RunCommit) -> Result<RunCommitted, CommitError> {
        self.writer.apply(CommitRuns(commit)).await
    }

    async fn epoch_advance(&self) -> Result<u32, StoreError> {
        self.writer.apply(AdvanceEpoch).await
    }

    async fn tenants_with_work(&self) -> Result<Vec<TenantScope>, StoreError> {
        let found = sqlx::query(TENANTS).fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        // The scheduler does every tenant's work; the rows establish which.
        let scope =
            |row| Cells::of(row, "dag_run").number("tenant_id").map(TenantId::from_row).map(TenantScope::assume);
        found.iter().map(scope).collect()
    }

    async fn runs_unfinished(
        &self,
        scope: TenantScope,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunKey>, StoreError> {
        let after = after.map_or_else(Vec::new, |run| rows::bytes(run.uuid()));
        let query = sqlx::query(UNFINISHED).bind(rows::tenant(scope)).bind(after).bind(limit);
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(|row| Cells::of(row, "dag_run").uuid("key").map(RunKey::from_uuid)).collect()
    }

    async fn run_snapshot(&self, scope: TenantScope, run: RunKey) -> Result<Option<RunSnapshot>, StoreError> {
        // One transaction, so that all queries see the same state.
        let mut tx = self.reader.begin().await.map_err(failed)?;
        let snapshot = snapshot(&mut tx, scope, run).await;
        tx.commit().await.map_err(failed)?;
        snapshot
    }

    async fn run_before(&self, scope: TenantScope, run: RunKey) -> Result<Option<RunBefore>, StoreError> {
        // One transaction, so that the run and its tasks are of one time.
        let mut tx = self.reader.begin().await.map_err(failed)?;
        let before = before::fetch(&mut tx, scope, run).await;
        tx.commit().await.map_err(failed)?;
        before
    }
}

async fn snapshot(
    conn: &mut SqliteConnection,
    scope: TenantScope,
    run: RunKey,
) -> Result<Option<RunSnapshot>, StoreError> {
    let row = dag_run::fetch_by_key_query(scope, run).build().fetch_optional(&mut *conn).await.map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    let row = dag_run::of_row(&row, scope)?;
    let nodes = task_node::list(conn, scope, run).await?;
    // One at a time: a run may have so many that their raw rows would be a burden.
    let query = sqlx::query(INSTANCES).bind(rows::tenant(scope)).bind(rows::bytes(run.uuid()));
    let mut instances = Vec::new();
    let mut found = query.fetch(&mut *conn);
    while let Some(row) = found.try_next().await.map_err(failed)? {
        instances.push(instance(&row)?);
    }
    drop(found);
    let prior_tries = if row.clears == 0 {
        Vec::new()
    } else {
        let query = sqlx::query(PRIOR_TRIES).bind(rows::tenant(scope)).bind(rows::bytes(run.uuid()));
        query.fetch_all(&mut *conn).await.map_err(failed)?
    };
    let prior = |row| {
        let cells = Cells::of(row, "attempt");
        Ok((cells.node()?, cells.map_index()?, TryNumber(cells.number("try_number")?)))
    };
    let (blocks, answers) = (blocks(conn, scope, run).await?, answers(conn, scope, run).await?);
    Ok(Some(RunSnapshot {
        run: row,
        nodes,
        instances,
        blocks,
        answers,
        prior_tries: prior_tries.iter().map(prior).collect::<Result<_, StoreError>>()?,
    }))
}

async fn blocks(conn: &mut SqliteConnection, scope: TenantScope, run: RunKey) -> Result<Vec<BlockRow>, StoreError> {
    let query = sqlx::query(BLOCKS).bind(rows::tenant(scope)).bind(rows::bytes(run.uuid()));
    let mut blocks = Vec::new();
    let mut found = query.fetch(conn);
    while let Some(row) = found.try_next().await.map_err(failed)? {
        let cells = Cells::of(&row, "map_block");
        blocks.push(BlockRow {
            level: ScopeIdx(cells.number("level")?),
            parent: cells.number("parent")?,
            first: cells.number("first")?,
            length: cells.number("length")?,
            offset: cells.number("first_position")?,
            live: cells.number("live")?,
        });
    }
    Ok(blocks)
}

async fn answers(conn: &mut SqliteConnection, scope: TenantScope, run: RunKey) -> Result<Vec<AnswerRow>, StoreError> {
    let query = sqlx::query(ANSWERS).bind(rows::tenant(scope)).bind(rows::bytes(run.uuid()));
    let mut answers = Vec::new();
    let mut found = query.fetch(conn);
    while let Some(row) = found.try_next().await.map_err(failed)? {
        let cells = Cells::of(&row, "answer");
        let answer = serde_json::from_str(cells.text("answer")?).map_err(|error| cells.corrupt("answer", error))?;
        answers.push(AnswerRow { node: cells.node()?, map_index: cells.map_index()?, answer });
    }
    Ok(answers)
}

fn instance(row: &SqliteRow) -> Result<InstanceSnapshot, StoreError> {
    let cells = Cells::of(row, "task_instance");
    Ok(InstanceSnapshot {
        node: cells.node()?,
        map_index: cells.map_index()?,
        state: cells.parsed("state")?,
        try_number: TryNumber(cells.number("try_number")?),
        max_tries: cells.number("max_tries")?,
        fence: Fence::from_row(cells.number("fence")?),
        retry_at: cells.time_opt("retry_at")?,
        since: cells.time_opt("since")?,
        times_out: cells.flag("times_out")?,
        lost_executions: cells.number("lost_executions")?,
        suspect: cells.flag("suspect")?,
        has_value: cells.flag("has_value")?,
        started_at: cells.time_opt("started_at")?,
    })
}
