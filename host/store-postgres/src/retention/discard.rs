//! What goes: runs that ended long ago, versions that nothing refers to.

use jiff::Timestamp;
use model::{BundleVersionKey, DagId, RunKey, TenantScope, VersionKey};
use sqlx::postgres::PgRow;
use store::{EndedRun, IdleBundleVersion, IdleVersion, StoreError, run_key_at};
use uuid::Uuid;

use crate::PostgresStore;
use crate::rows::{self, Cells};

/// Runs that ended before a time, which are among those that were made before it.
/// Called by `RetentionStore::runs_ended_before`. Walks the key of `dag_run_state` between two places; probes the key of `dag_run`.
pub(crate) const ENDED_BEFORE: &str = "
SELECT s.run_key AS key, r.dag_id, r.run_id, s.ended_at
FROM dag_run_state AS s
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = $1 AND r.key = s.run_key OFFSET 0) AS r
WHERE s.tenant_id = $1 AND s.run_key > $2 AND s.run_key < $3 AND s.state NOT IN ('queued', 'running') AND s.ended_at < $4
ORDER BY s.run_key
LIMIT $5";

/// DAGs. Called by `RetentionStore::dag_ids`. Walks the table's key from a place on.
pub(crate) const DAGS: &str = "SELECT dag_id FROM dag WHERE tenant_id = $1 AND dag_id > $2 ORDER BY dag_id LIMIT $3";

/// Ended runs of a DAG before its newest ones.
/// Called by `RetentionStore::runs_beyond`. Walks `dag_run_by_dag` over the newest ones, and then between two places; probes the
/// key of `dag_run_state`.
pub(crate) const BEYOND: &str = "
SELECT r.key, r.dag_id, r.run_id, s.ended_at
FROM dag_run AS r
CROSS JOIN LATERAL (SELECT * FROM dag_run_state AS s WHERE s.tenant_id = $1 AND s.run_key = r.key OFFSET 0) AS s
WHERE r.tenant_id = $1 AND r.dag_id = $2 AND r.key > $3
    AND r.key < (SELECT n.key FROM dag_run AS n WHERE n.tenant_id = $1 AND n.dag_id = $2 ORDER BY n.key DESC LIMIT 1 OFFSET $4)
    AND s.state NOT IN ('queued', 'running') AND s.ended_at IS NOT NULL
ORDER BY r.key
LIMIT $5";

/// Discards runs that are as they were read.
/// Called by `RetentionStore::runs_discard`. Finds rows by the keys of `dag_run_state` and `dag_run`; locks them; adds to the key of
/// `discarded_run`.
pub(crate) const DISCARD: &str = "
WITH gone AS (
    DELETE FROM dag_run_state AS s
    USING (SELECT * FROM unnest($2::uuid[], $3::bigint[]) AS u (run_key, ended_at) LIMIT cardinality($2)) AS e
    WHERE s.tenant_id = $1 AND s.run_key = e.run_key AND s.ended_at = e.ended_at AND s.state NOT IN ('queued', 'running')
    RETURNING s.run_key),
runs AS (DELETE FROM dag_run AS r WHERE r.tenant_id = $1 AND r.key = ANY(ARRAY(SELECT run_key FROM gone)))
INSERT INTO discarded_run (tenant_id, run_key)
SELECT $1, run_key FROM gone
RETURNING run_key";

/// Called by `RetentionStore::runs_discarded`. Walks the table's key; its rows are few.
pub(crate) const DISCARDED: &str =
    "SELECT run_key FROM discarded_run WHERE tenant_id = $1 AND run_key > $2 ORDER BY run_key LIMIT $3";

/// Called by `RetentionStore::run_forget`. Finds the row by the table's key.
pub(crate) const FORGET: &str = "DELETE FROM discarded_run WHERE tenant_id = $1 AND run_key = $2";

