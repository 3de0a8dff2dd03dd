//! What goes: runs that ended long ago, versions that nothing refers to.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{BundleVersionKey, DagId, RunKey, TenantScope, VersionKey};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use store::{EndedRun, IdleBundleVersion, IdleVersion, StoreError, run_key_at};

use crate::SqliteStore;
use crate::error::failed;
use crate::rows::{self, Cells};
use crate::writer::{Transaction, Write};

/// Runs that ended before a time, which are among those that were made before it.
/// Called by `RetentionStore::runs_ended_before`. Walks the key of `dag_run` between two places.
pub(crate) const ENDED_BEFORE: &str = "
SELECT key, dag_id, run_id, ended_at
FROM dag_run
WHERE tenant_id = ?1 AND key > ?2 AND key < ?3 AND state NOT IN ('queued', 'running') AND ended_at < ?4
ORDER BY key
LIMIT ?5";

/// DAGs. Called by `RetentionStore::dag_ids`. Walks the table's key from a place on.
pub(crate) const DAGS: &str = "SELECT dag_id FROM dag WHERE tenant_id = ?1 AND dag_id > ?2 ORDER BY dag_id LIMIT ?3";

/// Ended runs of a DAG before its newest ones.
/// Called by `RetentionStore::runs_beyond`. Walks `dag_run_by_dag` over the newest ones, and then between two places.
pub(crate) const BEYOND: &str = "
SELECT key, dag_id, run_id, ended_at
FROM dag_run
WHERE tenant_id = ?1 AND dag_id = ?2 AND key > ?3
    AND key < (SELECT n.key FROM dag_run AS n WHERE n.tenant_id = ?1 AND n.dag_id = ?2 ORDER BY n.key DESC LIMIT 1 OFFSET ?4 - 1)
    AND state NOT IN ('queued', 'running') AND ended_at IS NOT NULL
ORDER BY key
LIMIT ?5";

/// Called by `RetentionStore::runs_discard`, as is the next one. Finds the row by the key of `dag_run`; adds to the table's key.
pub(crate) const INSERT_DISCARDED: &str = "
INSERT INTO discarded_run (tenant_id, run_key)
SELECT tenant_id, key
FROM dag_run
WHERE tenant_id = ?1 AND key = ?2 AND ended_at = ?3 AND state NOT IN ('queued', 'running')";

/// Finds the row by the key of `dag_run`; takes it from its indexes.
pub(crate) const DELETE_RUN: &str = "DELETE FROM dag_run WHERE tenant_id = ?1 AND key = ?2";

/// Called by `RetentionStore::runs_discarded`. Walks the table's key; its rows are few.
pub(crate) const DISCARDED: &str =
    "SELECT run_key FROM discarded_run WHERE tenant_id = ?1 AND run_key > ?2 ORDER BY run_key LIMIT ?3";

/// Called by `RetentionStore::run_forget`. Finds the row by the table's key.
pub(crate) const FORGET: &str = "DELETE FROM discarded_run WHERE tenant_id = ?1 AND run_key = ?2";

/// The instance up to which rows of a table are deleted at a time, and the statement that does so. All walk the tables' keys over
/// the run.
/// Called by `RetentionStore::run_rows_delete`.
const ROWS_OF_INSTANCES: [(&str, &str); 7] = [
    (LAST_STATE, DELETE_STATES),
    (LAST_ANSWER, DELETE_ANSWERS),
    (LAST_WAIT, DELETE_WAITS),
    (LAST_NOTE, DELETE_NOTES),
    (LAST_XCOM, DELETE_XCOMS),
    (LAST_ATTEMPT, DELETE_ATTEMPTS),
    (LAST_INSTANCE, DELETE_INSTANCES),
];

pub(crate) const LAST_STATE: &str = "
SELECT node, map_index FROM task_state WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1";
pub(crate) const LAST_XCOM: &str = "
SELECT node, map_index FROM xcom WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1";
pub(crate) const LAST_ATTEMPT: &str = "
SELECT node, map_index FROM attempt WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1";
pub(crate) const LAST_INSTANCE: &str = "
SELECT node, map_index FROM task_instance WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1";
pub(crate) const LAST_ANSWER: &str = "
SELECT node, map_index FROM answer WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1";
pub(crate) const LAST_WAIT: &str = "
SELECT node, map_index FROM wait WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1";
pub(crate) const LAST_NOTE: &str = "
SELECT node, map_index FROM task_instance_note WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1";
pub(crate) const DELETE_NOTES: &str =
    "DELETE FROM task_instance_note WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) <= (?3, ?4)";
