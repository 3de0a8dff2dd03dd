//! What is kept and what may go: which blobs rows refer to, and an end for what is kept no longer.

use async_trait::async_trait;
use jiff::Timestamp;
use model::json::blob_markers;
use model::{BackfillId, BundleVersionKey, DagId, RunKey, TenantId, TenantScope, VersionKey};
use sqlx::postgres::PgRow;
use store::{EndedRun, IdleBundleVersion, IdleVersion, RefCursor, RefPage, RetentionStore, StoreError, ValuePlace};
use uuid::Uuid;

use crate::PostgresStore;
use crate::rows::{self, Cells, narrow};

pub(crate) mod discard;

/// All tenants. Called by `RetentionStore::tenant_list`. Walks the table, which has a row for each.
pub(crate) const TENANTS: &str = "SELECT tenant_id FROM tenant ORDER BY tenant_id";

/// What backfills were given.
/// Called by `RetentionStore::blob_refs`. Walks the table's key from a place on.
pub(crate) const BACKFILLS: &str = "
SELECT id, conf, coalesce(params, '{}') AS params FROM backfill WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3";

/// Runs after a key. Called by `RetentionStore::run_keys`. Walks the table's key from a place on.
pub(crate) const RUNS: &str = "SELECT key FROM dag_run WHERE tenant_id = $1 AND key > $2 ORDER BY key LIMIT $3";

/// Components of bundle versions.
/// Called by `RetentionStore::blob_refs`, as are the others. Walks the table's key from a place on.
pub(crate) const COMPONENTS: &str = "
SELECT key, component FROM bundle_version WHERE tenant_id = $1 AND key > $2 ORDER BY key LIMIT $3";

/// Confs and parameters of runs; a text that cannot hold a marker is left out. Walks the table's key from a place on.
pub(crate) const INPUTS: &str = r"
SELECT run_key,
    CASE WHEN strpos(conf, '$waft') + strpos(conf, '\u00') > 0 THEN conf ELSE '' END AS conf,
    CASE WHEN strpos(params, '$waft') + strpos(params, '\u00') > 0 THEN params ELSE '' END AS params
FROM dag_run_input WHERE tenant_id = $1 AND run_key > $2 ORDER BY run_key LIMIT $3";

/// Values; a text that cannot hold a marker is left out. Walks the table's key from a place on.
pub(crate) const VALUES: &str = r"
SELECT run_key, node, map_index, key, digest,
    CASE WHEN strpos(value, '$waft') + strpos(value, '\u00') > 0 THEN value ELSE '' END AS value
FROM xcom
WHERE tenant_id = $1 AND (run_key, node, map_index, key) > ($2, $3, $4, $5)
ORDER BY run_key, node, map_index, key
LIMIT $6";

/// Task state; a text that cannot hold a marker is left out. Walks the table's key from a place on.
pub(crate) const STATES: &str = r"
SELECT run_key, node, map_index, key, NULL::bytea AS digest,
    CASE WHEN strpos(value, '$waft') + strpos(value, '\u00') > 0 THEN value ELSE '' END AS value
FROM task_state
WHERE tenant_id = $1 AND (run_key, node, map_index, key) > ($2, $3, $4, $5)
ORDER BY run_key, node, map_index, key
LIMIT $6";

#[async_trait]
impl RetentionStore for PostgresStore {
    async fn tenant_list(&self) -> Result<Vec<TenantScope>, StoreError> {
        let found = self.session().await?.all(sqlx::query(TENANTS)).await?;
        let scope = |row| Cells::of(row, "tenant").number("tenant_id").map(TenantId::from_row).map(TenantScope::assume);
        found.iter().map(scope).collect()
    }

    async fn run_keys(&self, scope: TenantScope, after: Option<RunKey>, limit: u32) -> Result<Vec<RunKey>, StoreError> {
        let after = after.map_or(Uuid::nil(), RunKey::uuid);
        let query = sqlx::query(RUNS).bind(rows::tenant(scope)).bind(after).bind(i64::from(limit));
        let found = self.session().await?.all(query).await?;
        found.iter().map(|row| Ok(RunKey::from_uuid(Cells::of(row, "dag_run").uuid("key")?))).collect()
    }

