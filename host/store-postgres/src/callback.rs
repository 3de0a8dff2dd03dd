//! Callbacks that runs owe.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{Fence, NodeIdx, RunKey, TenantId, TenantScope, TryNumber};
use sqlx::postgres::PgRow;
use store::{
    CallbackEnd, CallbackRow, CallbackStore, CallbackSubject, CallbackToken, Page, PageRequest, StoreError,
    TakenCallback,
};

use crate::rows::{self, Cells, narrow};
use crate::session::Query;
use crate::{PostgresStore, dag_run};

/// When the first callback of each tenant is due.
/// Called by `CallbackStore::callbacks_due`. Walks `tenant`, and takes the first row of `callback_due` for each.
pub(crate) const DUE: &str = "
SELECT t.tenant_id, (SELECT min(c.due_at) FROM callback AS c WHERE c.tenant_id = t.tenant_id AND c.due_at IS NOT NULL) AS due_at
FROM tenant AS t
ORDER BY t.tenant_id";

/// Begins callbacks that are due.
/// Called by `CallbackStore::callbacks_take`. Walks `callback_due` up to now; probes the key of `dag_run`, for a run may be going; locks
/// what it takes and passes over what others take.
pub(crate) const TAKE: &str = "
WITH picked AS MATERIALIZED (
    SELECT c.tenant_id, c.run_key, c.number
    FROM callback AS c
    WHERE c.tenant_id = $1 AND c.due_at <= $2
        AND (SELECT true FROM dag_run AS r WHERE r.tenant_id = c.tenant_id AND r.key = c.run_key)
    ORDER BY c.due_at
    LIMIT $4
    FOR UPDATE OF c SKIP LOCKED)
UPDATE callback AS c
SET state = 'running', fence = c.fence + 1, lost_executions = c.lost_executions + (c.state = 'running')::integer, started_at = $2,
    due_at = $3
FROM picked AS p
WHERE c.tenant_id = p.tenant_id AND c.run_key = p.run_key AND c.number = p.number
RETURNING c.*";

/// Called by `CallbackStore::callbacks_renew`. Finds the row by the table's key.
pub(crate) const RENEW: &str = "
UPDATE callback SET due_at = $5
WHERE tenant_id = $1 AND run_key = $2 AND number = $3 AND fence = $4 AND state = 'running'";

/// Called by `CallbackStore::callbacks_end`. Finds the row by the table's key.
pub(crate) const END: &str = "
UPDATE callback
SET state = $5, try_number = $6, lost_executions = $7, due_at = $8, ended_at = $9, error = $10
WHERE tenant_id = $1 AND run_key = $2 AND number = $3 AND fence = $4 AND state = 'running'";

/// Ends all leases.
/// Called by `CallbackStore::callbacks_let_go`, once a start. Walks `callback_due`, which holds what has not ended, of each tenant.
pub(crate) const LET_GO: &str = "
UPDATE callback AS c SET due_at = $1
FROM tenant AS t
WHERE c.tenant_id = t.tenant_id AND c.due_at IS NOT NULL AND c.state = 'running'";

/// Called by `CallbackStore::callback_list`. Walks the table's key over the run.
pub(crate) const LIST: &str = "
SELECT tenant_id, run_key, number, event, callback, node, map_index, instance_try, message, created_at, state, try_number,
    lost_executions, fence, due_at, started_at, ended_at, error
FROM callback
WHERE tenant_id = $1 AND run_key = $2
ORDER BY number
LIMIT $3 OFFSET $4";

/// How many there are. Called by `CallbackStore::callback_list`. Walks the table's key over the run.
pub(crate) const COUNT: &str = "SELECT count(*) FROM callback WHERE tenant_id = $1 AND run_key = $2";

/// Called by `CallbackStore::callback_fetch`. Finds the row by the table's key.
pub(crate) const FETCH: &str = "
SELECT tenant_id, run_key, number, event, callback, node, map_index, instance_try, message, created_at, state, try_number,
    lost_executions, fence, due_at, started_at, ended_at, error
FROM callback
WHERE tenant_id = $1 AND run_key = $2 AND number = $3";

/// Called by `CallbackStore::callbacks_left_out`. Finds the row by the table's key.
pub(crate) const LEFT_OUT: &str = "SELECT count FROM callback_left_out WHERE tenant_id = $1 AND run_key = $2";

