//! Bundles, and the registration of a bundle version with its DAGs.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use jiff::Timestamp;
use model::{BundleVersionKey, DagId, TenantScope, VersionKey};
use store::{
    BundleRegistered, BundleRow, Catalog, DagDeletion, DagFilter, DagRegistered, DagRow, DagVersionRow,
    NewBundleVersion, Page, PageRequest, StoreError,
};

use crate::commit::{json, text};
use crate::error::failed;
use crate::rows::{self, Cells};
use crate::writer::{Transaction, Write};
use crate::{SqliteStore, dag, dag_version, tag};

/// A DAG of the bundle that another bundle defines.
/// Called by `Catalog::bundle_register`. Finds rows by the key of `dag`.
pub(crate) const FIND_FOREIGN: &str = "
SELECT d.dag_id
FROM json_each(?3) AS e
CROSS JOIN dag AS d ON d.tenant_id = ?1 AND d.dag_id = e.value ->> 0
WHERE d.bundle <> ?2 AND d.is_stale = 0
LIMIT 1";

/// The bundle version, unless the bundle had it before.
/// Called by `Catalog::bundle_register`. Adds to the table's key and to its unique component.
pub(crate) const INSERT_BUNDLE_VERSION: &str = "
INSERT INTO bundle_version (tenant_id, name, component, key, size_bytes, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (tenant_id, name, component) DO NOTHING";

/// The key of a bundle's version.
/// Called by `Catalog::bundle_register`. Finds it by the unique component.
pub(crate) const FIND_BUNDLE_VERSION: &str =
    "SELECT key FROM bundle_version WHERE tenant_id = ?1 AND name = ?2 AND component = ?3";

/// The bundle's current version.
/// Called by `Catalog::bundle_register`. Finds the row by the table's key.
pub(crate) const UPSERT_BUNDLE: &str = "
INSERT INTO bundle (tenant_id, name, current, updated_at)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO UPDATE SET current = excluded.current, updated_at = excluded.updated_at
WHERE current <> excluded.current";

/// The DAG versions whose digests are new, each with the next number of its DAG.
/// Called by `Catalog::bundle_register`. Finds by the DAG's unique digest and number; adds to the table and its indexes.
pub(crate) const INSERT_DAG_VERSIONS: &str = "
INSERT INTO dag_version (tenant_id, key, dag_id, version_number, digest, bundle_version, label, created_at, document)
SELECT ?1, unhex(e.value ->> 1), e.value ->> 0,
    coalesce((SELECT max(v.version_number) FROM dag_version AS v WHERE v.tenant_id = ?1 AND v.dag_id = e.value ->> 0), 0) + 1,
    unhex(e.value ->> 2), ?2, e.value ->> 3, ?3, e.value ->> 4
FROM json_each(?4) AS e
WHERE true
ON CONFLICT (tenant_id, dag_id, digest) DO NOTHING
RETURNING key";

/// Keys and numbers of the bundle's DAG versions, new and old.
/// Called by `Catalog::bundle_register`. Finds rows by the DAG's unique digest.
pub(crate) const FIND_DAG_VERSIONS: &str = "
SELECT v.dag_id, v.key, v.version_number
FROM json_each(?2) AS e
CROSS JOIN dag_version AS v ON v.tenant_id = ?1 AND v.dag_id = e.value ->> 0 AND v.digest = unhex(e.value ->> 2)";

/// The DAGs' current versions.
/// Called by `Catalog::bundle_register`. Finds rows by the key of `dag` and the unique digest of `dag_version`.
pub(crate) const UPSERT_DAGS: &str = "
INSERT INTO dag (tenant_id, dag_id, bundle, is_stale, is_paused, current, created_at, updated_at)
SELECT ?1, v.dag_id, ?2, 0, 0, v.key, ?3, ?3
FROM json_each(?4) AS e
CROSS JOIN dag_version AS v ON v.tenant_id = ?1 AND v.dag_id = e.value ->> 0 AND v.digest = unhex(e.value ->> 2)
WHERE true
ON CONFLICT DO UPDATE SET bundle = excluded.bundle, is_stale = 0, current = excluded.current,
    updated_at = iif(current = excluded.current, updated_at, excluded.updated_at)";

/// Marks DAGs that the bundle no longer defines.
/// Called by `Catalog::bundle_register`. Walks `dag_by_bundle` over the bundle.
pub(crate) const MARK_STALE: &str = "
UPDATE dag INDEXED BY dag_by_bundle SET is_stale = 1
WHERE tenant_id = ?1 AND bundle = ?2 AND is_stale = 0 AND dag_id NOT IN (SELECT value ->> 0 FROM json_each(?3))";

/// Tags of before.
/// Called by `Catalog::bundle_register`. Walks the table's key over each DAG.
pub(crate) const DELETE_TAGS: &str = "
DELETE FROM dag_tag WHERE tenant_id = ?1 AND dag_id IN (SELECT value ->> 0 FROM json_each(?2))";

/// Tags of the documents.
/// Called by `Catalog::bundle_register`. Adds to the table's key and to `dag_tag_by_tag`.
pub(crate) const INSERT_TAGS: &str = "
INSERT INTO dag_tag (tenant_id, dag_id, tag)
SELECT ?1, e.value ->> 0, g.value
FROM json_each(?2) AS e, json_each(e.value ->> 4, '$.tags') AS g
WHERE true
ON CONFLICT DO NOTHING";

/// Bundles by name.
/// Called by `Catalog::bundle_list`. Walks the table's key.
pub(crate) const LIST: &str = "
SELECT b.name, b.current, v.component, b.updated_at
FROM bundle AS b
CROSS JOIN bundle_version AS v ON v.tenant_id = b.tenant_id AND v.key = b.current
WHERE b.tenant_id = ?1
ORDER BY b.name
LIMIT ?2 OFFSET ?3";

/// How many bundles there are, up to the longest total.
/// Called by `Catalog::bundle_list`. Walks the table's key.
pub(crate) const COUNT: &str = "SELECT count(*) FROM (SELECT 1 FROM bundle WHERE tenant_id = ?1 LIMIT ?2)";

/// Whether a DAG of a bundle's version is gone.
/// Called by `Catalog::bundle_lacks_dags`. Walks `dag_version_by_bundle_version`; finds DAGs by the key of `dag`.
pub(crate) const LACKS_DAGS: &str = "
SELECT EXISTS (
    SELECT 1 FROM dag_version AS v
    WHERE v.tenant_id = ?1 AND v.bundle_version = ?2
        AND NOT EXISTS (SELECT 1 FROM dag AS d WHERE d.tenant_id = ?1 AND d.dag_id = v.dag_id))";

struct Register {
    scope: TenantScope,
    version: NewBundleVersion,
}

#[async_trait]
impl Write for Register {
    type Done = BundleRegistered;
    type Error = StoreError;

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<BundleRegistered, StoreError> {
        let Self { scope, version } = self;
        let (tenant, name) = (rows::tenant(*scope), version.name.as_str());
        let now = version.created_at.as_microsecond();
        let dags = json(version.dags.iter().map(|dag| {
            (
                &dag.dag_id,
                dag.key.uuid().simple().to_string(),
                dag.digest.to_hex(),
                dag.label.as_deref().map(text),
                text(&dag.document),
            )
        }))?;

        let foreign = sqlx::query_scalar(FIND_FOREIGN).bind(tenant).bind(name).bind(&dags);
        if let Some(name) = foreign.fetch_optional(tx.conn().await?).await.map_err(failed)? {
            return Err(StoreError::Conflict { what: "DAG", name, why: "belongs to another bundle" });
        }

        let component = rows::digest(version.component);
        let insert = sqlx::query(INSERT_BUNDLE_VERSION)
            .bind(tenant)
            .bind(name)
            .bind(&component)
            .bind(rows::bytes(version.key.uuid()))
            .bind(rows::count(version.size_bytes))
            .bind(now);
        let created = insert.execute(tx.conn().await?).await.map_err(failed)?.rows_affected() == 1;
        let find = sqlx::query(FIND_BUNDLE_VERSION).bind(tenant).bind(name).bind(&component);
        let row = find.fetch_one(tx.conn().await?).await.map_err(failed)?;
        let key = Cells::of(&row, "bundle_version").uuid("key")?;
        let upsert = sqlx::query(UPSERT_BUNDLE).bind(tenant).bind(name).bind(rows::bytes(key)).bind(now);
        upsert.execute(tx.conn().await?).await.map_err(failed)?;

        let insert = sqlx::query(INSERT_DAG_VERSIONS).bind(tenant).bind(rows::bytes(key)).bind(now).bind(&dags);
        let made = insert.fetch_all(tx.conn().await?).await.map_err(failed)?;
        let made: HashSet<_> =
            made.iter().map(|row| Cells::of(row, "dag_version").uuid("key")).collect::<Result<_, _>>()?;
        let upsert = sqlx::query(UPSERT_DAGS).bind(tenant).bind(name).bind(now).bind(&dags);
        upsert.execute(tx.conn().await?).await.map_err(failed)?;
        for query in [
            sqlx::query(MARK_STALE).bind(tenant).bind(name).bind(&dags),
            sqlx::query(DELETE_TAGS).bind(tenant).bind(&dags),
            sqlx::query(INSERT_TAGS).bind(tenant).bind(&dags),
        ] {
            query.execute(tx.conn().await?).await.map_err(failed)?;
        }

        let find = sqlx::query(FIND_DAG_VERSIONS).bind(tenant).bind(&dags);
        let mut found = HashMap::new();
        for row in find.fetch_all(tx.conn().await?).await.map_err(failed)? {
            let cells = Cells::of(&row, "dag_version");
            found.insert(cells.parsed::<DagId>("dag_id")?, (cells.uuid("key")?, cells.number("version_number")?));
        }
        let dags = version.dags.iter().map(|dag| {
            let missing = || StoreError::Unavailable { detail: format!("the version of {} was not made", dag.dag_id) };
            let (key, version_number) = *found.get(&dag.dag_id).ok_or_else(missing)?;
            let (dag_id, version) = (dag.dag_id.clone(), VersionKey::from_uuid(key));
            Ok(DagRegistered { dag_id, version, version_number, created: made.contains(&key) })
        });
        Ok(BundleRegistered { key: BundleVersionKey::from_uuid(key), created, dags: dags.collect::<Result<_, _>>()? })
    }

    fn log_bytes(&self) -> u64 {
        let documents = self.version.dags.iter().map(|dag| dag.document.len() as u64 + 1024);
        (64 << 10) + documents.sum::<u64>()
    }
}

#[async_trait]
impl Catalog for SqliteStore {
    async fn bundle_register(
        &self,
        scope: TenantScope,
        version: NewBundleVersion,
    ) -> Result<BundleRegistered, StoreError> {
        self.writer.apply(Register { scope, version }).await
    }

    async fn bundle_list(&self, scope: TenantScope, page: PageRequest) -> Result<Page<BundleRow>, StoreError> {
        let mut conn = self.reader().await?;
        let query = sqlx::query(LIST).bind(rows::tenant(scope)).bind(page.limit).bind(page.offset);
        let found = query.fetch_all(&mut *conn).await.map_err(failed)?;
        let total = match rows::total_if_last(page, found.len()) {
            Some(total) => total,
            None => {
                let query = sqlx::query_scalar(COUNT).bind(rows::tenant(scope)).bind(rows::TOTAL_MAX);
                query.fetch_one(&mut *conn).await.map(i64::unsigned_abs).map_err(failed)?
            }
        };
        let rows = found.iter().map(|row| {
            let cells = Cells::of(row, "bundle");
            Ok(BundleRow {
                name: cells.parsed("name")?,
                current: BundleVersionKey::from_uuid(cells.uuid("current")?),
                component: cells.digest("component")?,
                updated_at: cells.time("updated_at")?,
            })
        });
        Ok(Page { rows: rows.collect::<Result<_, StoreError>>()?, total })
    }

    async fn bundle_lacks_dags(&self, scope: TenantScope, version: BundleVersionKey) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar(LACKS_DAGS).bind(rows::tenant(scope)).bind(rows::bytes(version.uuid()));
        query.fetch_one(&mut *self.reader().await?).await.map_err(failed)
    }

    async fn dag_fetch(&self, scope: TenantScope, dag_id: &DagId) -> Result<Option<DagRow>, StoreError> {
        dag::fetch(&mut *self.reader().await?, scope, dag_id).await
    }

    async fn dag_list(
        &self,
        scope: TenantScope,
        filter: &DagFilter,
        page: PageRequest,
    ) -> Result<Page<DagRow>, StoreError> {
        dag::list(&mut *self.reader().await?, scope, filter, page).await
    }

    async fn dag_delete(&self, scope: TenantScope, dag_id: &DagId) -> Result<DagDeletion, StoreError> {
        self.writer.apply(dag::Deletion { scope, dag_id: dag_id.clone() }).await
    }

    async fn dag_version_activate(
        &self,
        scope: TenantScope,
        version: &DagVersionRow,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.writer.apply(dag::activation(scope, version, at)?).await?.rows == 1)
    }

    async fn tag_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<String>, StoreError> {
        tag::list(&mut *self.reader().await?, scope, pattern, page).await
    }

    async fn dag_version_fetch(
        &self,
        scope: TenantScope,
        key: VersionKey,
    ) -> Result<Option<DagVersionRow>, StoreError> {
        dag_version::fetch(&mut *self.reader().await?, scope, key).await
    }

    async fn dag_version_find(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        version_number: u32,
    ) -> Result<Option<DagVersionRow>, StoreError> {
        dag_version::find(&mut *self.reader().await?, scope, dag_id, version_number).await
    }

    async fn dag_version_list(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        page: PageRequest,
    ) -> Result<Page<DagVersionRow>, StoreError> {
        dag_version::list(&mut *self.reader().await?, scope, dag_id, page).await
    }
}