    async fn blob_refs(&self, scope: TenantScope, from: RefCursor, limit: u32) -> Result<RefPage, StoreError> {
        match from {
            RefCursor::Components(after) => self.components(scope, after, limit).await,
            RefCursor::Backfills(after) => self.backfills(scope, after, limit).await,
            RefCursor::Inputs(after) => self.inputs(scope, after, limit).await,
            RefCursor::Values(after) => {
                let (page, last) = self.values(VALUES, scope, after, limit).await?;
                let next = last.map_or(RefCursor::States(None), |last| RefCursor::Values(Some(last)));
                Ok(RefPage { next: Some(next), ..page })
            }
            RefCursor::States(after) => {
                let (page, last) = self.values(STATES, scope, after, limit).await?;
                Ok(RefPage { next: last.map(|last| RefCursor::States(Some(last))), ..page })
            }
        }
    }

    async fn runs_ended_before(
        &self,
        scope: TenantScope,
        before: Timestamp,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<EndedRun>, StoreError> {
        self.ended_before(scope, before, after, limit).await
    }

    async fn dag_ids(&self, scope: TenantScope, after: Option<&DagId>, limit: u32) -> Result<Vec<DagId>, StoreError> {
        self.ids_of_dags(scope, after, limit).await
    }

    async fn runs_beyond(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        keep: u32,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<EndedRun>, StoreError> {
        self.beyond(scope, dag_id, keep, after, limit).await
    }

    async fn runs_discard(&self, scope: TenantScope, runs: &[EndedRun]) -> Result<Vec<RunKey>, StoreError> {
        self.discard(scope, runs).await
    }

    async fn runs_discarded(
        &self,
        scope: TenantScope,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunKey>, StoreError> {
        self.discarded(scope, after, limit).await
    }

    async fn run_rows_delete(&self, scope: TenantScope, run: RunKey, limit: u32) -> Result<bool, StoreError> {
        self.delete_rows(scope, run, limit).await
    }

    async fn run_forget(&self, scope: TenantScope, run: RunKey) -> Result<(), StoreError> {
        self.forget(scope, run).await
    }

    async fn versions_idle(
        &self,
        scope: TenantScope,
        made_before: Timestamp,
        after: Option<VersionKey>,
        limit: u32,
    ) -> Result<Vec<IdleVersion>, StoreError> {
        self.idle_versions(scope, made_before, after, limit).await
    }

    async fn versions_delete(&self, scope: TenantScope, versions: &[VersionKey]) -> Result<u64, StoreError> {
        let keys: Vec<_> = versions.iter().map(|key| key.uuid()).collect();
        self.delete_idle(discard::LOCK_VERSIONS, discard::DELETE_VERSIONS, scope, keys).await
    }

    async fn bundle_versions_idle(
        &self,
        scope: TenantScope,
        made_before: Timestamp,
        after: Option<BundleVersionKey>,
        limit: u32,
    ) -> Result<Vec<IdleBundleVersion>, StoreError> {
        self.idle_bundle_versions(scope, made_before, after, limit).await
    }

    async fn bundle_versions_delete(
        &self,
        scope: TenantScope,
        versions: &[BundleVersionKey],
    ) -> Result<u64, StoreError> {
        let keys: Vec<_> = versions.iter().map(|key| key.uuid()).collect();
        self.delete_idle(discard::LOCK_BUNDLE_VERSIONS, discard::DELETE_BUNDLE_VERSIONS, scope, keys).await
    }
}

impl PostgresStore {
    async fn components(
        &self,
        scope: TenantScope,
        after: Option<BundleVersionKey>,
        limit: u32,
    ) -> Result<RefPage, StoreError> {
        let after = after.map_or(Uuid::nil(), BundleVersionKey::uuid);
        let query = sqlx::query(COMPONENTS).bind(rows::tenant(scope)).bind(after).bind(i64::from(limit));
        let found = self.session().await?.all(query).await?;
        let mut page = RefPage { next: Some(RefCursor::Backfills(None)), ..RefPage::default() };
        for row in &found {
            page.named.push(Cells::of(row, "bundle_version").digest("component")?);
        }
        if let Some(last) = found.last().filter(|_| found.len() == limit as usize) {
            let key = Cells::of(last, "bundle_version").uuid("key")?;
            page.next = Some(RefCursor::Components(Some(BundleVersionKey::from_uuid(key))));
        }
        Ok(page)
    }

    async fn backfills(
        &self,
        scope: TenantScope,
        after: Option<BackfillId>,
        limit: u32,
    ) -> Result<RefPage, StoreError> {
        let after = after.map_or(0, BackfillId::number);
        let query = sqlx::query(BACKFILLS).bind(rows::tenant(scope)).bind(after).bind(i64::from(limit));
        let found = self.session().await?.all(query).await?;
        let mut page = RefPage { next: Some(RefCursor::Inputs(None)), ..RefPage::default() };
        for row in &found {
            let cells = Cells::of(row, "backfill");
            for text in [cells.text("conf")?, cells.text("params")?] {
                page.named.extend(blob_markers(text).into_iter().map(|blob| blob.digest));
            }
        }
        if let Some(last) = found.last().filter(|_| found.len() == limit as usize) {
            let id = BackfillId::from_number(Cells::of(last, "backfill").number("id")?);
            page.next = Some(RefCursor::Backfills(Some(id)));
        }
        Ok(page)
    }

    async fn inputs(&self, scope: TenantScope, after: Option<RunKey>, limit: u32) -> Result<RefPage, StoreError> {
        let after = after.map_or(Uuid::nil(), RunKey::uuid);
        let query = sqlx::query(INPUTS).bind(rows::tenant(scope)).bind(after).bind(i64::from(limit));
        let found = self.session().await?.all(query).await?;
        let mut page = RefPage { next: Some(RefCursor::Values(None)), ..RefPage::default() };
        for row in &found {
            let cells = Cells::of(row, "dag_run_input");
            for text in [cells.text("conf")?, cells.text("params")?] {
                page.named.extend(blob_markers(text).into_iter().map(|blob| blob.digest));
            }
        }
        if let Some(last) = found.last().filter(|_| found.len() == limit as usize) {
            let key = Cells::of(last, "dag_run_input").uuid("run_key")?;
            page.next = Some(RefCursor::Inputs(Some(RunKey::from_uuid(key))));
        }
        Ok(page)
    }

    /// References of a page, and where the next one begins.
    async fn values(
        &self,
        sql: &'static str,
        scope: TenantScope,
        after: Option<ValuePlace>,
        limit: u32,
    ) -> Result<(RefPage, Option<ValuePlace>), StoreError> {
        let (run, node, map_index, key) = match &after {
            Some((run, node, map_index, key)) => (run.uuid(), narrow(node.0), map_index.number(), key.as_str()),
            // Before every key.
            None => (Uuid::nil(), -1, -2, ""),
        };
        let query = sqlx::query(sql)
            .bind(rows::tenant(scope))
            .bind(run)
            .bind(node)
            .bind(map_index)
            .bind(key.to_owned())
            .bind(i64::from(limit));
        let mut page = RefPage::default();
        let (mut count, mut last) = (0, None);
        // One at a time: their texts may be large.
        let take = |row: &PgRow| {
            let cells = Cells::of(row, "xcom");
            match cells.digest_opt("digest")? {
                Some(digest) => {
                    page.named.push(digest);
                    page.values.push(digest);
                }
                None => page.named.extend(blob_markers(cells.text("value")?).into_iter().map(|blob| blob.digest)),
            }
            count += 1;
            if count == limit {
                let run = RunKey::from_uuid(cells.uuid("run_key")?);
                last = Some((run, cells.node()?, cells.map_index()?, cells.parsed("key")?));
            }
            Ok(())
        };
        self.session().await?.each(query, take).await?;
        Ok((page, last))
    }
}
