//! Connections.

use async_trait::async_trait;
use model::{ConnectionId, TenantScope};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};
use store::{ConnectionRow, ConnectionStore, Hidden, Page, PageRequest, StoreError, storable};

use crate::PostgresStore;
use crate::rows::{self, Cells};

/// A connection; where there is one already, what it says now, unless `$12` says that only new ones are written.
/// Called by `ConnectionStore::connection_put`. Finds the row by the table's key.
pub(crate) const PUT: &str = "
INSERT INTO connection (tenant_id, connection_id, conn_type, description, host, login, password, schema, port, extra, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (tenant_id, connection_id) DO UPDATE SET conn_type = excluded.conn_type, description = excluded.description, host = excluded.host,
    login = excluded.login, password = excluded.password, schema = excluded.schema, port = excluded.port,
    extra = excluded.extra, updated_at = excluded.updated_at
WHERE NOT $12";

/// One connection.
/// Called by `ConnectionStore::connection_fetch`. Finds it by the table's key.
pub(crate) const FETCH: &str = "
SELECT connection_id, conn_type, description, host, login, password, schema, port, extra, updated_at
FROM connection
WHERE tenant_id = $1 AND connection_id = $2";

/// Called by `ConnectionStore::connection_delete`. Finds the row by the table's key.
pub(crate) const DELETE: &str = "DELETE FROM connection WHERE tenant_id = $1 AND connection_id = $2";

fn push_filter(query: &mut QueryBuilder<Postgres>, scope: TenantScope, pattern: Option<&str>) {
    query.push(" FROM connection WHERE tenant_id = ").push_bind(rows::tenant(scope));
    if let Some(pattern) = pattern {
        rows::push_pattern(query, "connection_id", pattern);
    }
}

/// Connections by id.
/// Called by `ConnectionStore::connection_list`. Walks the table's key over the tenant, and stops at the page's end.
pub(crate) fn list_query(scope: TenantScope, pattern: Option<&str>, page: PageRequest) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(
        "SELECT connection_id, conn_type, description, host, login, password, schema, port, extra, updated_at",
    );
    push_filter(&mut query, scope, pattern);
    query
        .push(" ORDER BY connection_id LIMIT ")
        .push_bind(i64::from(page.limit))
        .push(" OFFSET ")
        .push_bind(i64::from(page.offset));
    query
}

/// How many there are.
pub(crate) fn count_query(scope: TenantScope, pattern: Option<&str>) -> QueryBuilder<Postgres> {
    rows::count_query(|query| push_filter(query, scope, pattern))
}

fn row(row: &PgRow) -> Result<ConnectionRow, StoreError> {
    let cells = Cells::of(row, "connection");
    Ok(ConnectionRow {
        connection_id: cells.parsed("connection_id")?,
        conn_type: cells.text("conn_type")?.to_owned(),
        description: cells.text_opt("description")?,
        host: cells.text_opt("host")?,
        login: cells.text_opt("login")?,
        password: cells.text_opt("password")?.map(Hidden::new),
        schema: cells.text_opt("schema")?,
        port: cells.number_opt("port")?,
        extra: cells.text_opt("extra")?.map(Hidden::new),
        updated_at: cells.time("updated_at")?,
    })
}

#[async_trait]
impl ConnectionStore for PostgresStore {
    async fn connection_put(
        &self,
        scope: TenantScope,
        row: &ConnectionRow,
        only_new: bool,
    ) -> Result<bool, StoreError> {
        let values = sqlx::query(PUT)
            .bind(rows::tenant(scope))
            .bind(row.connection_id.as_str().to_owned())
            .bind(storable(&row.conn_type).into_owned())
            .bind(rows::text_opt(row.description.as_deref()))
            .bind(rows::text_opt(row.host.as_deref()))
            .bind(rows::text_opt(row.login.as_deref()))
            .bind(rows::text_opt(row.password.as_ref().map(Hidden::reveal)))
            .bind(rows::text_opt(row.schema.as_deref()))
            .bind(row.port.map(i32::from))
            .bind(rows::text_opt(row.extra.as_ref().map(Hidden::reveal)))
            .bind(row.updated_at.as_microsecond())
            .bind(only_new);
        Ok(self.session().await?.execute(values).await? == 1)
    }

    async fn connection_fetch(
        &self,
        scope: TenantScope,
        connection_id: &ConnectionId,
    ) -> Result<Option<ConnectionRow>, StoreError> {
        let query = sqlx::query(FETCH).bind(rows::tenant(scope)).bind(connection_id.as_str());
        let found = self.session().await?.optional(query).await?;
        found.as_ref().map(row).transpose()
    }

    async fn connection_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<ConnectionRow>, StoreError> {
        let mut session = self.session().await?;
        rows::paged(&mut session, page, list_query(scope, pattern, page), count_query(scope, pattern), row).await
    }

    async fn connection_delete(&self, scope: TenantScope, connection_id: &ConnectionId) -> Result<bool, StoreError> {
        let values = sqlx::query(DELETE).bind(rows::tenant(scope)).bind(connection_id.as_str().to_owned());
        Ok(self.session().await?.execute(values).await? == 1)
    }
}
