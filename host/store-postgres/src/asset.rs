//! Assets, and what DAGs have to do with them.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use model::{AssetEventId, AssetId, AssetName, DagId, RunKey, ShardId, TenantScope};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};
use store::{
    AssetDeclaration, AssetEventFilter, AssetEventRow, AssetRow, AssetSource, AssetStart, AssetStore, AssetUse,
    AssetUser, NewAssetEvent, Page, PageRequest, StoreError, WaitingEvent, storable,
};
use uuid::Uuid;

use crate::rows::{self, Cells};
use crate::session::Session;
use crate::{PostgresStore, asset_event as event, wakes};

/// Assets as a DAG describes them.
/// Called by `AssetStore::asset_declare`. Finds rows by the unique name.
pub(crate) const UPSERT: &str = "
INSERT INTO asset (tenant_id, name, uri, in_group, extra, created_at, updated_at)
SELECT $1, e.name, e.uri, e.in_group, e.extra, $2, $2
FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) AS e (name, uri, in_group, extra)
ON CONFLICT (tenant_id, name) DO UPDATE SET uri = excluded.uri, in_group = excluded.in_group, extra = excluded.extra,
    updated_at = excluded.updated_at
WHERE (asset.uri, asset.in_group, asset.extra) IS DISTINCT FROM (excluded.uri, excluded.in_group, excluded.extra)";

/// Assets that are only named.
/// Called by `AssetStore::asset_declare` and `AssetStore::asset_event_insert`. Finds rows by the unique name.
pub(crate) const INSERT_NAMED: &str = "
INSERT INTO asset (tenant_id, name, extra, created_at, updated_at)
SELECT $1, e.name, '{}', $2, $2
FROM unnest($3::text[]) AS e (name)
ON CONFLICT DO NOTHING";

/// Called by `AssetStore::asset_declare`. Walks `asset_user_by_dag` over the DAG.
pub(crate) const DELETE_USERS: &str = "DELETE FROM asset_user WHERE tenant_id = $1 AND dag_id = $2";

/// What a DAG has to do with assets.
/// Called by `AssetStore::asset_declare`. Finds assets by the unique name; adds to the table's key and its index.
pub(crate) const INSERT_USERS: &str = "
INSERT INTO asset_user (tenant_id, asset_id, kind, dag_id, task_id)
SELECT $1, a.id, e.kind, $2, e.task_id
FROM unnest($3::text[], $4::text[], $5::text[]) AS e (name, kind, task_id)
CROSS JOIN LATERAL (SELECT id FROM asset WHERE tenant_id = $1 AND name = e.name OFFSET 0) AS a
ON CONFLICT DO NOTHING";

/// An event, told through the API.
/// Called by `AssetStore::asset_event_insert`. Finds the asset by the unique name, and who waits by the key of `asset_user`; adds
/// to the table's indexes and to the key of `asset_waiting`.
pub(crate) const INSERT_EVENT: &str = "
INSERT INTO asset_event (tenant_id, asset_id, extra, at, told_by, dag_id, run_key, run_id, task_id, map_index)
SELECT $1, a.id, $3, $4, $5, $6, $7, $8, $9, $10
FROM asset AS a
WHERE a.tenant_id = $1 AND a.name = $2
RETURNING id";

/// Owners of runs that wait for an asset are told, and woken.
/// Called by `AssetStore::asset_event_insert`. Walks `wait_by_key` over the asset; adds to the indexes of `event`.
pub(crate) const INSERT_MET: &str = "
WITH met AS (
    INSERT INTO event (shard, tenant_id, run_key, kind)
    SELECT DISTINCT $1::integer, w.tenant_id, w.run_key, 'met'
    FROM wait AS w
    WHERE w.tenant_id = $2 AND w.kind = 'asset' AND w.key = $3
    RETURNING id)
SELECT pg_notify('waft', $4) FROM met LIMIT 1";

/// Events that wait for a DAG which does not wait for their assets any more.
/// Called by `AssetStore::asset_declare`. Walks the key of `asset_waiting` over the DAG; finds the rest by number and key.
pub(crate) const FORGET_WAITING: &str = "
DELETE FROM asset_waiting
WHERE tenant_id = $1 AND dag_id = $2 AND NOT EXISTS (
    SELECT 1
    FROM asset_event AS v
    JOIN asset_user AS u ON u.tenant_id = $1 AND u.asset_id = v.asset_id AND u.kind = 'awaited' AND u.dag_id = $2
    WHERE v.id = asset_waiting.event_id)";

