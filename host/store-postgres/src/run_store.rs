//! What the scheduler needs to start again: unfinished runs, and everything about one.

use async_trait::async_trait;
use model::{Fence, RunKey, ScopeIdx, TenantId, TenantScope, TryNumber};
use sqlx::postgres::PgRow;
use store::{
    AnswerRow, BlockRow, CommitError, InstanceSnapshot, RunBefore, RunCommit, RunCommitted, RunSnapshot, RunStore,
    SharedCommitError, StoreError,
};
use uuid::Uuid;

use crate::commit::Whole;
use crate::rows::{self, Cells};
use crate::session::Session;
use crate::{PostgresStore, before, commit, dag_run, task_node};

/// The next epoch.
/// Called by `RunStore::epoch_advance`. The table has one row.
pub(crate) const ADVANCE_EPOCH: &str = "UPDATE cluster SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch";

/// Tenants with unfinished runs.
/// Called by `RunStore::tenants_with_work`. Walks `dag_run_unfinished`, which holds no other runs.
pub(crate) const TENANTS: &str = "
SELECT DISTINCT tenant_id FROM dag_run_state WHERE state IN ('queued', 'running') ORDER BY tenant_id";

/// Unfinished runs after a key.
/// Called by `RunStore::runs_unfinished`. Walks `dag_run_unfinished` from the key on.
pub(crate) const UNFINISHED: &str = "
SELECT run_key FROM dag_run_state
WHERE tenant_id = $1 AND state IN ('queued', 'running') AND run_key > $2
ORDER BY run_key
LIMIT $3";

/// Instances of a run.
/// Called by `RunStore::run_snapshot`. Walks the key of `task_instance` over the run.
pub(crate) const INSTANCES: &str = "
SELECT node, map_index, state, try_number, max_tries, fence, retry_at, since, times_out, lost_executions, suspect, has_value,
    started_at
FROM task_instance
WHERE tenant_id = $1 AND run_key = $2
ORDER BY node, map_index";

/// Contexts of its levels of mapping.
/// Called by `RunStore::run_snapshot`. Walks the table's key over the run.
pub(crate) const BLOCKS: &str = "
SELECT level, first, parent, length, first_position, live FROM map_block WHERE tenant_id = $1 AND run_key = $2
ORDER BY level, first";

/// What its successes said.
/// Called by `RunStore::run_snapshot`. Walks the table's key over the run.
pub(crate) const ANSWERS: &str =
    "SELECT node, map_index, answer FROM answer WHERE tenant_id = $1 AND run_key = $2 ORDER BY node, map_index";

/// Highest try numbers of instances without a row.
/// Called by `RunStore::run_snapshot` for a run that was cleared. Walks the key of `attempt` over the run, and probes the key
/// of `task_instance` for each execution.
pub(crate) const PRIOR_TRIES: &str = "
SELECT a.node, a.map_index, max(a.try_number) AS try_number
FROM attempt AS a
WHERE a.tenant_id = $1 AND a.run_key = $2
    AND NOT EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = a.node AND t.map_index = a.map_index
        OFFSET 0)
GROUP BY a.node, a.map_index
ORDER BY a.node, a.map_index";

#[async_trait]
impl RunStore for PostgresStore {
    async fn commit(&self, commit: RunCommit) -> Result<RunCommitted, CommitError> {
        match commit::commit(&self.writer, Whole { commit, ..Whole::default() }).await {
            Ok(committed) => Ok(committed),
            Err(SharedCommitError::Commit(error)) => Err(error),
            Err(error @ SharedCommitError::Deposed(_)) => {
                Err(StoreError::Unavailable { detail: error.to_string() }.into())
            }
        }
    }

    async fn epoch_advance(&self) -> Result<u32, StoreError> {
        let row = self.session().await?.one(sqlx::query(ADVANCE_EPOCH)).await?;
        Cells::of(&row, "cluster").number("epoch")
    }

