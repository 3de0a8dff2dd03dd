//! Work that any worker may take.

use std::collections::HashMap;

use async_trait::async_trait;
use model::{AttemptToken, Fence, InstanceKey, RunKey, ServerId, ShardId, TenantId, TenantScope, TryNumber};
use sqlx::postgres::PgRow;
use store::{HeldRow, Report, RunRow, StoreError, WorkRow, WorkStore};

use crate::rows::{self, Cells, narrow};
use crate::session::{Query, Session};
use crate::{PostgresStore, dag_run, event, wakes};

/// Takes offers, of each tenant the oldest first and of all tenants in turn; their instances run from now on.
/// Called by `WorkStore::work_take`. Walks `work_offered`, which holds no more than schedulers offer ahead; locks what it
/// takes and passes over what others take; finds instances by the key of `task_instance`.
pub(crate) const TAKE: &str = "
WITH picked AS MATERIALIZED (
    SELECT w.tenant_id, w.run_key, w.node, w.map_index
    FROM (SELECT tenant_id, run_key, node, map_index,
            row_number() OVER (PARTITION BY tenant_id ORDER BY offered) AS turn, offered
        FROM work
        WHERE holder IS NULL) AS o
    JOIN work AS w ON w.tenant_id = o.tenant_id AND w.run_key = o.run_key AND w.node = o.node
        AND w.map_index = o.map_index
    WHERE w.holder IS NULL
        AND EXISTS (SELECT 1 FROM server WHERE id = $1 AND NOT is_gone AND lease_until > clock_timestamp())
    ORDER BY o.turn, o.offered
    LIMIT $2
    FOR UPDATE OF w SKIP LOCKED),
taken AS (
    UPDATE work AS w SET holder = $1
    FROM picked AS p
    WHERE w.tenant_id = p.tenant_id AND w.run_key = p.run_key AND w.node = p.node AND w.map_index = p.map_index
    RETURNING w.*)
UPDATE task_instance AS t
SET state = 'running', worker = $1, started_at = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
FROM taken AS w
WHERE t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node AND t.map_index = w.map_index
    AND t.state = 'queued' AND t.fence = w.fence
RETURNING t.tenant_id, t.run_key, t.node, t.map_index, t.try_number, t.fence, w.suspect";

/// Whether a server has a lease, and whether it is evicted; both stay so until the transaction ends.
/// Called by `WorkStore::work_report`. Finds the row by the key of `server`; locks it.
pub(crate) const LEASE: &str = "
SELECT lease_until > clock_timestamp() AS has_lease, is_gone FROM server WHERE id = $1 FOR SHARE";

/// Turns executions that a server holds into events.
/// Called by `WorkStore::work_report`. Finds rows by the key of `work`; adds to the indexes of `event`.
pub(crate) const REPORT: &str = "
WITH ended AS (
    DELETE FROM work AS w
    USING (SELECT * FROM unnest($2::bigint[], $3::uuid[], $4::integer[], $5::integer[], $6::bigint[], $7::text[])
        AS u (tenant_id, run_key, node, map_index, fence, report) LIMIT cardinality($2)) AS e
    WHERE w.tenant_id = e.tenant_id AND w.run_key = e.run_key AND w.node = e.node AND w.map_index = e.map_index
        AND w.fence = e.fence AND w.holder = $1
    RETURNING w.shard, w.tenant_id, w.run_key, w.node, w.map_index, w.try_number, w.fence, e.report)
INSERT INTO event (shard, tenant_id, run_key, node, map_index, try_number, fence, report)
SELECT shard, tenant_id, run_key, node, map_index, try_number, fence, report
FROM ended";

/// What a server holds.
/// Called by `WorkStore::work_held`. Walks `work_held`.
pub(crate) const HELD: &str = "
SELECT tenant_id, run_key, node, map_index, try_number, fence FROM work WHERE holder = $1";

/// Executions of a run that are offered, held, or reported by an event that waits.
/// Called by `WorkStore::work_of_run`. Walks the key of `work` and `event_by_run`; probes the key of `server`.
pub(crate) const OF_RUN: &str = "
SELECT w.tenant_id, w.run_key, w.node, w.map_index, w.try_number, w.fence, w.holder, coalesce(v.is_gone, w.holder IS NOT NULL) AS is_lost
FROM work AS w LEFT JOIN server AS v ON v.id = w.holder
WHERE w.tenant_id = $1 AND w.run_key = $2
UNION ALL
SELECT v.tenant_id, v.run_key, v.node, v.map_index, v.try_number, v.fence, NULL, false
FROM event AS v
WHERE v.tenant_id = $1 AND v.run_key = $2 AND v.report IS NOT NULL";

/// Executions whose holders are gone.
/// Called by `WorkStore::work_lost`. Walks `work_held` for each such server.
pub(crate) const LOST: &str = "
SELECT w.tenant_id, w.run_key, w.node, w.map_index, w.try_number, w.fence, w.holder, true AS is_lost
FROM server AS v JOIN work AS w ON w.holder = v.id
WHERE v.is_gone AND w.shard = ANY($1)
LIMIT $2";

