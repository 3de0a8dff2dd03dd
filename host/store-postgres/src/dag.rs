//! DAGs, for reading, and the statements that delete one or make an older version current.

use model::{DagId, TenantScope};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};
use store::{DagFilter, DagRow, Page, PageRequest, StoreError, storable};

use crate::dag_version;
use crate::rows::{self, Cells};
use crate::session::Session;

const COLUMNS: &str = "
SELECT d.is_stale, d.is_paused, d.created_at, d.updated_at, d.bundle AS dag_bundle, v.key AS version, v.dag_id,
    v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle, v.bundle_version,
    v.created_at AS version_created_at";

/// Each version is looked up by key; see [`crate::dag_run`].
const VERSION_OF_DAG: &str = "
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = d.tenant_id AND v.key = d.current OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = v.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b";

/// One DAG.
/// Called by `Catalog::dag_fetch`. Finds rows by the keys of `dag`, `dag_version` and `bundle_version`.
pub(crate) async fn fetch(
    session: &mut Session,
    scope: TenantScope,
    dag_id: &DagId,
) -> Result<Option<DagRow>, StoreError> {
    let row = session.optional(fetch_query(scope, dag_id).build()).await?;
    row.as_ref().map(of_row).transpose()
}

pub(crate) fn fetch_query(scope: TenantScope, dag_id: &DagId) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push(" FROM dag AS d").push(VERSION_OF_DAG).push(" WHERE d.tenant_id = ").push_bind(rows::tenant(scope));
    query.push(" AND d.dag_id = ").push_bind(dag_id.as_str().to_owned());
    query
}

/// DAGs by id.
/// Called by `Catalog::dag_list`. Walks the key of `dag`, or `dag_by_bundle`; finds tags by the key of `dag_tag`.
pub(crate) async fn list(
    session: &mut Session,
    scope: TenantScope,
    filter: &DagFilter,
    page: PageRequest,
) -> Result<Page<DagRow>, StoreError> {
    let found = session.all(list_query(scope, filter, page).build()).await?;
    let total = match rows::total_if_last(page, found.len()) {
        Some(total) => total,
        None => session.count(count_query(scope, filter).build()).await?,
    };
    Ok(Page { rows: found.iter().map(of_row).collect::<Result<_, StoreError>>()?, total })
}

pub(crate) fn list_query(scope: TenantScope, filter: &DagFilter, page: PageRequest) -> QueryBuilder<Postgres> {
    let order = if filter.descending { "DESC" } else { "ASC" };
    let mut query = QueryBuilder::new(COLUMNS);
    // The page is cut before documents are read.
    query.push(" FROM (SELECT *");
    push_filter(&mut query, scope, filter);
    query.push(" ORDER BY d.dag_id ").push(order).push(" LIMIT ").push_bind(i64::from(page.limit));
    query.push(" OFFSET ").push_bind(i64::from(page.offset)).push(") AS d").push(VERSION_OF_DAG);
    query.push(" ORDER BY d.dag_id ").push(order);
    query
}

pub(crate) fn count_query(scope: TenantScope, filter: &DagFilter) -> QueryBuilder<Postgres> {
    rows::count_query(|query| push_filter(query, scope, filter))
}

fn push_filter(query: &mut QueryBuilder<Postgres>, scope: TenantScope, filter: &DagFilter) {
    query.push(" FROM dag AS d WHERE d.tenant_id = ").push_bind(rows::tenant(scope));
    if let Some(bundle) = &filter.bundle {
        query.push(" AND d.bundle = ").push_bind(bundle.as_str().to_owned());
    }
    if !filter.include_stale {
        query.push(" AND NOT d.is_stale");
    }
    if let Some(paused) = filter.paused {
        query.push(" AND d.is_paused = ").push_bind(paused);
    }
    if let Some(pattern) = &filter.dag_id_pattern {
        rows::push_pattern(query, "d.dag_id", pattern);
    }
    if !filter.tags.is_empty() {
        let mut tags: Vec<_> = filter.tags.iter().map(|tag| storable(tag).into_owned()).collect();
        tags.sort();
        tags.dedup();
        let needed = if filter.tags_match_all { tags.len() } else { 1 };
        query.push(" AND (SELECT count(*) FROM dag_tag AS g WHERE g.tenant_id = d.tenant_id AND g.dag_id = d.dag_id");
        rows::push_list(query, " AND g.tag IN (", tags.into_iter());
        query.push(") >= ").push_bind(rows::count(needed as u64));
    }
}

/// Called by `Catalog::dag_delete`, as are those up to [`DELETE`]. Looks into `dag_run_by_dag`.
pub(crate) const HAS_RUNS: &str =
    "SELECT EXISTS (SELECT 1 FROM dag_run WHERE tenant_id = $1 AND dag_id = $2) AS has_runs";
/// Walks the table's key over the DAG.
pub(crate) const DELETE_WAITING: &str = "DELETE FROM asset_waiting WHERE tenant_id = $1 AND dag_id = $2";
/// Walks rows that stay for a moment.
pub(crate) const DELETE_STARTS: &str = "DELETE FROM asset_start WHERE tenant_id = $1 AND dag_id = $2";
/// Walks `asset_user_by_dag` over the DAG.
pub(crate) const DELETE_USES: &str = "DELETE FROM asset_user WHERE tenant_id = $1 AND dag_id = $2";
/// Walks `backfill_by_dag` over the DAG, and the table's key over each of its backfills.
pub(crate) const DELETE_SLICES: &str = "
DELETE FROM backfill_slice
WHERE tenant_id = $1 AND backfill_id IN (SELECT id FROM backfill WHERE tenant_id = $1 AND dag_id = $2)";
/// Walks `backfill_by_dag` over the DAG.
pub(crate) const DELETE_BACKFILLS: &str = "DELETE FROM backfill WHERE tenant_id = $1 AND dag_id = $2";
/// Finds the row by the table's key.
pub(crate) const DELETE_SCHEDULE: &str = "DELETE FROM dag_schedule WHERE tenant_id = $1 AND dag_id = $2";
/// Walks the table's key over the DAG.
pub(crate) const DELETE_TAGS: &str = "DELETE FROM dag_tag WHERE tenant_id = $1 AND dag_id = $2";
/// Finds the row by the table's key.
pub(crate) const DELETE: &str = "DELETE FROM dag WHERE tenant_id = $1 AND dag_id = $2";

/// Called by `Catalog::dag_version_activate`. Finds the row by the table's key.
pub(crate) const ACTIVATE: &str =
    "UPDATE dag SET current = $3, updated_at = $4 WHERE tenant_id = $1 AND dag_id = $2 AND current <> $3";

/// What goes with a DAG, and the DAG last.
pub(crate) const DELETES: [&str; 8] =
    [DELETE_WAITING, DELETE_STARTS, DELETE_USES, DELETE_SLICES, DELETE_BACKFILLS, DELETE_SCHEDULE, DELETE_TAGS, DELETE];

fn of_row(row: &PgRow) -> Result<DagRow, StoreError> {
    let cells = Cells::of(row, "dag");
    let current = dag_version::of_row(row)?;
    Ok(DagRow {
        dag_id: current.dag_id.clone(),
        bundle: cells.parsed("dag_bundle")?,
        is_stale: cells.flag("is_stale")?,
        is_paused: cells.flag("is_paused")?,
        current,
        created_at: cells.time("created_at")?,
        updated_at: cells.time("updated_at")?,
    })
}