    async fn tenants_with_work(&self) -> Result<Vec<TenantScope>, StoreError> {
        let found = self.session().await?.all(sqlx::query(TENANTS)).await?;
        // The scheduler does every tenant's work; the rows establish which.
        let scope =
            |row| Cells::of(row, "dag_run_state").number("tenant_id").map(TenantId::from_row).map(TenantScope::assume);
        found.iter().map(scope).collect()
    }

    async fn runs_unfinished(
        &self,
        scope: TenantScope,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunKey>, StoreError> {
        let after = after.map_or(Uuid::nil(), RunKey::uuid);
        let query = sqlx::query(UNFINISHED).bind(rows::tenant(scope)).bind(after).bind(i64::from(limit));
        let found = self.session().await?.all(query).await?;
        found.iter().map(|row| Cells::of(row, "dag_run_state").uuid("run_key").map(RunKey::from_uuid)).collect()
    }

    async fn run_snapshot(&self, scope: TenantScope, run: RunKey) -> Result<Option<RunSnapshot>, StoreError> {
        // One transaction, so that all queries see the same state.
        let mut session = self.session().await?;
        session.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let snapshot = snapshot(&mut session, scope, run).await?;
        session.commit().await?;
        Ok(snapshot)
    }

    async fn run_before(&self, scope: TenantScope, run: RunKey) -> Result<Option<RunBefore>, StoreError> {
        // One transaction, so that the run and its tasks are of one time.
        let mut session = self.session().await?;
        session.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let before = before::fetch(&mut session, scope, run).await?;
        session.commit().await?;
        Ok(before)
    }
}

async fn snapshot(session: &mut Session, scope: TenantScope, run: RunKey) -> Result<Option<RunSnapshot>, StoreError> {
    let row = session.optional(dag_run::fetch_by_key_query(scope, run).build()).await?;
    let Some(row) = row else { return Ok(None) };
    let row = dag_run::of_row(&row, scope)?;
    let nodes = task_node::list(session, scope, run).await?;
    // One at a time: a run may have so many that their raw rows would be a burden.
    let query = sqlx::query(INSTANCES).bind(rows::tenant(scope)).bind(run.uuid());
    let mut instances = Vec::new();
    session.each(query, |row| instance(row).map(|row| instances.push(row))).await?;
    let (mut blocks, mut answers) = (Vec::new(), Vec::new());
    let query = sqlx::query(BLOCKS).bind(rows::tenant(scope)).bind(run.uuid());
    session.each(query, |row| block(row).map(|row| blocks.push(row))).await?;
    let query = sqlx::query(ANSWERS).bind(rows::tenant(scope)).bind(run.uuid());
    session.each(query, |row| answer(row).map(|row| answers.push(row))).await?;
    let prior_tries = if row.clears == 0 {
        Vec::new()
    } else {
        let query = sqlx::query(PRIOR_TRIES).bind(rows::tenant(scope)).bind(run.uuid());
        session.all(query).await?
    };
    let prior = |row| {
        let cells = Cells::of(row, "attempt");
        Ok((cells.node()?, cells.map_index()?, TryNumber(cells.number("try_number")?)))
    };
    Ok(Some(RunSnapshot {
        run: row,
        nodes,
        instances,
        blocks,
        answers,
        prior_tries: prior_tries.iter().map(prior).collect::<Result<_, StoreError>>()?,
    }))
}

fn block(row: &PgRow) -> Result<BlockRow, StoreError> {
    let cells = Cells::of(row, "map_block");
    Ok(BlockRow {
        level: ScopeIdx(cells.number("level")?),
        parent: cells.number("parent")?,
        first: cells.number("first")?,
        length: cells.number("length")?,
        offset: cells.number("first_position")?,
        live: cells.number("live")?,
    })
}

fn answer(row: &PgRow) -> Result<AnswerRow, StoreError> {
    let cells = Cells::of(row, "answer");
    let answer = serde_json::from_str(cells.text("answer")?).map_err(|error| cells.corrupt("answer", error))?;
    Ok(AnswerRow { node: cells.node()?, map_index: cells.map_index()?, answer })
}

fn instance(row: &PgRow) -> Result<InstanceSnapshot, StoreError> {
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
