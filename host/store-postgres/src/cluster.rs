//! Who is there and who owns what. Leases are judged by the database's clock alone.

use std::time::Duration;

use async_trait::async_trait;
use model::{AttemptToken, ServerId, ShardId, TenantId, TenantScope};
use sqlx::postgres::PgRow;
use sqlx::postgres::types::PgInterval;
use store::{Beat, ClusterStore, NewServer, Ownership, ServerRow, StoreError};

use crate::PostgresStore;
use crate::rows::{self, Cells, narrow};

/// Ends earlier lives of a node, frees their shards, and forgets servers that nothing is left of.
/// Called by `ClusterStore::server_join`. The tables have a row for each process and each shard; `work_held` is probed.
pub(crate) const EVICT_NODE: &str = "
WITH forgotten AS (
    DELETE FROM server AS v
    WHERE is_gone AND lease_until < now() - interval '1 day'
        AND NOT EXISTS (SELECT 1 FROM work AS w WHERE w.holder = v.id)),
evicted AS (UPDATE server SET is_gone = true WHERE node = $1 AND NOT is_gone RETURNING id)
UPDATE shard AS s SET owner = NULL FROM evicted WHERE s.owner = evicted.id";

/// Called by `ClusterStore::server_join`.
pub(crate) const INSERT_SERVER: &str = "
INSERT INTO server (id, node, name, version, is_scheduler, slots, lease_until)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7)";

/// Renews a lease, and evicts those whose leases have ended, unless this one's had too: then everybody was away.
/// Called by `ClusterStore::server_beat`. The tables have a row for each process and each shard.
pub(crate) const BEAT: &str = "
WITH own AS (SELECT lease_until > now() AS was_whole FROM server WHERE id = $1 AND NOT is_gone FOR UPDATE),
renewed AS (UPDATE server SET lease_until = now() + $2 WHERE id = $1 AND EXISTS (SELECT 1 FROM own)),
evicted AS (
    UPDATE server SET is_gone = true
    WHERE id <> $1 AND NOT is_gone AND lease_until < now() AND (SELECT was_whole FROM own)
    RETURNING id),
freed AS (UPDATE shard AS s SET owner = NULL FROM evicted WHERE s.owner = evicted.id)
SELECT count(*) AS found FROM own";

/// Who is there and what is owned.
/// Called by `ClusterStore::server_beat`. The tables have a row for each process and each shard.
pub(crate) const LOOK: &str = "
SELECT (SELECT count(*) FROM server WHERE is_scheduler AND NOT is_gone AND lease_until > now()) AS schedulers,
    (SELECT coalesce(sum(slots), 0)::bigint FROM server WHERE NOT is_gone AND lease_until > now()) AS slots,
    (SELECT coalesce(array_agg(shard ORDER BY shard), '{}') FROM shard WHERE owner = $1) AS owned,
    (SELECT count(*) FROM shard WHERE owner IS NULL) AS unowned";

/// Called by `ClusterStore::server_leave`.
pub(crate) const LEAVE: &str = "
WITH left_now AS (UPDATE server SET is_gone = true, lease_until = now() WHERE id = $1 AND NOT is_gone RETURNING id)
UPDATE shard AS s SET owner = NULL FROM left_now WHERE s.owner = left_now.id";

/// Called by `ClusterStore::server_list` and by whoever looks at the database.
pub(crate) const LIST: &str = "
SELECT v.id, v.node, v.name, v.version, v.is_scheduler, v.slots,
    CASE WHEN v.is_gone THEN 0 ELSE greatest(0, ceil(extract(epoch FROM v.lease_until - now()) * 1000))::bigint END AS lease_ms,
    (SELECT coalesce(array_agg(s.shard ORDER BY s.shard), '{}') FROM shard AS s WHERE s.owner = v.id) AS shards
FROM server AS v
WHERE v.lease_until > now() - interval '1 day'
ORDER BY v.name, v.id";

/// Shards that nobody owns, for a server with a lease.
/// Called by `ClusterStore::shard_take`. Locks them.
pub(crate) const FREE: &str = "
SELECT shard FROM shard
WHERE owner IS NULL AND EXISTS (SELECT 1 FROM server WHERE id = $1 AND NOT is_gone AND lease_until > now())
ORDER BY shard
LIMIT $2
FOR UPDATE SKIP LOCKED";