/// One asset.
/// Called by `AssetStore::asset_fetch`. Finds it by its number.
pub(crate) const FETCH: &str = "SELECT * FROM asset WHERE id = $2 AND tenant_id = $1";

/// The asset of a name.
/// Called by `AssetStore::asset_find`. Finds it by the unique name.
pub(crate) const FIND: &str = "SELECT * FROM asset WHERE tenant_id = $1 AND name = $2";

/// DAGs that have to do with an asset.
/// Called by `AssetStore::asset_users`. Walks the table's key over the asset.
pub(crate) const USERS: &str = "
SELECT asset_id, kind, dag_id, task_id FROM asset_user
WHERE tenant_id = $1 AND asset_id = $2
ORDER BY kind, dag_id, task_id";

fn push_filter(query: &mut QueryBuilder<Postgres>, scope: TenantScope, pattern: Option<&str>) {
    query.push(" FROM asset WHERE tenant_id = ").push_bind(rows::tenant(scope));
    if let Some(pattern) = pattern {
        rows::push_pattern(query, "name", pattern);
    }
}

/// Assets by name.
/// Called by `AssetStore::asset_list`. Walks the index of the unique name over the tenant, and stops at the page's end.
pub(crate) fn list_query(scope: TenantScope, pattern: Option<&str>, page: PageRequest) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("SELECT *");
    push_filter(&mut query, scope, pattern);
    query
        .push(" ORDER BY name LIMIT ")
        .push_bind(i64::from(page.limit))
        .push(" OFFSET ")
        .push_bind(i64::from(page.offset));
    query
}

/// How many there are.
pub(crate) fn count_query(scope: TenantScope, pattern: Option<&str>) -> QueryBuilder<Postgres> {
    rows::count_query(|query| push_filter(query, scope, pattern))
}

fn row(row: &PgRow) -> Result<AssetRow, StoreError> {
    let cells = Cells::of(row, "asset");
    Ok(AssetRow {
        id: AssetId::from_number(cells.number("id")?),
        name: name(&cells)?,
        uri: cells.text_opt("uri")?,
        group: cells.text_opt("in_group")?,
        extra: cells.shared("extra")?,
        created_at: cells.time("created_at")?,
        updated_at: cells.time("updated_at")?,
    })
}

pub(crate) fn name(cells: &Cells<'_>) -> Result<AssetName, StoreError> {
    AssetName::new(cells.text("name")?).map_err(|error| cells.corrupt("name", error))
}

fn user(row: &PgRow) -> Result<AssetUser, StoreError> {
    let cells = Cells::of(row, "asset_user");
    let kind = match cells.text("kind")? {
        "produced" => AssetUse::Produced,
        "read" => AssetUse::Read,
        "awaited" => AssetUse::Awaited,
        other => return Err(cells.corrupt("kind", other)),
    };
    let task_id = if kind == AssetUse::Awaited { None } else { Some(cells.parsed("task_id")?) };
    Ok(AssetUser {
        asset: AssetId::from_number(cells.number("asset_id")?),
        kind,
        dag_id: cells.parsed("dag_id")?,
        task_id,
    })
}

/// Replaces what is known of a DAG, within a transaction.
async fn declare(
    session: &mut Session,
    scope: TenantScope,
    declaration: &AssetDeclaration,
    now: Timestamp,
) -> Result<(), StoreError> {
    let AssetDeclaration { dag_id, produced, read, awaited } = declaration;
    let (tenant, dag, at) = (rows::tenant(scope), dag_id.as_str(), now.as_microsecond());
    // A statement takes a row once, and rows are locked in one order.
    let described: BTreeMap<_, _> = produced.iter().map(|(_, asset)| (asset.name.as_str(), asset)).collect();
    let upsert = sqlx::query(UPSERT)
        .bind(tenant)
        .bind(at)
        .bind(described.keys().copied().collect::<Vec<_>>())
        .bind(described.values().map(|asset| rows::text_opt(asset.uri.as_deref())).collect::<Vec<_>>())
        .bind(described.values().map(|asset| rows::text_opt(asset.group.as_deref())).collect::<Vec<_>>())
        .bind(described.values().map(|asset| event::extra(&asset.extra)).collect::<Vec<_>>());
    session.execute(upsert).await?;
    let named: BTreeSet<_> = read.iter().map(|(_, name)| name).chain(awaited).map(AssetName::as_str).collect();
    let named: Vec<_> = named.into_iter().collect();
    session.execute(sqlx::query(INSERT_NAMED).bind(tenant).bind(at).bind(named)).await?;
    session.execute(sqlx::query(DELETE_USERS).bind(tenant).bind(dag)).await?;
    let produced = produced.iter().map(|(task, asset)| (asset.name.as_str(), "produced", task.as_str()));
    let read = read.iter().map(|(task, name)| (name.as_str(), "read", task.as_str()));
    let awaited = awaited.iter().map(|name| (name.as_str(), "awaited", ""));
    let (names, uses): (Vec<_>, Vec<_>) =
        produced.chain(read).chain(awaited).map(|(name, kind, task)| (name, (kind, task))).unzip();
    let (kinds, tasks): (Vec<_>, Vec<_>) = uses.into_iter().unzip();
    let insert = sqlx::query(INSERT_USERS).bind(tenant).bind(dag).bind(names).bind(kinds).bind(tasks);
    session.execute(insert).await?;
    session.execute(sqlx::query(FORGET_WAITING).bind(tenant).bind(dag)).await?;
    Ok(())
}