pub(crate) const DELETE_ANSWERS: &str =
    "DELETE FROM answer WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) <= (?3, ?4)";
pub(crate) const DELETE_WAITS: &str =
    "DELETE FROM wait WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) <= (?3, ?4)";
pub(crate) const DELETE_STATES: &str =
    "DELETE FROM task_state WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) <= (?3, ?4)";
pub(crate) const DELETE_XCOMS: &str =
    "DELETE FROM xcom WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) <= (?3, ?4)";
pub(crate) const DELETE_ATTEMPTS: &str =
    "DELETE FROM attempt WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) <= (?3, ?4)";
pub(crate) const DELETE_INSTANCES: &str =
    "DELETE FROM task_instance WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) <= (?3, ?4)";

/// Contexts of the levels of mapping, a row for each expansion. Called by `RetentionStore::run_rows_delete`. Walks the table's key over the run.
pub(crate) const DELETE_BLOCKS: &str = "DELETE FROM map_block WHERE tenant_id = ?1 AND run_key = ?2";
/// Signals, of which there are not many. Called by `RetentionStore::run_rows_delete`. Walks `signal_by_run` over the run.
pub(crate) const DELETE_SIGNALS: &str = "DELETE FROM signal WHERE tenant_id = ?1 AND run_key = ?2";
/// Tasks of a run, of which there are not many. Called by `RetentionStore::run_rows_delete`. Walks the table's key over the run.
pub(crate) const DELETE_NODES: &str = "DELETE FROM task_node WHERE tenant_id = ?1 AND run_key = ?2";
/// Callbacks, of which there are not many. Called by `RetentionStore::run_rows_delete`, as is the next one. Walks the table's key over the
/// run.
pub(crate) const DELETE_CALLBACKS: &str = "DELETE FROM callback WHERE tenant_id = ?1 AND run_key = ?2";
pub(crate) const DELETE_LEFT_OUT: &str = "DELETE FROM callback_left_out WHERE tenant_id = ?1 AND run_key = ?2";
/// Called by `RetentionStore::run_rows_delete`. Finds the row by the table's key.
pub(crate) const DELETE_INPUT: &str = "DELETE FROM dag_run_input WHERE tenant_id = ?1 AND run_key = ?2";

/// Versions of DAGs that nothing refers to, but for each DAG's newest one.
/// Called by `RetentionStore::versions_idle`. Walks the table's key from a place on; probes `dag_run_by_version`, the key of `dag` and
/// the DAG's unique number.
pub(crate) const IDLE_VERSIONS: &str = "
SELECT v.key, v.dag_id, v.version_number
FROM dag_version AS v
WHERE v.tenant_id = ?1 AND v.key > ?2 AND v.created_at < ?3
    AND NOT EXISTS (SELECT 1 FROM dag_run AS r WHERE r.tenant_id = ?1 AND r.version = v.key)
    AND NOT EXISTS (SELECT 1 FROM dag AS d WHERE d.tenant_id = ?1 AND d.dag_id = v.dag_id AND d.current = v.key)
    AND EXISTS (SELECT 1 FROM dag_version AS n
        WHERE n.tenant_id = ?1 AND n.dag_id = v.dag_id AND n.version_number > v.version_number)
ORDER BY v.key
LIMIT ?4";

/// The same version by version. Called by `RetentionStore::versions_delete`. Finds the row by the table's key; probes as before.
pub(crate) const DELETE_VERSION: &str = "
DELETE FROM dag_version
WHERE tenant_id = ?1 AND key = ?2
    AND NOT EXISTS (SELECT 1 FROM dag_run AS r WHERE r.tenant_id = ?1 AND r.version = ?2)
    AND NOT EXISTS (SELECT 1 FROM dag AS d WHERE d.tenant_id = ?1 AND d.dag_id = dag_version.dag_id AND d.current = ?2)
    AND EXISTS (SELECT 1 FROM dag_version AS n
        WHERE n.tenant_id = ?1 AND n.dag_id = dag_version.dag_id AND n.version_number > dag_version.version_number)";

/// Versions of bundles that nothing refers to.
/// Called by `RetentionStore::bundle_versions_idle`. Walks the table's key from a place on; probes `dag_version_by_bundle_version`
/// and the key of `bundle`.
pub(crate) const IDLE_BUNDLE_VERSIONS: &str = "
SELECT v.key, v.name, v.component, v.size_bytes
FROM bundle_version AS v
WHERE v.tenant_id = ?1 AND v.key > ?2 AND v.created_at < ?3
    AND NOT EXISTS (SELECT 1 FROM dag_version AS d WHERE d.tenant_id = ?1 AND d.bundle_version = v.key)
    AND NOT EXISTS (SELECT 1 FROM bundle AS b WHERE b.tenant_id = ?1 AND b.name = v.name AND b.current = v.key)