/// Called by `ClusterStore::shard_take`.
pub(crate) const ADVANCE_EPOCH: &str = "UPDATE cluster SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch";

/// Called by `ClusterStore::shard_take`. Finds rows by the key of `shard`.
pub(crate) const TAKE: &str = "UPDATE shard SET owner = $1, epoch = $2 WHERE shard = ANY($3)";

/// Called by `ClusterStore::shard_keep`. Waits for the owner's commits that are under way, for they lock the rows of their shards; the
/// table has a row for each shard.
pub(crate) const KEEP: &str = "UPDATE shard SET epoch = $2 WHERE owner = $1";

/// Executions that this server's own worker runs, from now on held like offers.
/// Called by `ClusterStore::shard_release`. Finds rows by the key of `task_instance`; adds to the indexes of `work`.
pub(crate) const HAND_OVER: &str = "
INSERT INTO work (tenant_id, run_key, node, map_index, try_number, fence, shard, suspect, holder)
SELECT t.tenant_id, t.run_key, t.node, t.map_index, t.try_number, t.fence, e.shard, t.suspect, $1
FROM unnest($2::bigint[], $3::uuid[], $4::integer[], $5::integer[], $6::bigint[], $7::integer[])
    AS e (tenant_id, run_key, node, map_index, fence, shard)
JOIN task_instance AS t ON t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node
    AND t.map_index = e.map_index AND t.fence = e.fence AND t.state = 'running'
ON CONFLICT DO NOTHING";

/// Called by `ClusterStore::shard_release`. Finds rows by the key of `shard`.
pub(crate) const RELEASE: &str = "UPDATE shard SET owner = NULL WHERE shard = ANY($2) AND owner = $1";

fn interval(duration: Duration) -> PgInterval {
    let microseconds = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds }
}

fn numbers(shards: &[ShardId]) -> Vec<i32> {
    shards.iter().map(|shard| shard.number()).collect()
}

/// The shard that a row names.
pub(crate) fn shard(cells: &Cells<'_>) -> Result<ShardId, StoreError> {
    let number = cells.number("shard")?;
    ShardId::from_number(number).ok_or_else(|| cells.corrupt("shard", format_args!("there is no shard {number}")))
}

fn shards(cells: &Cells<'_>, column: &str) -> Result<Vec<ShardId>, StoreError> {
    let unknown = |number| cells.corrupt(column, format_args!("there is no shard {number}"));
    cells.numbers(column)?.into_iter().map(|it| ShardId::from_number(it).ok_or_else(|| unknown(it))).collect()
}

