//! Callbacks that runs owe.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{Fence, NodeIdx, RunKey, TenantId, TenantScope, TryNumber};
use sqlx::sqlite::SqliteRow;
use store::{
    CallbackEnd, CallbackRow, CallbackStore, CallbackSubject, CallbackToken, Page, PageRequest, StoreError,
    TakenCallback,
};

use crate::change::{Change, bound};
use crate::error::failed;
use crate::rows::{self, Cells};
use crate::writer::{Transaction, Write};
use crate::{SqliteStore, dag_run};

/// When the first callback of each tenant is due.
/// Called by `CallbackStore::callbacks_due`. Walks `tenant`, and takes the first row of `callback_due` for each.
pub(crate) const DUE: &str = "
SELECT t.tenant_id, (SELECT min(c.due_at) FROM callback AS c WHERE c.tenant_id = t.tenant_id AND c.due_at IS NOT NULL) AS due_at
FROM tenant AS t
ORDER BY t.tenant_id";

/// Begins callbacks that are due.
/// Called by `CallbackStore::callbacks_take`. Walks `callback_due` up to now; probes the key of `dag_run`, for a run may be going.
pub(crate) const TAKE: &str = "
UPDATE callback
SET state = 'running', fence = fence + 1, lost_executions = lost_executions + (state = 'running'), started_at = ?2, due_at = ?3
WHERE (tenant_id, run_key, number) IN (SELECT c.tenant_id, c.run_key, c.number
    FROM callback AS c INDEXED BY callback_due
    WHERE c.tenant_id = ?1 AND c.due_at <= ?2
        AND EXISTS (SELECT 1 FROM dag_run AS r WHERE r.tenant_id = ?1 AND r.key = c.run_key)
    ORDER BY c.due_at
    LIMIT ?4)
RETURNING tenant_id, run_key, number, event, callback, node, map_index, instance_try, message, created_at, state, try_number,
    lost_executions, fence, due_at, started_at, ended_at, error";

/// Called by `CallbackStore::callbacks_renew`. Finds the row by the table's key.
pub(crate) const RENEW: &str = "
UPDATE callback SET due_at = ?5
WHERE tenant_id = ?1 AND run_key = ?2 AND number = ?3 AND fence = ?4 AND state = 'running'";

/// Called by `CallbackStore::callbacks_end`. Finds the row by the table's key.
pub(crate) const END: &str = "
UPDATE callback
SET state = ?5, try_number = ?6, lost_executions = ?7, due_at = ?8, ended_at = ?9, error = ?10
WHERE tenant_id = ?1 AND run_key = ?2 AND number = ?3 AND fence = ?4 AND state = 'running'";

/// Ends all leases.
/// Called by `CallbackStore::callbacks_let_go`, once a start. Walks `callback_due`, which holds what has not ended, of each tenant.
pub(crate) const LET_GO: &str = "
UPDATE callback INDEXED BY callback_due SET due_at = ?1
WHERE tenant_id IN (SELECT tenant_id FROM tenant) AND due_at IS NOT NULL AND state = 'running'";

/// Called by `CallbackStore::callback_list`. Walks the table's key over the run.
pub(crate) const LIST: &str = "
SELECT tenant_id, run_key, number, event, callback, node, map_index, instance_try, message, created_at, state, try_number,
    lost_executions, fence, due_at, started_at, ended_at, error
FROM callback
WHERE tenant_id = ?1 AND run_key = ?2
ORDER BY number
LIMIT ?3 OFFSET ?4";

/// How many there are. Called by `CallbackStore::callback_list`. Walks the table's key over the run.
pub(crate) const COUNT: &str = "SELECT count(*) FROM callback WHERE tenant_id = ?1 AND run_key = ?2";

/// Called by `CallbackStore::callback_fetch`. Finds the row by the table's key.
pub(crate) const FETCH: &str = "
SELECT tenant_id, run_key, number, event, callback, node, map_index, instance_try, message, created_at, state, try_number,
    lost_executions, fence, due_at, started_at, ended_at, error
FROM callback
WHERE tenant_id = ?1 AND run_key = ?2 AND number = ?3";

/// Called by `CallbackStore::callbacks_left_out`. Finds the row by the table's key.
pub(crate) const LEFT_OUT: &str = "SELECT count FROM callback_left_out WHERE tenant_id = ?1 AND run_key = ?2";

/// Callbacks to begin.
struct Take {
    scope: TenantScope,
    now: Timestamp,
    lease_until: Timestamp,
    limit: u32,
}

#[async_trait]
impl Write for Take {
    type Done = Vec<TakenCallback>;
    type Error = StoreError;

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<Vec<TakenCallback>, StoreError> {
        let take = sqlx::query(TAKE).bind(rows::tenant(self.scope)).bind(self.now.as_microsecond());
        let take = take.bind(self.lease_until.as_microsecond()).bind(self.limit);
        let found = take.fetch_all(tx.conn().await?).await.map_err(failed)?;
        let mut taken = Vec::with_capacity(found.len());
        for row in &found {
            let row = of_row(row)?;
            let mut query = dag_run::fetch_by_key_query(self.scope, row.run);
            let run = query.build().fetch_one(tx.conn().await?).await.map_err(failed)?;
            taken.push(TakenCallback { row, run: dag_run::of_row(&run, self.scope)? });
        }
        Ok(taken)
    }
}

/// One statement for each of some callbacks.
struct ForEach<T> {
    rows: Vec<T>,
    change: fn(&T) -> Change,
}

