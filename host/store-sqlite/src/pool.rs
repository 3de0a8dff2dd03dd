//! Pools.

use async_trait::async_trait;
use model::{PoolName, TenantScope};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use store::{Page, PageRequest, PoolRow, PoolStore, StoreError};

use crate::SqliteStore;
use crate::change::{Change, bound};
use crate::error::failed;
use crate::rows::{self, Cells};

/// A pool; where there is one already, what it says now, unless `?7` says that only new ones are written.
/// Called by `PoolStore::pool_put`. Finds the row by the table's key.
pub(crate) const PUT: &str = "
INSERT INTO pool (tenant_id, name, slots, description, include_deferred, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT DO UPDATE SET slots = excluded.slots, description = excluded.description,
    include_deferred = excluded.include_deferred, updated_at = excluded.updated_at
WHERE NOT ?7";

/// One pool.
/// Called by `PoolStore::pool_fetch`. Finds it by the table's key.
pub(crate) const FETCH: &str =
    "SELECT name, slots, description, include_deferred, updated_at FROM pool WHERE tenant_id = ?1 AND name = ?2";

/// Called by `PoolStore::pool_delete`. Finds the row by the table's key.
pub(crate) const DELETE: &str = "DELETE FROM pool WHERE tenant_id = ?1 AND name = ?2";

fn push_filter(query: &mut QueryBuilder<Sqlite>, scope: TenantScope, pattern: Option<&str>) {
    query.push(" FROM pool WHERE tenant_id = ").push_bind(rows::tenant(scope));
    if let Some(pattern) = pattern {
        rows::push_pattern(query, "name", pattern);
    }
}

/// Pools by name.
/// Called by `PoolStore::pool_list`. Walks the table's key over the tenant, and stops at the page's end.
pub(crate) fn list_query(scope: TenantScope, pattern: Option<&str>, page: PageRequest) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT name, slots, description, include_deferred, updated_at");
    push_filter(&mut query, scope, pattern);
    query.push(" ORDER BY name LIMIT ").push_bind(page.limit).push(" OFFSET ").push_bind(page.offset);
    query
}

/// How many there are.
pub(crate) fn count_query(scope: TenantScope, pattern: Option<&str>) -> QueryBuilder<Sqlite> {
    rows::count_query(|query| push_filter(query, scope, pattern))
}

fn row(row: &SqliteRow) -> Result<PoolRow, StoreError> {
    let cells = Cells::of(row, "pool");
    Ok(PoolRow {
        name: cells.parsed("name")?,
        slots: cells.number_opt("slots")?,
        description: cells.text_opt("description")?,
        include_deferred: cells.flag("include_deferred")?,
        updated_at: cells.time("updated_at")?,
    })
}

#[async_trait]
impl PoolStore for SqliteStore {
    async fn pool_put(&self, scope: TenantScope, row: &PoolRow, only_new: bool) -> Result<bool, StoreError> {
        let values = bound()
            .and(rows::tenant(scope))
            .and(row.name.as_str().to_owned())
            .and(row.slots)
            .and(rows::text_opt(row.description.as_deref()))
            .and(row.include_deferred)
            .and(row.updated_at.as_microsecond())
            .and(only_new);
        Ok(self.writer.apply(Change::of(PUT, values, None)).await?.rows == 1)
    }

    async fn pool_fetch(&self, scope: TenantScope, name: &PoolName) -> Result<Option<PoolRow>, StoreError> {
        let query = sqlx::query(FETCH).bind(rows::tenant(scope)).bind(name.as_str());
        let found = query.fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
        found.as_ref().map(row).transpose()
    }

    async fn pool_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<PoolRow>, StoreError> {
        let mut conn = self.reader().await?;
        rows::paged(&mut conn, page, list_query(scope, pattern, page), count_query(scope, pattern), row).await
    }

    async fn pool_delete(&self, scope: TenantScope, name: &PoolName) -> Result<bool, StoreError> {
        let values = bound().and(rows::tenant(scope)).and(name.as_str().to_owned());
        Ok(self.writer.apply(Change::of(DELETE, values, None)).await?.rows == 1)
    }
}