/// Consumes events, within a transaction. False where it is to be undone.
async fn consume(
    session: &mut Session,
    scope: TenantScope,
    start: &AssetStart,
    events: &[AssetEventId],
) -> Result<bool, StoreError> {
    let (tenant, run) = (rows::tenant(scope), start.run.uuid());
    let ids: Vec<_> = events.iter().map(|id| id.number()).collect();
    let take = sqlx::query(event::TAKE).bind(tenant).bind(start.dag_id.as_str()).bind(&ids);
    if session.execute(take).await? != events.len() as u64 {
        return Ok(false);
    }
    session.execute(sqlx::query(event::CONSUME).bind(tenant).bind(run).bind(&ids)).await?;
    let insert = sqlx::query(event::INSERT_START)
        .bind(tenant)
        .bind(run)
        .bind(start.dag_id.as_str())
        .bind(start.data_interval.0.as_microsecond())
        .bind(start.data_interval.1.as_microsecond())
        .bind(start.at.as_microsecond());
    session.execute(insert).await?;
    Ok(true)
}

/// Ends a transaction: what is worth keeping is kept.
async fn end<T>(
    mut session: Session,
    done: Result<T, StoreError>,
    is_kept: impl Fn(&T) -> bool,
) -> Result<T, StoreError> {
    match &done {
        Ok(answer) if is_kept(answer) => session.commit().await?,
        // Where this fails too the session is closed, which undoes as much.
        _ => drop(session.rollback().await),
    }
    done
}

#[async_trait]
impl AssetStore for PostgresStore {
    async fn asset_declare(
        &self,
        scope: TenantScope,
        declaration: &AssetDeclaration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        session.begin("BEGIN").await?;
        let done = declare(&mut session, scope, declaration, now).await;
        end(session, done, |()| true).await
    }

    async fn asset_fetch(&self, scope: TenantScope, id: AssetId) -> Result<Option<AssetRow>, StoreError> {
        let query = sqlx::query(FETCH).bind(rows::tenant(scope)).bind(id.number());
        let found = self.session().await?.optional(query).await?;
        found.as_ref().map(row).transpose()
    }

    async fn asset_find(&self, scope: TenantScope, name: &AssetName) -> Result<Option<AssetRow>, StoreError> {
        let query = sqlx::query(FIND).bind(rows::tenant(scope)).bind(name.as_str());
        let found = self.session().await?.optional(query).await?;
        found.as_ref().map(row).transpose()
    }

    async fn asset_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<AssetRow>, StoreError> {
        let mut session = self.session().await?;
        rows::paged(&mut session, page, list_query(scope, pattern, page), count_query(scope, pattern), row).await
    }

    async fn asset_users(&self, scope: TenantScope, id: AssetId) -> Result<Vec<AssetUser>, StoreError> {
        let query = sqlx::query(USERS).bind(rows::tenant(scope)).bind(id.number());
        let found = self.session().await?.all(query).await?;
        let mut users = found.iter().map(user).collect::<Result<Vec<_>, _>>()?;
        users.sort();
        Ok(users)
    }

