//! Assets, and what DAGs have to do with them.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{AssetEventId, AssetId, AssetName, DagId, RunKey, TenantScope};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use store::{
    AssetDeclaration, AssetEventFilter, AssetEventRow, AssetRow, AssetStart, AssetStore, AssetUse, AssetUser,
    NewAssetEvent, Page, PageRequest, StoreError, WaitingEvent,
};

use crate::change::{Change, bound};
use crate::commit::{asset_event as written, json};
use crate::error::failed;
use crate::rows::{self, Cells};
use crate::{SqliteStore, asset_event as event};

/// Assets as a DAG describes them.
/// Called by `AssetStore::asset_declare`. Finds rows by the unique name.
pub(crate) const UPSERT: &str = "
INSERT INTO asset (tenant_id, name, uri, in_group, extra, created_at, updated_at)
SELECT ?1, e.value ->> 0, e.value ->> 1, e.value ->> 2, e.value ->> 3, ?2, ?2
FROM json_each(?3) AS e
WHERE true
ON CONFLICT DO UPDATE SET uri = excluded.uri, in_group = excluded.in_group, extra = excluded.extra,
    updated_at = excluded.updated_at
WHERE (uri, in_group, extra) IS NOT (excluded.uri, excluded.in_group, excluded.extra)";

/// Assets that are only named.
/// Called by `AssetStore::asset_declare`. Finds rows by the unique name.
pub(crate) const INSERT_NAMED: &str = "
INSERT INTO asset (tenant_id, name, extra, created_at, updated_at)
SELECT ?1, e.value, '{}', ?2, ?2
FROM json_each(?3) AS e
WHERE true
ON CONFLICT DO NOTHING";

/// Called by `AssetStore::asset_declare`. Walks `asset_user_by_dag` over the DAG.
pub(crate) const DELETE_USERS: &str = "DELETE FROM asset_user WHERE tenant_id = ?1 AND dag_id = ?2";

/// What a DAG has to do with assets.
/// Called by `AssetStore::asset_declare`. Finds assets by the unique name; adds to the table's key and its index.
pub(crate) const INSERT_USERS: &str = "
INSERT INTO asset_user (tenant_id, asset_id, kind, dag_id, task_id)
SELECT ?1, a.id, e.value ->> 1, ?2, e.value ->> 2
FROM json_each(?3) AS e
CROSS JOIN asset AS a ON a.tenant_id = ?1 AND a.name = e.value ->> 0
WHERE true
ON CONFLICT DO NOTHING";

/// Events that wait for a DAG which does not wait for their assets any more.
/// Called by `AssetStore::asset_declare`. Walks the key of `asset_waiting` over the DAG; finds the rest by number and key.
pub(crate) const FORGET_WAITING: &str = "
DELETE FROM asset_waiting
WHERE tenant_id = ?1 AND dag_id = ?2 AND NOT EXISTS (
    SELECT 1
    FROM asset_event AS v
    CROSS JOIN asset_user AS u ON u.tenant_id = ?1 AND u.asset_id = v.asset_id AND u.kind = 'awaited' AND u.dag_id = ?2
    WHERE v.id = asset_waiting.event_id)";

/// One asset.
/// Called by `AssetStore::asset_fetch`. Finds it by its number.
pub(crate) const FETCH: &str = "SELECT * FROM asset WHERE id = ?2 AND tenant_id = ?1";

/// The asset of a name.
/// Called by `AssetStore::asset_find`. Finds it by the unique name.
pub(crate) const FIND: &str = "SELECT * FROM asset WHERE tenant_id = ?1 AND name = ?2";

/// DAGs that have to do with an asset.
/// Called by `AssetStore::asset_users`. Walks the table's key over the asset.
pub(crate) const USERS: &str = "
SELECT asset_id, kind, dag_id, task_id FROM asset_user
WHERE tenant_id = ?1 AND asset_id = ?2
ORDER BY kind, dag_id, task_id";