fn token(cells: &Cells<'_>) -> Result<AttemptToken, StoreError> {
    let run = RunKey::from_uuid(cells.uuid("run_key")?);
    Ok(AttemptToken {
        instance: InstanceKey { run, node: cells.node()?, map_index: cells.map_index()? },
        try_number: TryNumber(cells.number("try_number")?),
        fence: Fence::from_row(cells.number("fence")?),
    })
}

/// Owners and workers do the work of tenants; the rows establish which.
fn scope(cells: &Cells<'_>) -> Result<TenantScope, StoreError> {
    Ok(TenantScope::assume(TenantId::from_row(cells.number("tenant_id")?)))
}

fn held(row: &PgRow) -> Result<HeldRow, StoreError> {
    let cells = Cells::of(row, "work");
    Ok(HeldRow {
        scope: scope(&cells)?,
        token: token(&cells)?,
        holder: cells.uuid_opt("holder")?.map(ServerId::from_uuid),
        is_lost: cells.flag("is_lost")?,
    })
}

async fn run(session: &mut Session, scope: TenantScope, run: RunKey) -> Result<RunRow, StoreError> {
    let row = session.one(dag_run::fetch_by_key_query(scope, run).build()).await?;
    dag_run::of_row(&row, scope)
}

#[async_trait]
impl WorkStore for PostgresStore {
    async fn work_take(&self, server: ServerId, limit: u32) -> Result<Vec<WorkRow>, StoreError> {
        let mut session = self.session().await?;
        // One transaction, so that nothing is taken that cannot be handed out.
        session.begin("BEGIN").await?;
        let taken = session.all(sqlx::query(TAKE).bind(server.uuid()).bind(i64::from(limit))).await?;
        let mut runs: HashMap<RunKey, RunRow> = HashMap::new();
        let mut work = Vec::with_capacity(taken.len());
        for row in &taken {
            let cells = Cells::of(row, "work");
            let (scope, token) = (scope(&cells)?, token(&cells)?);
            let key = token.instance.run;
            let run = match runs.get(&key) {
                Some(run) => run.clone(),
                None => runs.entry(key).or_insert(run(&mut session, scope, key).await?).clone(),
            };
            work.push(WorkRow { scope, token, suspect: cells.flag("suspect")?, run });
        }
        session.commit().await?;
        Ok(work)
    }

    async fn work_report(&self, server: ServerId, reports: &[Report]) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        session.begin("BEGIN").await?;
        let row = session.optional(sqlx::query(LEASE).bind(server.uuid())).await?;
        let cells = row.as_ref().map(|row| Cells::of(row, "server"));
        let is_evicted = cells.as_ref().is_none_or(|cells| cells.flag("is_gone").unwrap_or(true));
        let has_lease = cells.as_ref().is_some_and(|cells| cells.flag("has_lease").unwrap_or(false));
        if is_evicted || !has_lease {
            session.rollback().await?;
            let over = StoreError::NotWritable { detail: "the lease of this server is over".to_owned() };
            return if is_evicted { Ok(()) } else { Err(over) };
        }
        session.execute(report_query(server, reports)?).await?;
        let shards = reports.iter().map(|report| ShardId::of(report.scope.tenant()));
        let mut shards: Vec<_> = shards.collect();
        shards.sort_unstable();
        shards.dedup();
        session.one(sqlx::query(wakes::NOTIFY).bind(wakes::event(shards.into_iter()))).await?;
        Ok(session.commit().await?)
    }

    async fn work_held(&self, server: ServerId) -> Result<Vec<(TenantScope, AttemptToken)>, StoreError> {
        let rows = self.session().await?.all(sqlx::query(HELD).bind(server.uuid())).await?;
        let held = |row: &PgRow| {
            let cells = Cells::of(row, "work");
            Ok((scope(&cells)?, token(&cells)?))
        };
        rows.iter().map(held).collect()
    }

    async fn work_of_run(&self, scope: TenantScope, run: RunKey) -> Result<Vec<HeldRow>, StoreError> {
        let query = sqlx::query(OF_RUN).bind(rows::tenant(scope)).bind(run.uuid());
        self.session().await?.all(query).await?.iter().map(held).collect()
    }

    async fn work_lost(&self, shards: &[ShardId], limit: u32) -> Result<Vec<HeldRow>, StoreError> {
        let shards: Vec<_> = shards.iter().map(|shard| shard.number()).collect();
        let query = sqlx::query(LOST).bind(shards).bind(i64::from(limit));
        self.session().await?.all(query).await?.iter().map(held).collect()
    }
}

fn report_query(server: ServerId, reports: &[Report]) -> Result<Query<'static>, StoreError> {
    let texts = reports.iter().map(event::text_of).collect::<Result<Vec<_>, _>>()?;
    Ok(sqlx::query(REPORT)
        .bind(server.uuid())
        .bind(reports.iter().map(|it| rows::tenant(it.scope)).collect::<Vec<_>>())
        .bind(reports.iter().map(|it| it.token.instance.run.uuid()).collect::<Vec<_>>())
        .bind(reports.iter().map(|it| narrow(it.token.instance.node.0)).collect::<Vec<_>>())
        .bind(reports.iter().map(|it| it.token.instance.map_index.number()).collect::<Vec<_>>())
        .bind(reports.iter().map(|it| it.token.fence.number()).collect::<Vec<_>>())
        .bind(texts))
}
