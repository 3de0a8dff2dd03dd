//! Bundles, and the registration of a bundle version with its DAGs.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use jiff::Timestamp;
use model::{BundleVersionKey, DagId, TenantScope, VersionKey};
use serde::Deserialize;
use store::{
    BundleRegistered, BundleRow, Catalog, DagDeletion, DagFilter, DagRegistered, DagRow, DagVersionRow,
    NewBundleVersion, NewDagVersion, Page, PageRequest, StoreError, storable,
};
use uuid::Uuid;

use crate::rows::{self, Cells};
use crate::session::Session;
use crate::{PostgresStore, dag, dag_version, tag};

/// One registration of a tenant after the other: the next version number of a DAG must be nobody else's.
/// Called by `Catalog::bundle_register`. Reads no table; the lock ends with the transaction.
pub(crate) const LOCK_CATALOG: &str = "SELECT pg_advisory_xact_lock(hashtextextended('waft catalog', $1))";

/// A DAG of the bundle that another bundle defines.
/// Called by `Catalog::bundle_register`. Finds rows by the key of `dag`.
pub(crate) const FIND_FOREIGN: &str = "
SELECT d.dag_id
FROM unnest($3::text[]) WITH ORDINALITY AS e (dag_id, place)
CROSS JOIN LATERAL (SELECT * FROM dag AS d WHERE d.tenant_id = $1 AND d.dag_id = e.dag_id OFFSET 0) AS d
WHERE d.bundle <> $2 AND NOT d.is_stale
ORDER BY e.place
LIMIT 1";

/// The bundle version, unless the bundle had it before.
/// Called by `Catalog::bundle_register`. Adds to the table's key and to its unique component.
pub(crate) const INSERT_BUNDLE_VERSION: &str = "
INSERT INTO bundle_version (tenant_id, name, component, key, size_bytes, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, name, component) DO NOTHING";

/// The key of a bundle's version.
/// Called by `Catalog::bundle_register`. Finds it by the unique component.
pub(crate) const FIND_BUNDLE_VERSION: &str =
    "SELECT key FROM bundle_version WHERE tenant_id = $1 AND name = $2 AND component = $3";

/// The bundle's current version.
/// Called by `Catalog::bundle_register`. Finds the row by the table's key.
pub(crate) const UPSERT_BUNDLE: &str = "
INSERT INTO bundle (tenant_id, name, current, updated_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, name) DO UPDATE SET current = excluded.current, updated_at = excluded.updated_at
WHERE bundle.current <> excluded.current";

/// The DAG versions whose digests are new, each with the next number of its DAG.
/// Called by `Catalog::bundle_register`. Finds by the DAG's unique digest and number; adds to the table and its indexes.
pub(crate) const INSERT_DAG_VERSIONS: &str = "
INSERT INTO dag_version (tenant_id, bundle_version, created_at, dag_id, version_number, key, digest, label, document)
SELECT $1, $2, $3, e.dag_id,
    coalesce((SELECT max(v.version_number) FROM dag_version AS v WHERE v.tenant_id = $1 AND v.dag_id = e.dag_id), 0) + 1,
    e.key, e.digest, e.label, e.document
FROM unnest($4::text[], $5::uuid[], $6::bytea[], $7::text[], $8::text[]) AS e (dag_id, key, digest, label, document)
ON CONFLICT (tenant_id, dag_id, digest) DO NOTHING
RETURNING key";

/// Keys and numbers of the bundle's DAG versions, new and old.
/// Called by `Catalog::bundle_register`. Finds rows by the DAG's unique digest.
pub(crate) const FIND_DAG_VERSIONS: &str = "
SELECT v.dag_id, v.key, v.version_number
FROM unnest($2::text[], $3::bytea[]) AS e (dag_id, digest)
CROSS JOIN LATERAL (
    SELECT * FROM dag_version AS v WHERE v.tenant_id = $1 AND v.dag_id = e.dag_id AND v.digest = e.digest OFFSET 0) AS v";

/// The DAGs' current versions.
/// Called by `Catalog::bundle_register`. Finds rows by the key of `dag` and the unique digest of `dag_version`.
pub(crate) const UPSERT_DAGS: &str = "
INSERT INTO dag (tenant_id, dag_id, bundle, is_stale, is_paused, current, created_at, updated_at)
SELECT $1, v.dag_id, $2, false, false, v.key, $3, $3
FROM unnest($4::text[], $5::bytea[]) AS e (dag_id, digest)
CROSS JOIN LATERAL (
    SELECT * FROM dag_version AS v WHERE v.tenant_id = $1 AND v.dag_id = e.dag_id AND v.digest = e.digest OFFSET 0) AS v