fn push_filter(query: &mut QueryBuilder<Sqlite>, scope: TenantScope, pattern: Option<&str>) {
    query.push(" FROM asset WHERE tenant_id = ").push_bind(rows::tenant(scope));
    if let Some(pattern) = pattern {
        rows::push_pattern(query, "name", pattern);
    }
}

/// Assets by name.
/// Called by `AssetStore::asset_list`. Walks the index of the unique name over the tenant, and stops at the page's end.
pub(crate) fn list_query(scope: TenantScope, pattern: Option<&str>, page: PageRequest) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT *");
    push_filter(&mut query, scope, pattern);
    query.push(" ORDER BY name LIMIT ").push_bind(page.limit).push(" OFFSET ").push_bind(page.offset);
    query
}

/// How many there are.
pub(crate) fn count_query(scope: TenantScope, pattern: Option<&str>) -> QueryBuilder<Sqlite> {
    rows::count_query(|query| push_filter(query, scope, pattern))
}

fn row(row: &SqliteRow) -> Result<AssetRow, StoreError> {
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

fn user(row: &SqliteRow) -> Result<AssetUser, StoreError> {
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

fn declare(scope: TenantScope, declaration: &AssetDeclaration, now: Timestamp) -> Result<Change, StoreError> {
    let AssetDeclaration { dag_id, produced, read, awaited } = declaration;
    let tenant = || bound().and(rows::tenant(scope));
    let of_dag = || tenant().and(dag_id.as_str().to_owned());
    let described = json(produced.iter().map(|(_, asset)| {
        let group = rows::text_opt(asset.group.as_deref());
        (asset.name.as_str(), rows::text_opt(asset.uri.as_deref()), group, event::extra(&asset.extra))
    }))?;
    let named = json(read.iter().map(|(_, name)| name).chain(awaited).map(AssetName::as_str))?;
    let produced = produced.iter().map(|(task, asset)| (asset.name.as_str(), "produced", task.as_str()));
    let read = read.iter().map(|(task, name)| (name.as_str(), "read", task.as_str()));
    let awaited = awaited.iter().map(|name| (name.as_str(), "awaited", ""));
    let users = json(produced.chain(read).chain(awaited))?;
    let at = now.as_microsecond();
    Ok(Change::of(UPSERT, tenant().and(at).and(described), None)
        .then(INSERT_NAMED, tenant().and(at).and(named))
        .then(DELETE_USERS, of_dag())
        .then(INSERT_USERS, of_dag().and(users))
        .then(FORGET_WAITING, of_dag()))
}

#[async_trait]
impl AssetStore for SqliteStore {
    async fn asset_declare(
        &self,
        scope: TenantScope,
        declaration: &AssetDeclaration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer.apply(declare(scope, declaration, now)?).await.map(drop)
    }

    async fn asset_fetch(&self, scope: TenantScope, id: AssetId) -> Result<Option<AssetRow>, StoreError> {
        let query = sqlx::query(FETCH).bind(rows::tenant(scope)).bind(id.number());
        let found = query.fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
        found.as_ref().map(row).transpose()
    }

    async fn asset_find(&self, scope: TenantScope, name: &AssetName) -> Result<Option<AssetRow>, StoreError> {
        let query = sqlx::query(FIND).bind(rows::tenant(scope)).bind(name.as_str());
        let found = query.fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
        found.as_ref().map(row).transpose()
    }

    async fn asset_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<AssetRow>, StoreError> {
        let mut conn = self.reader().await?;
        rows::paged(&mut conn, page, list_query(scope, pattern, page), count_query(scope, pattern), row).await
    }

    async fn asset_users(&self, scope: TenantScope, id: AssetId) -> Result<Vec<AssetUser>, StoreError> {
        let query = sqlx::query(USERS).bind(rows::tenant(scope)).bind(id.number());
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        let mut users = found.iter().map(user).collect::<Result<Vec<_>, _>>()?;
        users.sort();
        Ok(users)
    }

    async fn asset_event_insert(&self, event: &NewAssetEvent) -> Result<AssetEventId, StoreError> {
        let rows = || json([written::row(event)]).map(|rows| bound().and(rows));
        let change = Change::of(written::INSERT_ASSETS, rows()?, None).then(written::INSERT_EVENTS, rows()?);
        Ok(AssetEventId::from_number(self.writer.apply(change).await?.id))
    }

    async fn asset_event_list(
        &self,
        scope: TenantScope,
        filter: &AssetEventFilter,
        page: PageRequest,
    ) -> Result<Page<AssetEventRow>, StoreError> {
        let mut conn = self.reader().await?;
        let (list, count) = (event::list_query(scope, filter, page), event::count_query(scope, filter));
        rows::paged(&mut conn, page, list, count, event::row).await
    }

    async fn asset_events_of_run(&self, scope: TenantScope, run: RunKey) -> Result<Vec<AssetEventRow>, StoreError> {
        let query = sqlx::query(event::OF_RUN).bind(rows::tenant(scope)).bind(rows::bytes(run.uuid()));
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(event::row).collect()
    }

    async fn asset_event_runs(&self, scope: TenantScope, id: AssetEventId) -> Result<Vec<RunKey>, StoreError> {
        let query = sqlx::query(event::RUNS).bind(rows::tenant(scope)).bind(id.number());
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(|row| Cells::of(row, "asset_consumed").uuid("run_key").map(RunKey::from_uuid)).collect()
    }

    async fn dags_with_waiting_events(&self, scope: TenantScope) -> Result<Vec<DagId>, StoreError> {
        let query = sqlx::query(event::DAGS).bind(rows::tenant(scope));
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(|row| Cells::of(row, "dag").parsed("dag_id")).collect()
    }

    async fn asset_events_waiting(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        limit: u32,
    ) -> Result<Vec<WaitingEvent>, StoreError> {
        let query = sqlx::query(event::WAITING).bind(rows::tenant(scope)).bind(dag_id.as_str()).bind(limit);
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(event::waiting).collect()
    }

    async fn asset_events_drop(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        asset: Option<AssetId>,
    ) -> Result<u64, StoreError> {
        let of_dag = bound().and(rows::tenant(scope)).and(dag_id.as_str().to_owned());
        let change = Change::of(event::DROP, of_dag.and(asset.map(AssetId::number)), None);
        Ok(self.writer.apply(change).await?.rows)
    }

    async fn asset_consume(
        &self,
        scope: TenantScope,
        start: &AssetStart,
        events: &[AssetEventId],
    ) -> Result<bool, StoreError> {
        let ids = json(events.iter().map(|id| id.number()))?;
        let (tenant, run) = (|| bound().and(rows::tenant(scope)), rows::bytes(start.run.uuid()));
        let (from, to) = start.data_interval;
        let values = tenant().and(run.clone()).and(start.dag_id.as_str().to_owned());
        let values = values.and(from.as_microsecond()).and(to.as_microsecond()).and(start.at.as_microsecond());
        let count = events.len() as u64;
        let taken = tenant().and(start.dag_id.as_str().to_owned()).and(ids.clone());
        let change = Change::of(event::TAKE, taken, Some(count))
            .then(event::CONSUME, tenant().and(run).and(ids))
            .then(event::INSERT_START, values);
        Ok(self.writer.apply(change).await?.rows == count)
    }

    async fn asset_starts(&self, scope: TenantScope, limit: u32) -> Result<Vec<AssetStart>, StoreError> {
        let query = sqlx::query(event::STARTS).bind(rows::tenant(scope)).bind(limit);
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(event::start).collect()
    }

    async fn asset_start_done(&self, scope: TenantScope, run: RunKey) -> Result<(), StoreError> {
        let values = bound().and(rows::tenant(scope)).and(rows::bytes(run.uuid()));
        self.writer.apply(Change::of(event::DELETE_START, values, None)).await.map(drop)
    }
}