#[async_trait]
impl ClusterStore for PostgresStore {
    async fn server_join(&self, server: &NewServer, lease: Duration) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        session.begin("BEGIN").await?;
        session.execute(sqlx::query(EVICT_NODE).bind(server.node)).await?;
        let insert = sqlx::query(INSERT_SERVER)
            .bind(server.id.uuid())
            .bind(server.node)
            .bind(&server.name)
            .bind(&server.version)
            .bind(server.is_scheduler)
            .bind(narrow(server.slots))
            .bind(interval(lease));
        session.execute(insert).await?;
        Ok(session.commit().await?)
    }

    async fn server_beat(&self, server: ServerId, lease: Duration) -> Result<Beat, StoreError> {
        let mut session = self.session().await?;
        let found = session.count(sqlx::query(BEAT).bind(server.uuid()).bind(interval(lease))).await?;
        if found == 0 {
            return Err(StoreError::StaleFence);
        }
        let row = session.one(sqlx::query(LOOK).bind(server.uuid())).await?;
        let cells = Cells::of(&row, "server");
        Ok(Beat {
            schedulers: cells.number("schedulers")?,
            slots: cells.number("slots")?,
            owned: shards(&cells, "owned")?,
            unowned: cells.number("unowned")?,
        })
    }

    async fn server_leave(&self, server: ServerId) -> Result<(), StoreError> {
        self.session().await?.execute(sqlx::query(LEAVE).bind(server.uuid())).await?;
        Ok(())
    }

    async fn server_list(&self) -> Result<Vec<ServerRow>, StoreError> {
        self.session().await?.all(sqlx::query(LIST)).await?.iter().map(server).collect()
    }

    async fn shard_take(&self, server: ServerId, most: u32) -> Result<Option<(Ownership, Vec<ShardId>)>, StoreError> {
        let mut session = self.session().await?;
        session.begin("BEGIN").await?;
        let free = session.all(sqlx::query(FREE).bind(server.uuid()).bind(i64::from(most))).await?;
        if free.is_empty() {
            session.rollback().await?;
            return Ok(None);
        }
        let row = session.one(sqlx::query(ADVANCE_EPOCH)).await?;
        let epoch: u32 = Cells::of(&row, "cluster").number("epoch")?;
        let taken = free.iter().map(|row| shard(&Cells::of(row, "shard"))).collect::<Result<Vec<_>, _>>()?;
        session.execute(sqlx::query(TAKE).bind(server.uuid()).bind(i64::from(epoch)).bind(numbers(&taken))).await?;
        session.commit().await?;
        Ok(Some((Ownership { server, epoch }, taken)))
    }

    async fn shard_keep(&self, server: ServerId) -> Result<Ownership, StoreError> {
        let mut session = self.session().await?;
        session.begin("BEGIN").await?;
        let row = session.one(sqlx::query(ADVANCE_EPOCH)).await?;
        let epoch: u32 = Cells::of(&row, "cluster").number("epoch")?;
        session.execute(sqlx::query(KEEP).bind(server.uuid()).bind(i64::from(epoch))).await?;
        session.commit().await?;
        Ok(Ownership { server, epoch })
    }

    async fn shard_release(
        &self,
        server: ServerId,
        shards: &[ShardId],
        held: &[(TenantScope, AttemptToken)],
    ) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        session.begin("BEGIN").await?;
        if !held.is_empty() {
            session.execute(hand_over_query(server, held)).await?;
        }
        session.execute(sqlx::query(RELEASE).bind(server.uuid()).bind(numbers(shards))).await?;
        Ok(session.commit().await?)
    }

    async fn shard_tenants(&self, shards: &[ShardId]) -> Result<Vec<TenantScope>, StoreError> {
        let found = self.session().await?.all(sqlx::query(crate::run_store::TENANTS)).await?;
        // The owner of a shard does the work of its tenants; the rows establish which.
        let scope = |row: &PgRow| -> Result<TenantScope, StoreError> {
            Ok(TenantScope::assume(TenantId::from_row(Cells::of(row, "dag_run").number("tenant_id")?)))
        };
        let all = found.iter().map(scope).collect::<Result<Vec<_>, _>>()?;
        Ok(all.into_iter().filter(|scope| shards.contains(&ShardId::of(scope.tenant()))).collect())
    }
}

fn hand_over_query(server: ServerId, held: &[(TenantScope, AttemptToken)]) -> crate::session::Query<'static> {
    let column = |cell: fn(&(TenantScope, AttemptToken)) -> i32| held.iter().map(cell).collect::<Vec<_>>();
    sqlx::query(HAND_OVER)
        .bind(server.uuid())
        .bind(held.iter().map(|(scope, _)| rows::tenant(*scope)).collect::<Vec<_>>())
        .bind(held.iter().map(|(_, token)| token.instance.run.uuid()).collect::<Vec<_>>())
        .bind(column(|(_, token)| narrow(token.instance.node.0)))
        .bind(column(|(_, token)| token.instance.map_index.number()))
        .bind(held.iter().map(|(_, token)| token.fence.number()).collect::<Vec<_>>())
        .bind(column(|(scope, _)| ShardId::of(scope.tenant()).number()))
}

pub(crate) fn server(row: &PgRow) -> Result<ServerRow, StoreError> {
    let cells = Cells::of(row, "server");
    Ok(ServerRow {
        server: NewServer {
            id: ServerId::from_uuid(cells.uuid("id")?),
            node: cells.uuid("node")?,
            name: cells.text("name")?.to_owned(),
            version: cells.text("version")?.to_owned(),
            is_scheduler: cells.flag("is_scheduler")?,
            slots: cells.number("slots")?,
        },
        lease: Duration::from_millis(cells.number("lease_ms")?),
        shards: shards(&cells, "shards")?,
    })
}