ON CONFLICT (tenant_id, dag_id) DO UPDATE
SET bundle = excluded.bundle, is_stale = false, current = excluded.current,
    updated_at = CASE WHEN dag.current = excluded.current THEN dag.updated_at ELSE excluded.updated_at END";

/// Marks DAGs that the bundle no longer defines.
/// Called by `Catalog::bundle_register`. Walks `dag_by_bundle` over the bundle.
pub(crate) const MARK_STALE: &str = "
UPDATE dag SET is_stale = true
WHERE tenant_id = $1 AND bundle = $2 AND NOT is_stale AND dag_id <> ALL ($3::text[])";

/// Tags of before.
/// Called by `Catalog::bundle_register`. Walks the table's key over each DAG.
pub(crate) const DELETE_TAGS: &str = "DELETE FROM dag_tag WHERE tenant_id = $1 AND dag_id = ANY ($2::text[])";

/// Tags of the documents.
/// Called by `Catalog::bundle_register`. Adds to the table's key and to `dag_tag_by_tag`.
pub(crate) const INSERT_TAGS: &str = "
INSERT INTO dag_tag (tenant_id, dag_id, tag)
SELECT $1, e.dag_id, e.tag
FROM unnest($2::text[], $3::text[]) AS e (dag_id, tag)
ON CONFLICT DO NOTHING";

/// Bundles by name.
/// Called by `Catalog::bundle_list`. Walks the table's key.
pub(crate) const LIST: &str = "
SELECT b.name, b.current, v.component, b.updated_at
FROM bundle AS b
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS v WHERE v.tenant_id = b.tenant_id AND v.key = b.current OFFSET 0) AS v
WHERE b.tenant_id = $1
ORDER BY b.name
LIMIT $2 OFFSET $3";

/// How many bundles there are, up to the longest total.
/// Called by `Catalog::bundle_list`. Walks the table's key.
pub(crate) const COUNT: &str = "SELECT count(*) FROM (SELECT 1 FROM bundle WHERE tenant_id = $1 LIMIT $2) AS counted";

/// Whether a DAG of a bundle's version is gone.
/// Called by `Catalog::bundle_lacks_dags`. Walks `dag_version_by_bundle_version`; finds DAGs by the key of `dag`.
pub(crate) const LACKS_DAGS: &str = "
SELECT EXISTS (
    SELECT 1 FROM dag_version AS v
    WHERE v.tenant_id = $1 AND v.bundle_version = $2
        AND NOT EXISTS (SELECT 1 FROM dag AS d WHERE d.tenant_id = $1 AND d.dag_id = v.dag_id OFFSET 0)) AS lacks_dags";

/// The bundle's DAGs as arrays.
struct Dags<'a> {
    ids: Vec<&'a str>,
    digests: Vec<&'a [u8]>,
    /// Ids and tags, in pairs.
    tags: (Vec<&'a str>, Vec<String>),
}

/// What the catalog reads of a document.
#[derive(Deserialize)]
struct Tagged {
    #[serde(default)]
    tags: Vec<String>,
}

impl<'a> Dags<'a> {
    fn of(dags: &'a [NewDagVersion]) -> Result<Self, StoreError> {
        let mut tags = (Vec::new(), Vec::new());
        for dag in dags {
            let tagged: Tagged = serde_json::from_str(&dag.document).map_err(|error| StoreError::Unavailable {
                detail: format!("the document of {} cannot be read: {error}", dag.dag_id),
            })?;
            for tag in tagged.tags {
                tags.0.push(dag.dag_id.as_str());
                tags.1.push(storable(&tag).into_owned());
            }
        }
        let ids = dags.iter().map(|dag| dag.dag_id.as_str()).collect();
        let digests = dags.iter().map(|dag| &dag.digest.bytes()[..]).collect();
        Ok(Self { ids, digests, tags })
    }
}