    async fn asset_event_insert(&self, event: &NewAssetEvent) -> Result<AssetEventId, StoreError> {
        let tenant = rows::tenant(event.scope);
        let mut session = self.session().await?;
        session.begin("BEGIN").await?;
        let named = sqlx::query(INSERT_NAMED).bind(tenant).bind(event.at.as_microsecond());
        session.execute(named.bind(vec![event.asset.as_str()])).await?;
        let query = sqlx::query(INSERT_EVENT)
            .bind(tenant)
            .bind(event.asset.as_str())
            .bind(storable(&event.extra))
            .bind(event.at.as_microsecond());
        let query = match &event.source {
            AssetSource::Api { by } => query
                .bind(storable(by))
                .bind(None::<&str>)
                .bind(None::<Uuid>)
                .bind(None::<&str>)
                .bind(None::<&str>)
                .bind(None::<i32>),
            AssetSource::Task { dag_id, run, run_id, task_id, map_index } => query
                .bind(None::<&str>)
                .bind(dag_id.as_str())
                .bind(run.uuid())
                .bind(run_id.as_str())
                .bind(task_id.as_str())
                .bind(map_index.number()),
        };
        let row = session.one(query).await?;
        let shard = ShardId::of(event.scope.tenant());
        let met = || {
            let wake = wakes::event(std::iter::once(shard));
            sqlx::query(INSERT_MET).bind(shard.number()).bind(tenant).bind(event.asset.as_str()).bind(wake)
        };
        session.execute(met()).await?;
        session.commit().await?;
        // Once more for who began to wait meanwhile.
        session.execute(met()).await?;
        Cells::of(&row, "asset_event").number("id").map(AssetEventId::from_number)
    }

    async fn asset_event_list(
        &self,
        scope: TenantScope,
        filter: &AssetEventFilter,
        page: PageRequest,
    ) -> Result<Page<AssetEventRow>, StoreError> {
        let mut session = self.session().await?;
        let (list, count) = (event::list_query(scope, filter, page), event::count_query(scope, filter));
        rows::paged(&mut session, page, list, count, event::row).await
    }

    async fn asset_events_of_run(&self, scope: TenantScope, run: RunKey) -> Result<Vec<AssetEventRow>, StoreError> {
        let query = sqlx::query(event::OF_RUN).bind(rows::tenant(scope)).bind(run.uuid());
        let found = self.session().await?.all(query).await?;
        found.iter().map(event::row).collect()
    }

    async fn asset_event_runs(&self, scope: TenantScope, id: AssetEventId) -> Result<Vec<RunKey>, StoreError> {
        let query = sqlx::query(event::RUNS).bind(rows::tenant(scope)).bind(id.number());
        let found = self.session().await?.all(query).await?;
        found.iter().map(|row| Cells::of(row, "asset_consumed").uuid("run_key").map(RunKey::from_uuid)).collect()
    }

    async fn dags_with_waiting_events(&self, scope: TenantScope) -> Result<Vec<DagId>, StoreError> {
        let query = sqlx::query(event::DAGS).bind(rows::tenant(scope));
        let found = self.session().await?.all(query).await?;
        found.iter().map(|row| Cells::of(row, "dag").parsed("dag_id")).collect()
    }

    async fn asset_events_waiting(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        limit: u32,
    ) -> Result<Vec<WaitingEvent>, StoreError> {
        let query = sqlx::query(event::WAITING).bind(rows::tenant(scope)).bind(dag_id.as_str()).bind(i64::from(limit));
        let found = self.session().await?.all(query).await?;
        found.iter().map(event::waiting).collect()
    }

    async fn asset_events_drop(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        asset: Option<AssetId>,
    ) -> Result<u64, StoreError> {
        let query = sqlx::query(event::DROP).bind(rows::tenant(scope)).bind(dag_id.as_str());
        Ok(self.session().await?.execute(query.bind(asset.map(AssetId::number))).await?)
    }

    async fn asset_consume(
        &self,
        scope: TenantScope,
        start: &AssetStart,
        events: &[AssetEventId],
    ) -> Result<bool, StoreError> {
        let mut session = self.session().await?;
        session.begin("BEGIN").await?;
        let done = consume(&mut session, scope, start, events).await;
        end(session, done, |is_done| *is_done).await
    }

    async fn asset_starts(&self, scope: TenantScope, limit: u32) -> Result<Vec<AssetStart>, StoreError> {
        let query = sqlx::query(event::STARTS).bind(rows::tenant(scope)).bind(i64::from(limit));
        let found = self.session().await?.all(query).await?;
        found.iter().map(event::start).collect()
    }

    async fn asset_start_done(&self, scope: TenantScope, run: RunKey) -> Result<(), StoreError> {
        let query = sqlx::query(event::DELETE_START).bind(rows::tenant(scope)).bind(run.uuid());
        self.session().await?.execute(query).await?;
        Ok(())
    }
}