/// A statement with the callback that it is about.
fn about(sql: &'static str, token: CallbackToken) -> Query<'static> {
    let CallbackToken { scope, run, number, fence } = token;
    sqlx::query(sql).bind(rows::tenant(scope)).bind(run.uuid()).bind(narrow(number)).bind(fence.number())
}

#[async_trait]
impl CallbackStore for PostgresStore {
    async fn callbacks_due(&self) -> Result<Vec<(TenantScope, Timestamp)>, StoreError> {
        let found = self.session().await?.all(sqlx::query(DUE)).await?;
        found.iter().filter_map(|row| due(row).transpose()).collect()
    }

    async fn callbacks_take(
        &self,
        scope: TenantScope,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<TakenCallback>, StoreError> {
        let mut session = self.session().await?;
        // One transaction, so that nothing is begun that cannot be handed out.
        session.begin("BEGIN").await?;
        let take = sqlx::query(TAKE).bind(rows::tenant(scope)).bind(now.as_microsecond());
        let take = take.bind(lease_until.as_microsecond()).bind(i64::from(limit));
        let mut taken = Vec::new();
        for row in &session.all(take).await? {
            let row = of_row(row)?;
            // Without its run it goes too.
            if let Some(run) = session.optional(dag_run::fetch_by_key_query(scope, row.run).build()).await? {
                taken.push(TakenCallback { row, run: dag_run::of_row(&run, scope)? });
            }
        }
        session.commit().await?;
        Ok(taken)
    }

    async fn callbacks_renew(&self, held: &[CallbackToken], lease_until: Timestamp) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        for token in held {
            session.execute(about(RENEW, *token).bind(lease_until.as_microsecond())).await?;
        }
        Ok(())
    }

    async fn callbacks_end(&self, ends: &[CallbackEnd]) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        for end in ends {
            let query = about(END, end.token).bind(end.to.as_str()).bind(narrow(end.try_number.0));
            let query = query.bind(narrow(end.lost_executions)).bind(rows::micros_opt(end.due_at));
            let query = query.bind(rows::micros_opt(end.ended_at)).bind(rows::text_opt(end.error.as_deref()));
            session.execute(query).await?;
        }
        Ok(())
    }

    async fn callbacks_let_go(&self, now: Timestamp) -> Result<(), StoreError> {
        self.session().await?.execute(sqlx::query(LET_GO).bind(now.as_microsecond())).await?;
        Ok(())
    }

    async fn callback_list(
        &self,
        scope: TenantScope,
        run: RunKey,
        page: PageRequest,
    ) -> Result<Page<CallbackRow>, StoreError> {
        let mut session = self.session().await?;
        let (tenant, run) = (rows::tenant(scope), run.uuid());
        let list = sqlx::query(LIST).bind(tenant).bind(run).bind(i64::from(page.limit)).bind(i64::from(page.offset));
        let found = session.all(list).await?;
        let total = match rows::total_if_last(page, found.len()) {
            Some(total) => total,
            None => session.count(sqlx::query(COUNT).bind(tenant).bind(run)).await?,
        };
        Ok(Page { rows: found.iter().map(of_row).collect::<Result<_, _>>()?, total })
    }

    async fn callback_fetch(
        &self,
        scope: TenantScope,
        run: RunKey,
        number: u32,
    ) -> Result<Option<CallbackRow>, StoreError> {
        let query = sqlx::query(FETCH).bind(rows::tenant(scope)).bind(run.uuid()).bind(narrow(number));
        let found = self.session().await?.optional(query).await?;
        found.as_ref().map(of_row).transpose()
    }

    async fn callbacks_left_out(&self, scope: TenantScope, run: RunKey) -> Result<u64, StoreError> {
        let query = sqlx::query(LEFT_OUT).bind(rows::tenant(scope)).bind(run.uuid());
        let found = self.session().await?.optional(query).await?;
        found.map_or(Ok(0), |row| Cells::of(&row, "callback_left_out").number("count"))
    }
}

fn of_row(row: &PgRow) -> Result<CallbackRow, StoreError> {
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

fn due(row: &PgRow) -> Result<Option<(TenantScope, Timestamp)>, StoreError> {
    let cells = Cells::of(row, "callback");
    let scope = TenantScope::assume(TenantId::from_row(cells.number("tenant_id")?));
    Ok(cells.time_opt("due_at")?.map(|due_at| (scope, due_at)))
}