/// Pieces of what a run leaves. Each walks a key of its table over the run, and finds what it deletes by its place.
/// Called by `RetentionStore::run_rows_delete`.
pub(crate) const DELETE_STATES: &str = "
DELETE FROM task_state WHERE ctid = ANY(ARRAY(SELECT ctid FROM task_state WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";
pub(crate) const DELETE_XCOMS: &str = "
DELETE FROM xcom WHERE ctid = ANY(ARRAY(SELECT ctid FROM xcom WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";
pub(crate) const DELETE_ATTEMPTS: &str = "
DELETE FROM attempt WHERE ctid = ANY(ARRAY(SELECT ctid FROM attempt WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";
pub(crate) const DELETE_INSTANCES: &str = "
DELETE FROM task_instance
WHERE ctid = ANY(ARRAY(SELECT ctid FROM task_instance WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";
pub(crate) const DELETE_NODES: &str = "
DELETE FROM task_node WHERE ctid = ANY(ARRAY(SELECT ctid FROM task_node WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";
pub(crate) const DELETE_INPUT: &str = "
DELETE FROM dag_run_input
WHERE ctid = ANY(ARRAY(SELECT ctid FROM dag_run_input WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";
pub(crate) const DELETE_WORK: &str = "
DELETE FROM work WHERE ctid = ANY(ARRAY(SELECT ctid FROM work WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";
pub(crate) const DELETE_EVENTS: &str = "
DELETE FROM event WHERE ctid = ANY(ARRAY(SELECT ctid FROM event WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";
pub(crate) const DELETE_ANSWERS: &str = "
DELETE FROM answer WHERE ctid = ANY(ARRAY(SELECT ctid FROM answer WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";
pub(crate) const DELETE_NOTES: &str = "
DELETE FROM task_instance_note
WHERE ctid = ANY(ARRAY(SELECT ctid FROM task_instance_note WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";
pub(crate) const DELETE_WAITS: &str = "
DELETE FROM wait WHERE ctid = ANY(ARRAY(SELECT ctid FROM wait WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";
pub(crate) const DELETE_BLOCKS: &str = "
DELETE FROM map_block WHERE ctid = ANY(ARRAY(SELECT ctid FROM map_block WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";
pub(crate) const DELETE_CALLBACKS: &str = "
DELETE FROM callback WHERE ctid = ANY(ARRAY(SELECT ctid FROM callback WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";
pub(crate) const DELETE_LEFT_OUT: &str = "
DELETE FROM callback_left_out
WHERE ctid = ANY(ARRAY(SELECT ctid FROM callback_left_out WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";
pub(crate) const DELETE_SIGNALS: &str = "
DELETE FROM signal WHERE ctid = ANY(ARRAY(SELECT ctid FROM signal WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))";

/// All of them.
const PIECES: [&str; 15] = [
    DELETE_ANSWERS,
    DELETE_NOTES,
    DELETE_WAITS,
    DELETE_BLOCKS,
    DELETE_CALLBACKS,
    DELETE_LEFT_OUT,
    DELETE_SIGNALS,
    DELETE_WORK,
    DELETE_EVENTS,
    DELETE_STATES,
    DELETE_XCOMS,
    DELETE_ATTEMPTS,
    DELETE_INSTANCES,
    DELETE_NODES,
    DELETE_INPUT,
];

/// Versions of DAGs that nothing refers to, but for each DAG's newest one.
/// Called by `RetentionStore::versions_idle`. Walks the table's key from a place on; probes `dag_run_by_version`, the key of `dag` and
/// the DAG's unique number.
pub(crate) const IDLE_VERSIONS: &str = "
SELECT v.key, v.dag_id, v.version_number
FROM dag_version AS v
WHERE v.tenant_id = $1 AND v.key > $2 AND v.created_at < $3
    AND NOT EXISTS (SELECT 1 FROM dag_run_state AS s WHERE s.tenant_id = $1 AND s.version = v.key OFFSET 0)
    AND NOT EXISTS (SELECT 1 FROM dag AS d WHERE d.tenant_id = $1 AND d.dag_id = v.dag_id AND d.current = v.key OFFSET 0)
    AND EXISTS (SELECT 1 FROM dag_version AS n
        WHERE n.tenant_id = $1 AND n.dag_id = v.dag_id AND n.version_number > v.version_number OFFSET 0)
ORDER BY v.key
LIMIT $4";

/// Keeps others from referring to versions, but for those that somebody refers to at this moment.
/// Called by `RetentionStore::versions_delete`. Finds rows by the table's key; locks them.
pub(crate) const LOCK_VERSIONS: &str = "
SELECT v.key FROM dag_version AS v WHERE v.tenant_id = $1 AND v.key = ANY($2) FOR UPDATE SKIP LOCKED";

/// Called by `RetentionStore::versions_delete`. Finds rows by the table's key; probes as before.
pub(crate) const DELETE_VERSIONS: &str = "
DELETE FROM dag_version AS v
WHERE v.tenant_id = $1 AND v.key = ANY($2)
    AND NOT EXISTS (SELECT 1 FROM dag_run_state AS s WHERE s.tenant_id = $1 AND s.version = v.key OFFSET 0)
    AND NOT EXISTS (SELECT 1 FROM dag AS d WHERE d.tenant_id = $1 AND d.dag_id = v.dag_id AND d.current = v.key OFFSET 0)
    AND EXISTS (SELECT 1 FROM dag_version AS n
        WHERE n.tenant_id = $1 AND n.dag_id = v.dag_id AND n.version_number > v.version_number OFFSET 0)";

/// Versions of bundles that nothing refers to.
/// Called by `RetentionStore::bundle_versions_idle`. Walks the table's key from a place on; probes `dag_version_by_bundle_version`
/// and the key of `bundle`.
pub(crate) const IDLE_BUNDLE_VERSIONS: &str = "
SELECT v.key, v.name, v.component, v.size_bytes
FROM bundle_version AS v
WHERE v.tenant_id = $1 AND v.key > $2 AND v.created_at < $3
    AND NOT EXISTS (SELECT 1 FROM dag_version AS d WHERE d.tenant_id = $1 AND d.bundle_version = v.key OFFSET 0)
    AND NOT EXISTS (SELECT 1 FROM bundle AS b WHERE b.tenant_id = $1 AND b.name = v.name AND b.current = v.key OFFSET 0)
ORDER BY v.key
LIMIT $4";

/// Called by `RetentionStore::bundle_versions_delete`. Finds rows by the table's key; locks them.
pub(crate) const LOCK_BUNDLE_VERSIONS: &str = "
SELECT v.key FROM bundle_version AS v WHERE v.tenant_id = $1 AND v.key = ANY($2) FOR UPDATE SKIP LOCKED";

/// Called by `RetentionStore::bundle_versions_delete`. Finds rows by the table's key; probes as before.
pub(crate) const DELETE_BUNDLE_VERSIONS: &str = "
DELETE FROM bundle_version AS v
WHERE v.tenant_id = $1 AND v.key = ANY($2)
    AND NOT EXISTS (SELECT 1 FROM dag_version AS d WHERE d.tenant_id = $1 AND d.bundle_version = v.key OFFSET 0)
    AND NOT EXISTS (SELECT 1 FROM bundle AS b WHERE b.tenant_id = $1 AND b.name = v.name AND b.current = v.key OFFSET 0)";

fn ended(row: &PgRow) -> Result<EndedRun, StoreError> {
    let cells = Cells::of(row, "dag_run");
    Ok(EndedRun {
        key: RunKey::from_uuid(cells.uuid("key")?),
        dag_id: cells.parsed("dag_id")?,
        run_id: cells.parsed("run_id")?,
        ended_at: cells.time("ended_at")?,
    })
}

fn run(row: &PgRow) -> Result<RunKey, StoreError> {
    Cells::of(row, "discarded_run").uuid("run_key").map(RunKey::from_uuid)
}

impl PostgresStore {
    pub(super) async fn ended_before(
        &self,
        scope: TenantScope,
        before: Timestamp,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<EndedRun>, StoreError> {
        let query = sqlx::query(ENDED_BEFORE)
            .bind(rows::tenant(scope))
            .bind(after.map_or(Uuid::nil(), RunKey::uuid))
            .bind(run_key_at(before).uuid())
            .bind(before.as_microsecond())
            .bind(i64::from(limit));
        self.session().await?.all(query).await?.iter().map(ended).collect()
    }

    pub(super) async fn ids_of_dags(
        &self,
        scope: TenantScope,
        after: Option<&DagId>,
        limit: u32,
    ) -> Result<Vec<DagId>, StoreError> {
        let after = after.map_or(String::new(), |id| id.as_str().to_owned());
        let query = sqlx::query(DAGS).bind(rows::tenant(scope)).bind(after).bind(i64::from(limit));
        let found = self.session().await?.all(query).await?;
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
            .bind(after.map_or(Uuid::nil(), RunKey::uuid))
            .bind(i64::from(keep.max(1)) - 1)
            .bind(i64::from(limit));
        self.session().await?.all(query).await?.iter().map(ended).collect()
    }

    pub(super) async fn discard(&self, scope: TenantScope, runs: &[EndedRun]) -> Result<Vec<RunKey>, StoreError> {
        let keys: Vec<_> = runs.iter().map(|run| run.key.uuid()).collect();
        let ends: Vec<_> = runs.iter().map(|run| run.ended_at.as_microsecond()).collect();
        let query = sqlx::query(DISCARD).bind(rows::tenant(scope)).bind(keys).bind(ends);
        self.session().await?.all(query).await?.iter().map(run).collect()
    }

    pub(super) async fn discarded(
        &self,
        scope: TenantScope,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunKey>, StoreError> {
        let after = after.map_or(Uuid::nil(), RunKey::uuid);
        let query = sqlx::query(DISCARDED).bind(rows::tenant(scope)).bind(after).bind(i64::from(limit));
        self.session().await?.all(query).await?.iter().map(run).collect()
    }

    pub(super) async fn delete_rows(&self, scope: TenantScope, run: RunKey, limit: u32) -> Result<bool, StoreError> {
        let mut session = self.session().await?;
        let mut is_done = true;
        for sql in PIECES {
            let limit = limit.max(1);
            let query = sqlx::query(sql).bind(rows::tenant(scope)).bind(run.uuid()).bind(i64::from(limit));
            is_done &= session.execute(query).await? < u64::from(limit);
        }
        Ok(is_done)
    }

    pub(super) async fn forget(&self, scope: TenantScope, run: RunKey) -> Result<(), StoreError> {
        let query = sqlx::query(FORGET).bind(rows::tenant(scope)).bind(run.uuid());
        self.session().await?.execute(query).await?;
        Ok(())
    }

    pub(super) async fn idle_versions(
        &self,
        scope: TenantScope,
        made_before: Timestamp,
        after: Option<VersionKey>,
        limit: u32,
    ) -> Result<Vec<IdleVersion>, StoreError> {
        let after = after.map_or(Uuid::nil(), VersionKey::uuid);
        let query = sqlx::query(IDLE_VERSIONS).bind(rows::tenant(scope)).bind(after);
        let query = query.bind(made_before.as_microsecond()).bind(i64::from(limit));
        let version = |row: &PgRow| {
            let cells = Cells::of(row, "dag_version");
            let (key, dag_id) = (VersionKey::from_uuid(cells.uuid("key")?), cells.parsed("dag_id")?);
            Ok(IdleVersion { key, dag_id, version_number: cells.number("version_number")? })
        };
        self.session().await?.all(query).await?.iter().map(version).collect()
    }

    pub(super) async fn idle_bundle_versions(
        &self,
        scope: TenantScope,
        made_before: Timestamp,
        after: Option<BundleVersionKey>,
        limit: u32,
    ) -> Result<Vec<IdleBundleVersion>, StoreError> {
        let after = after.map_or(Uuid::nil(), BundleVersionKey::uuid);
        let query = sqlx::query(IDLE_BUNDLE_VERSIONS).bind(rows::tenant(scope)).bind(after);
        let query = query.bind(made_before.as_microsecond()).bind(i64::from(limit));
        let version = |row: &PgRow| {
            let cells = Cells::of(row, "bundle_version");
            Ok(IdleBundleVersion {
                key: BundleVersionKey::from_uuid(cells.uuid("key")?),
                name: cells.parsed("name")?,
                component: cells.digest("component")?,
                size_bytes: cells.number("size_bytes")?,
            })
        };
        self.session().await?.all(query).await?.iter().map(version).collect()
    }

    /// Deletes versions, of DAGs or of bundles, that nothing refers to once nobody can refer to them any more.
    pub(super) async fn delete_idle(
        &self,
        lock: &'static str,
        delete: &'static str,
        scope: TenantScope,
        keys: Vec<Uuid>,
    ) -> Result<u64, StoreError> {
        let mut session = self.session().await?;
        session.begin("BEGIN").await?;
        let locked = session.all(sqlx::query(lock).bind(rows::tenant(scope)).bind(keys)).await?;
        let locked = locked.iter().map(|row| Cells::of(row, "version").uuid("key")).collect::<Result<Vec<_>, _>>()?;
        // A statement of its own, which sees everything that was committed before the locks.
        let deleted = session.execute(sqlx::query(delete).bind(rows::tenant(scope)).bind(locked)).await?;
        session.commit().await?;
        Ok(deleted)
    }
}
