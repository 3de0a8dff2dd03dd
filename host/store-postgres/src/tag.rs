//! Tags of DAGs.

use model::TenantScope;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};
use store::{Page, PageRequest, StoreError};

use crate::rows::{self, Cells};
use crate::session::Session;

fn push_filter(query: &mut QueryBuilder<Postgres>, scope: TenantScope, pattern: Option<&str>) {
    query.push(" FROM dag_tag WHERE tenant_id = ").push_bind(rows::tenant(scope));
    if let Some(pattern) = pattern {
        rows::push_pattern(query, "tag", pattern);
    }
    query.push(" GROUP BY tag");
}

/// Tags in their order.
/// Called by `Catalog::tag_list`. Walks the index `dag_tag_by_tag` over the tenant, and stops at the page's end.
pub(crate) fn list_query(scope: TenantScope, pattern: Option<&str>, page: PageRequest) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("SELECT tag");
    push_filter(&mut query, scope, pattern);
    query
        .push(" ORDER BY tag LIMIT ")
        .push_bind(i64::from(page.limit))
        .push(" OFFSET ")
        .push_bind(i64::from(page.offset));
    query
}

/// How many there are.
pub(crate) fn count_query(scope: TenantScope, pattern: Option<&str>) -> QueryBuilder<Postgres> {
    rows::count_query(|query| push_filter(query, scope, pattern))
}

pub(crate) async fn list(
    conn: &mut Session,
    scope: TenantScope,
    pattern: Option<&str>,
    page: PageRequest,
) -> Result<Page<String>, StoreError> {
    let queries = (list_query(scope, pattern, page), count_query(scope, pattern));
    rows::paged(conn, page, queries.0, queries.1, row).await
}

fn row(row: &PgRow) -> Result<String, StoreError> {
    Cells::of(row, "dag_tag").text("tag").map(str::to_owned)
}