ORDER BY v.key
LIMIT ?4";

/// The same version by version. Called by `RetentionStore::bundle_versions_delete`. Finds the row by the table's key; probes as before.
pub(crate) const DELETE_BUNDLE_VERSION: &str = "
DELETE FROM bundle_version
WHERE tenant_id = ?1 AND key = ?2
    AND NOT EXISTS (SELECT 1 FROM dag_version AS d WHERE d.tenant_id = ?1 AND d.bundle_version = ?2)
    AND NOT EXISTS (SELECT 1 FROM bundle AS b WHERE b.tenant_id = ?1 AND b.name = bundle_version.name AND b.current = ?2)";

fn ended(row: &SqliteRow) -> Result<EndedRun, StoreError> {
    let cells = Cells::of(row, "dag_run");
    Ok(EndedRun {
        key: RunKey::from_uuid(cells.uuid("key")?),
        dag_id: cells.parsed("dag_id")?,
        run_id: cells.parsed("run_id")?,
        ended_at: cells.time("ended_at")?,
    })
}

/// Runs to discard.
struct Discard {
    scope: TenantScope,
    runs: Vec<EndedRun>,
}

#[async_trait]
impl Write for Discard {
    type Done = Vec<RunKey>;
    type Error = StoreError;

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<Vec<RunKey>, StoreError> {
        let tenant = rows::tenant(self.scope);
        let mut done = Vec::new();
        for run in &self.runs {
            let key = rows::bytes(run.key.uuid());
            let insert = sqlx::query(INSERT_DISCARDED).bind(tenant).bind(&key).bind(run.ended_at.as_microsecond());
            if insert.execute(tx.conn().await?).await.map_err(failed)?.rows_affected() == 1 {
                let delete = sqlx::query(DELETE_RUN).bind(tenant).bind(&key);
                delete.execute(tx.conn().await?).await.map_err(failed)?;
                done.push(run.key);
            }
        }
        Ok(done)
    }

    fn log_bytes(&self) -> u64 {
        (self.runs.len() as u64) << 14
    }
}

/// A piece of a discarded run to delete.
struct DeleteRows {
    scope: TenantScope,
    run: RunKey,
    limit: u32,
}

#[async_trait]
impl Write for DeleteRows {
    type Done = bool;
    type Error = StoreError;

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<bool, StoreError> {
        let (tenant, run) = (rows::tenant(self.scope), rows::bytes(self.run.uuid()));
        let mut is_done = true;
        for (last, delete) in ROWS_OF_INSTANCES {
            let last = sqlx::query(last).bind(tenant).bind(&run).bind(self.limit.max(1));
            let last = last.fetch_optional(tx.conn().await?).await.map_err(failed)?;
            let (node, map_index) = match &last {
                Some(row) => (row.get::<i64, _>(0), row.get::<i64, _>(1)),
                None => (i64::MAX, i64::MAX),
            };
            let delete = sqlx::query(delete).bind(tenant).bind(&run).bind(node).bind(map_index);
            delete.execute(tx.conn().await?).await.map_err(failed)?;
            is_done &= last.is_none();
        }
        for delete in [DELETE_BLOCKS, DELETE_SIGNALS, DELETE_CALLBACKS, DELETE_LEFT_OUT, DELETE_NODES, DELETE_INPUT] {
            sqlx::query(delete).bind(tenant).bind(&run).execute(tx.conn().await?).await.map_err(failed)?;
        }
        Ok(is_done)
    }

    fn log_bytes(&self) -> u64 {
        (64 << 10) + u64::from(self.limit) * 1024
    }
}

/// One statement for each of these keys of a tenant; how many rows it changed in all.
struct ForEach {
    sql: &'static str,
    scope: TenantScope,
    keys: Vec<Vec<u8>>,
}

#[async_trait]
impl Write for ForEach {
    type Done = u64;
    type Error = StoreError;

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<u64, StoreError> {
        let mut changed = 0;
        for key in &self.keys {
            let query = sqlx::query(self.sql).bind(rows::tenant(self.scope)).bind(key);
            changed += query.execute(tx.conn().await?).await.map_err(failed)?.rows_affected();
        }
        Ok(changed)
    }
}