#[async_trait]
impl<T: Send + Sync + 'static> Write for ForEach<T> {
    type Done = ();
    type Error = StoreError;

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        for row in &self.rows {
            (self.change)(row).write(tx).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl CallbackStore for SqliteStore {
    async fn callbacks_due(&self) -> Result<Vec<(TenantScope, Timestamp)>, StoreError> {
        let found = sqlx::query(DUE).fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().filter_map(|row| due(row).transpose()).collect()
    }

    async fn callbacks_take(
        &self,
        scope: TenantScope,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<TakenCallback>, StoreError> {
        self.writer.apply(Take { scope, now, lease_until, limit }).await
    }

    async fn callbacks_renew(&self, held: &[CallbackToken], lease_until: Timestamp) -> Result<(), StoreError> {
        let rows = held.iter().map(|token| (*token, lease_until)).collect();
        let change = |(token, until): &(CallbackToken, Timestamp)| {
            let CallbackToken { scope, run, number, fence } = *token;
            let bound = bound().and(rows::tenant(scope)).and(rows::bytes(run.uuid())).and(number).and(fence.number());
            Change::of(RENEW, bound.and(until.as_microsecond()), None)
        };
        self.writer.apply(ForEach { rows, change }).await
    }

    async fn callbacks_end(&self, ends: &[CallbackEnd]) -> Result<(), StoreError> {
        let change = |end: &CallbackEnd| {
            let CallbackToken { scope, run, number, fence } = end.token;
            let bound = bound().and(rows::tenant(scope)).and(rows::bytes(run.uuid())).and(number).and(fence.number());
            let bound = bound.and(end.to.as_str()).and(end.try_number.0).and(end.lost_executions);
            let bound = bound.and(rows::micros_opt(end.due_at)).and(rows::micros_opt(end.ended_at));
            Change::of(END, bound.and(rows::text_opt(end.error.as_deref())), None)
        };
        self.writer.apply(ForEach { rows: ends.to_vec(), change }).await
    }

    async fn callbacks_let_go(&self, now: Timestamp) -> Result<(), StoreError> {
        self.writer.apply(Change::of(LET_GO, bound().and(now.as_microsecond()), None)).await.map(drop)
    }

    async fn callback_list(
        &self,
        scope: TenantScope,
        run: RunKey,
        page: PageRequest,
    ) -> Result<Page<CallbackRow>, StoreError> {
        let mut conn = self.reader().await?;
        let (tenant, run) = (rows::tenant(scope), rows::bytes(run.uuid()));
        let list = sqlx::query(LIST).bind(tenant).bind(&run).bind(page.limit).bind(page.offset);
        let found = list.fetch_all(&mut *conn).await.map_err(failed)?;
        let total = match rows::total_if_last(page, found.len()) {
            Some(total) => total,
            None => {
                let count = sqlx::query_scalar(COUNT).bind(tenant).bind(&run).fetch_one(&mut *conn).await;
                count.map(i64::unsigned_abs).map_err(failed)?
            }
        };
        Ok(Page { rows: found.iter().map(of_row).collect::<Result<_, _>>()?, total })
    }

    async fn callback_fetch(
        &self,
        scope: TenantScope,
        run: RunKey,
        number: u32,
    ) -> Result<Option<CallbackRow>, StoreError> {
        let query = sqlx::query(FETCH).bind(rows::tenant(scope)).bind(rows::bytes(run.uuid())).bind(number);
        let found = query.fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
        found.as_ref().map(of_row).transpose()
    }

    async fn callbacks_left_out(&self, scope: TenantScope, run: RunKey) -> Result<u64, StoreError> {
        let query = sqlx::query(LEFT_OUT).bind(rows::tenant(scope)).bind(rows::bytes(run.uuid()));
        let found = query.fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
        found.map_or(Ok(0), |row| Cells::of(&row, "callback_left_out").number("count"))
    }
}

fn of_row(row: &SqliteRow) -> Result<CallbackRow, StoreError> {
    let cells = Cells::of(row, "callback");
    let subject = match cells.number_opt("node")? {
        Some(node) => Some(CallbackSubject {
            node: NodeIdx(node),
            map_index: cells.map_index()?,
            try_number: TryNumber(cells.number("instance_try")?),
        }),
        None => None,
    };
    Ok(CallbackRow {
        // Whoever begins callbacks does the work of all tenants; the rows establish which.
        scope: TenantScope::assume(TenantId::from_row(cells.number("tenant_id")?)),
        run: RunKey::from_uuid(cells.uuid("run_key")?),
        number: cells.number("number")?,
        subject,
        event: cells.parsed("event")?,
        callback: cells.parsed("callback")?,
        message: cells.text_opt("message")?.map(Into::into),
        created_at: cells.time("created_at")?,
        state: cells.parsed("state")?,
        try_number: TryNumber(cells.number("try_number")?),
        lost_executions: cells.number("lost_executions")?,
        fence: Fence::from_row(cells.number("fence")?),
        due_at: cells.time_opt("due_at")?,
        started_at: cells.time_opt("started_at")?,
        ended_at: cells.time_opt("ended_at")?,
        error: cells.text_opt("error")?,
    })
}

fn due(row: &SqliteRow) -> Result<Option<(TenantScope, Timestamp)>, StoreError> {
    let cells = Cells::of(row, "callback");
    let scope = TenantScope::assume(TenantId::from_row(cells.number("tenant_id")?));
    Ok(cells.time_opt("due_at")?.map(|due_at| (scope, due_at)))
}
