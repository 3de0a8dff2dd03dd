//! Variables.

use async_trait::async_trait;
use model::{Key, TenantScope};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use store::{Hidden, Page, PageRequest, StoreError, VariableRow, VariableStore, storable};

use crate::SqliteStore;
use crate::change::{Change, bound};
use crate::error::failed;
use crate::rows::{self, Cells};

/// A variable; where there is one already, its new text, unless `?6` says that only new ones are written.
/// Called by `VariableStore::variable_put`. Finds the row by the table's key.
pub(crate) const PUT: &str = "
INSERT INTO variable (tenant_id, key, value, description, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO UPDATE SET value = excluded.value, description = excluded.description, updated_at = excluded.updated_at
WHERE NOT ?6";

/// One variable.
/// Called by `VariableStore::variable_fetch`. Finds it by the table's key.
pub(crate) const FETCH: &str =
    "SELECT key, value, description, updated_at FROM variable WHERE tenant_id = ?1 AND key = ?2";

/// Called by `VariableStore::variable_delete`. Finds the row by the table's key.
pub(crate) const DELETE: &str = "DELETE FROM variable WHERE tenant_id = ?1 AND key = ?2";

fn push_filter(query: &mut QueryBuilder<Sqlite>, scope: TenantScope, pattern: Option<&str>) {
    query.push(" FROM variable WHERE tenant_id = ").push_bind(rows::tenant(scope));
    if let Some(pattern) = pattern {
        rows::push_pattern(query, "key", pattern);
    }
}

/// Variables by key.
/// Called by `VariableStore::variable_list`. Walks the table's key over the tenant, and stops at the page's end.
pub(crate) fn list_query(scope: TenantScope, pattern: Option<&str>, page: PageRequest) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT key, value, description, updated_at");
    push_filter(&mut query, scope, pattern);
    query.push(" ORDER BY key LIMIT ").push_bind(page.limit).push(" OFFSET ").push_bind(page.offset);
    query
}

/// How many there are.
pub(crate) fn count_query(scope: TenantScope, pattern: Option<&str>) -> QueryBuilder<Sqlite> {
    rows::count_query(|query| push_filter(query, scope, pattern))
}

fn row(row: &SqliteRow) -> Result<VariableRow, StoreError> {
    let cells = Cells::of(row, "variable");
    Ok(VariableRow {
        key: cells.parsed("key")?,
        value: Hidden::new(cells.text("value")?),
        description: cells.text_opt("description")?,
        updated_at: cells.time("updated_at")?,
    })
}

#[async_trait]
impl VariableStore for SqliteStore {
    async fn variable_put(&self, scope: TenantScope, row: &VariableRow, only_new: bool) -> Result<bool, StoreError> {
        let values = bound()
            .and(rows::tenant(scope))
            .and(row.key.as_str().to_owned())
            .and(storable(row.value.reveal()).into_owned())
            .and(rows::text_opt(row.description.as_deref()))
            .and(row.updated_at.as_microsecond())
            .and(only_new);
        Ok(self.writer.apply(Change::of(PUT, values, None)).await?.rows == 1)
    }

    async fn variable_fetch(&self, scope: TenantScope, key: &Key) -> Result<Option<VariableRow>, StoreError> {
        let query = sqlx::query(FETCH).bind(rows::tenant(scope)).bind(key.as_str());
        let found = query.fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
        found.as_ref().map(row).transpose()
    }

    async fn variable_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<VariableRow>, StoreError> {
        let mut conn = self.reader().await?;
        rows::paged(&mut conn, page, list_query(scope, pattern, page), count_query(scope, pattern), row).await
    }

    async fn variable_delete(&self, scope: TenantScope, key: &Key) -> Result<bool, StoreError> {
        let values = bound().and(rows::tenant(scope)).and(key.as_str().to_owned());
        Ok(self.writer.apply(Change::of(DELETE, values, None)).await?.rows == 1)
    }
}