impl SqliteStore {
    pub(super) async fn ended_before(
        &self,
        scope: TenantScope,
        before: Timestamp,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<EndedRun>, StoreError> {
        let query = sqlx::query(ENDED_BEFORE)
            .bind(rows::tenant(scope))
            .bind(after.map(|key| rows::bytes(key.uuid())).unwrap_or_default())
            .bind(rows::bytes(run_key_at(before).uuid()))
            .bind(before.as_microsecond())
            .bind(limit);
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(ended).collect()
    }

    pub(super) async fn ids_of_dags(
        &self,
        scope: TenantScope,
        after: Option<&DagId>,
        limit: u32,
    ) -> Result<Vec<DagId>, StoreError> {
        let after = after.map_or(String::new(), |id| id.as_str().to_owned());
        let query = sqlx::query(DAGS).bind(rows::tenant(scope)).bind(after).bind(limit);
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(|row| Cells::of(row, "dag").parsed("dag_id")).collect()
    }

    pub(super) async fn beyond(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        keep: u32,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<EndedRun>, StoreError> {
        let query = sqlx::query(BEYOND)
            .bind(rows::tenant(scope))
            .bind(dag_id.as_str().to_owned())
            .bind(after.map(|key| rows::bytes(key.uuid())).unwrap_or_default())
            .bind(keep.max(1))
            .bind(limit);
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(ended).collect()
    }

    pub(super) async fn discard(&self, scope: TenantScope, runs: &[EndedRun]) -> Result<Vec<RunKey>, StoreError> {
        self.writer.apply(Discard { scope, runs: runs.to_vec() }).await
    }

    pub(super) async fn discarded(
        &self,
        scope: TenantScope,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunKey>, StoreError> {
        let after = after.map(|key| rows::bytes(key.uuid())).unwrap_or_default();
        let query = sqlx::query(DISCARDED).bind(rows::tenant(scope)).bind(after).bind(limit);
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(|row| Ok(RunKey::from_uuid(Cells::of(row, "discarded_run").uuid("run_key")?))).collect()
    }

    pub(super) async fn delete_rows(&self, scope: TenantScope, run: RunKey, limit: u32) -> Result<bool, StoreError> {
        self.writer.apply(DeleteRows { scope, run, limit }).await
    }

    pub(super) async fn forget(&self, scope: TenantScope, run: RunKey) -> Result<(), StoreError> {
        self.for_each(FORGET, scope, vec![rows::bytes(run.uuid())]).await.map(drop)
    }

    pub(super) async fn idle_versions(
        &self,
        scope: TenantScope,
        made_before: Timestamp,
        after: Option<VersionKey>,
        limit: u32,
    ) -> Result<Vec<IdleVersion>, StoreError> {
        let after = after.map(|key| rows::bytes(key.uuid())).unwrap_or_default();
        let query = sqlx::query(IDLE_VERSIONS).bind(rows::tenant(scope)).bind(after);
        let query = query.bind(made_before.as_microsecond()).bind(limit);
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        let version = |row: &SqliteRow| {
            let cells = Cells::of(row, "dag_version");
            let (key, dag_id) = (VersionKey::from_uuid(cells.uuid("key")?), cells.parsed("dag_id")?);
            Ok(IdleVersion { key, dag_id, version_number: cells.number("version_number")? })
        };
        found.iter().map(version).collect()
    }

    pub(super) async fn idle_bundle_versions(
        &self,
        scope: TenantScope,
        made_before: Timestamp,
        after: Option<BundleVersionKey>,
        limit: u32,
    ) -> Result<Vec<IdleBundleVersion>, StoreError> {
        let after = after.map(|key| rows::bytes(key.uuid())).unwrap_or_default();
        let query = sqlx::query(IDLE_BUNDLE_VERSIONS).bind(rows::tenant(scope)).bind(after);
        let query = query.bind(made_before.as_microsecond()).bind(limit);
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        let version = |row: &SqliteRow| {
            let cells = Cells::of(row, "bundle_version");
            Ok(IdleBundleVersion {
                key: BundleVersionKey::from_uuid(cells.uuid("key")?),
                name: cells.parsed("name")?,
                component: cells.digest("component")?,
                size_bytes: cells.number("size_bytes")?,
            })
        };
        found.iter().map(version).collect()
    }

    /// Deletes versions, of DAGs or of bundles.
    pub(super) async fn for_each(
        &self,
        sql: &'static str,
        scope: TenantScope,
        keys: Vec<Vec<u8>>,
    ) -> Result<u64, StoreError> {
        self.writer.apply(ForEach { sql, scope, keys }).await
    }
}