/// Registers a bundle version within a transaction.
async fn register(
    session: &mut Session,
    scope: TenantScope,
    version: &NewBundleVersion,
) -> Result<BundleRegistered, StoreError> {
    let (tenant, name) = (rows::tenant(scope), version.name.as_str());
    let now = version.created_at.as_microsecond();
    let dags = Dags::of(&version.dags)?;

    session.one(sqlx::query(LOCK_CATALOG).bind(tenant)).await?;
    let foreign = sqlx::query(FIND_FOREIGN).bind(tenant).bind(name).bind(&dags.ids);
    if let Some(row) = session.optional(foreign).await? {
        let name = Cells::of(&row, "dag").text("dag_id")?.to_owned();
        return Err(StoreError::Conflict { what: "DAG", name, why: "belongs to another bundle" });
    }

    let component = &version.component.bytes()[..];
    let insert = sqlx::query(INSERT_BUNDLE_VERSION)
        .bind(tenant)
        .bind(name)
        .bind(component)
        .bind(version.key.uuid())
        .bind(rows::count(version.size_bytes))
        .bind(now);
    let created = session.execute(insert).await? == 1;
    let row = session.one(sqlx::query(FIND_BUNDLE_VERSION).bind(tenant).bind(name).bind(component)).await?;
    let key = Cells::of(&row, "bundle_version").uuid("key")?;
    session.execute(sqlx::query(UPSERT_BUNDLE).bind(tenant).bind(name).bind(key).bind(now)).await?;

    let made = insert_dag_versions(session, tenant, key, version, &dags).await?;
    for query in [
        sqlx::query(UPSERT_DAGS).bind(tenant).bind(name).bind(now).bind(&dags.ids).bind(&dags.digests),
        sqlx::query(MARK_STALE).bind(tenant).bind(name).bind(&dags.ids),
        sqlx::query(DELETE_TAGS).bind(tenant).bind(&dags.ids),
        sqlx::query(INSERT_TAGS).bind(tenant).bind(&dags.tags.0).bind(&dags.tags.1),
    ] {
        session.execute(query).await?;
    }

    let find = sqlx::query(FIND_DAG_VERSIONS).bind(tenant).bind(&dags.ids).bind(&dags.digests);
    let mut found = HashMap::new();
    for row in session.all(find).await? {
        let cells = Cells::of(&row, "dag_version");
        found.insert(cells.parsed::<DagId>("dag_id")?, (cells.uuid("key")?, cells.number("version_number")?));
    }
    let dags = version.dags.iter().map(|dag| {
        let missing = || StoreError::Unavailable { detail: format!("the version of {} was not made", dag.dag_id) };
        let (key, version_number) = *found.get(&dag.dag_id).ok_or_else(missing)?;
        let (dag_id, version) = (dag.dag_id.clone(), VersionKey::from_uuid(key));
        Ok(DagRegistered { dag_id, version, version_number, created: made.contains(&key) })
    });
    Ok(BundleRegistered {
        key: BundleVersionKey::from_uuid(key),
        created,
        dags: dags.collect::<Result<_, StoreError>>()?,
    })
}

/// Keys of the DAG versions that were new.
async fn insert_dag_versions(
    session: &mut Session,
    tenant: i64,
    bundle_version: Uuid,
    version: &NewBundleVersion,
    dags: &Dags<'_>,
) -> Result<HashSet<Uuid>, StoreError> {
    let keys: Vec<_> = version.dags.iter().map(|dag| dag.key.uuid()).collect();
    let labels: Vec<_> = version.dags.iter().map(|dag| dag.label.as_deref().map(storable)).collect();
    let documents: Vec<_> = version.dags.iter().map(|dag| storable(&dag.document)).collect();
    let insert = sqlx::query(INSERT_DAG_VERSIONS)
        .bind(tenant)
        .bind(bundle_version)
        .bind(version.created_at.as_microsecond())
        .bind(&dags.ids)
        .bind(keys)
        .bind(&dags.digests)
        .bind(labels)
        .bind(documents);
    let made = session.all(insert).await?;
    made.iter().map(|row| Cells::of(row, "dag_version").uuid("key")).collect()
}

/// Deletes a DAG within a transaction, which locks its registrations out.
async fn delete_dag(session: &mut Session, scope: TenantScope, dag_id: &DagId) -> Result<DagDeletion, StoreError> {
    let (tenant, dag_id) = (rows::tenant(scope), dag_id.as_str());
    session.one(sqlx::query(LOCK_CATALOG).bind(tenant)).await?;
    let row = session.one(sqlx::query(dag::HAS_RUNS).bind(tenant).bind(dag_id)).await?;
    if Cells::of(&row, "dag_run").flag("has_runs")? {
        return Ok(DagDeletion::HasRuns);
    }
    let mut last = 0;
    for delete in dag::DELETES {
        last = session.execute(sqlx::query(delete).bind(tenant).bind(dag_id)).await?;
    }
    Ok(if last == 1 { DagDeletion::Deleted } else { DagDeletion::Unknown })
}

