//! Versions of DAGs, for reading.

use model::{DagId, TenantScope, VersionKey};
use sqlx::postgres::PgRow;
use store::{DagVersionRow, Page, PageRequest, StoreError};

use crate::rows::{self, Cells};
use crate::session::Session;

/// One version by key.
/// Called by `Catalog::dag_version_fetch`. Finds it by the table's key.
pub(crate) const FETCH: &str = "
SELECT v.key AS version, v.dag_id, v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle,
    v.bundle_version, v.created_at AS version_created_at
FROM dag_version AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = v.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b
WHERE v.tenant_id = $1 AND v.key = $2";

/// One version by number.
/// Called by `Catalog::dag_version_find`. Finds it by the unique number of the DAG.
pub(crate) const FIND: &str = "
SELECT v.key AS version, v.dag_id, v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle,
    v.bundle_version, v.created_at AS version_created_at
FROM dag_version AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = v.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b
WHERE v.tenant_id = $1 AND v.dag_id = $2 AND v.version_number = $3";

/// Versions of a DAG, newest first.
/// Called by `Catalog::dag_version_list`. Walks the unique numbers of the DAG backwards.
pub(crate) const LIST: &str = "
SELECT v.key AS version, v.dag_id, v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle,
    v.bundle_version, v.created_at AS version_created_at
FROM dag_version AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = v.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b
WHERE v.tenant_id = $1 AND v.dag_id = $2
ORDER BY v.version_number DESC
LIMIT $3 OFFSET $4";

/// How many versions a DAG has, up to the longest total.
/// Called by `Catalog::dag_version_list`. Walks the unique numbers of the DAG.
pub(crate) const COUNT: &str =
    "SELECT count(*) FROM (SELECT 1 FROM dag_version WHERE tenant_id = $1 AND dag_id = $2 LIMIT $3) AS counted";

pub(crate) async fn fetch(
    session: &mut Session,
    scope: TenantScope,
    key: VersionKey,
) -> Result<Option<DagVersionRow>, StoreError> {
    let query = sqlx::query(FETCH).bind(rows::tenant(scope)).bind(key.uuid());
    session.optional(query).await?.as_ref().map(of_row).transpose()
}

pub(crate) async fn find(
    session: &mut Session,
    scope: TenantScope,
    dag_id: &DagId,
    version_number: u32,
) -> Result<Option<DagVersionRow>, StoreError> {
    let query = sqlx::query(FIND).bind(rows::tenant(scope)).bind(dag_id.as_str()).bind(i64::from(version_number));
    session.optional(query).await?.as_ref().map(of_row).transpose()
}

pub(crate) async fn list(
    session: &mut Session,
    scope: TenantScope,
    dag_id: &DagId,
    page: PageRequest,
) -> Result<Page<DagVersionRow>, StoreError> {
    let query = sqlx::query(LIST)
        .bind(rows::tenant(scope))
        .bind(dag_id.as_str())
        .bind(i64::from(page.limit))
        .bind(i64::from(page.offset));
    let found = session.all(query).await?;
    let total = match rows::total_if_last(page, found.len()) {
        Some(total) => total,
        None => {
            let query = sqlx::query(COUNT).bind(rows::tenant(scope)).bind(dag_id.as_str()).bind(rows::TOTAL_MAX);
            session.count(query).await?
        }
    };
    Ok(Page { rows: found.iter().map(of_row).collect::<Result<_, StoreError>>()?, total })
}

/// Reads the columns of this file's queries.
pub(crate) fn of_row(row: &PgRow) -> Result<DagVersionRow, StoreError> {
    let cells = Cells::of(row, "dag_version");
    Ok(DagVersionRow {
        key: VersionKey::from_uuid(cells.uuid("version")?),
        dag_id: cells.parsed("dag_id")?,
        version_number: cells.number("version_number")?,
        digest: cells.digest("digest")?,
        component: cells.digest("component")?,
        document: cells.shared("document")?,
        label: cells.text_opt("label")?,
        bundle: cells.parsed("bundle")?,
        bundle_version: model::BundleVersionKey::from_uuid(cells.uuid("bundle_version")?),
        created_at: cells.time("version_created_at")?,
    })
}