/// Makes a version current within a transaction; the tags of its document become the DAG's.
async fn activate(
    session: &mut Session,
    scope: TenantScope,
    version: &DagVersionRow,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let (tenant, dag_id) = (rows::tenant(scope), version.dag_id.as_str());
    let tagged: Tagged = serde_json::from_str(&version.document).map_err(|error| StoreError::Unavailable {
        detail: format!("the document of {dag_id} cannot be read: {error}"),
    })?;
    let tags: Vec<_> = tagged.tags.iter().map(|tag| storable(tag).into_owned()).collect();
    session.one(sqlx::query(LOCK_CATALOG).bind(tenant)).await?;
    let activate = sqlx::query(dag::ACTIVATE).bind(tenant).bind(dag_id).bind(version.key.uuid());
    if session.execute(activate.bind(at.as_microsecond())).await? == 0 {
        return Ok(false);
    }
    session.execute(sqlx::query(DELETE_TAGS).bind(tenant).bind(vec![dag_id])).await?;
    session.execute(sqlx::query(INSERT_TAGS).bind(tenant).bind(vec![dag_id; tags.len()]).bind(tags)).await?;
    Ok(true)
}

/// Commits what went well, and undoes the rest.
async fn end<T>(session: &mut Session, done: Result<T, StoreError>) -> Result<T, StoreError> {
    match done {
        Ok(done) => {
            session.commit().await?;
            Ok(done)
        }
        Err(error) => {
            // Where this fails too the session is closed, which undoes as much.
            let _ = session.rollback().await;
            Err(error)
        }
    }
}

#[async_trait]
impl Catalog for PostgresStore {
    async fn bundle_register(
        &self,
        scope: TenantScope,
        version: NewBundleVersion,
    ) -> Result<BundleRegistered, StoreError> {
        let mut session = self.session().await?;
        session.begin("BEGIN").await?;
        let registered = register(&mut session, scope, &version).await;
        end(&mut session, registered).await
    }

    async fn dag_delete(&self, scope: TenantScope, dag_id: &DagId) -> Result<DagDeletion, StoreError> {
        let mut session = self.session().await?;
        session.begin("BEGIN").await?;
        let done = delete_dag(&mut session, scope, dag_id).await;
        end(&mut session, done).await
    }

    async fn dag_version_activate(
        &self,
        scope: TenantScope,
        version: &DagVersionRow,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut session = self.session().await?;
        session.begin("BEGIN").await?;
        let done = activate(&mut session, scope, version, at).await;
        end(&mut session, done).await
    }

    async fn bundle_list(&self, scope: TenantScope, page: PageRequest) -> Result<Page<BundleRow>, StoreError> {
        let mut session = self.session().await?;
        let query = sqlx::query(LIST).bind(rows::tenant(scope));
        let found = session.all(query.bind(i64::from(page.limit)).bind(i64::from(page.offset))).await?;
        let total = match rows::total_if_last(page, found.len()) {
            Some(total) => total,
            None => session.count(sqlx::query(COUNT).bind(rows::tenant(scope)).bind(rows::TOTAL_MAX)).await?,
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
        let query = sqlx::query(LACKS_DAGS).bind(rows::tenant(scope)).bind(version.uuid());
        let row = self.session().await?.one(query).await?;
        Cells::of(&row, "dag_version").flag("lacks_dags")
    }

    async fn dag_fetch(&self, scope: TenantScope, dag_id: &DagId) -> Result<Option<DagRow>, StoreError> {
        dag::fetch(&mut self.session().await?, scope, dag_id).await
    }

    async fn dag_list(
        &self,
        scope: TenantScope,
        filter: &DagFilter,
        page: PageRequest,
    ) -> Result<Page<DagRow>, StoreError> {
        dag::list(&mut self.session().await?, scope, filter, page).await
    }

    async fn tag_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<String>, StoreError> {
        tag::list(&mut self.session().await?, scope, pattern, page).await
    }

    async fn dag_version_fetch(
        &self,
        scope: TenantScope,
        key: VersionKey,
    ) -> Result<Option<DagVersionRow>, StoreError> {
        dag_version::fetch(&mut self.session().await?, scope, key).await
    }

    async fn dag_version_find(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        version_number: u32,
    ) -> Result<Option<DagVersionRow>, StoreError> {
        dag_version::find(&mut self.session().await?, scope, dag_id, version_number).await
    }

    async fn dag_version_list(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        page: PageRequest,
    ) -> Result<Page<DagVersionRow>, StoreError> {
        dag_version::list(&mut self.session().await?, scope, dag_id, page).await
    }
}
