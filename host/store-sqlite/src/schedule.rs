//! Where the schedules of DAGs stand.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{DagId, RunKey, RunState, RunType, TenantId, TenantScope, VersionKey};
use sqlx::sqlite::SqliteRow;
use store::{DatedRun, ScheduleRow, ScheduleState, ScheduleStore, StoreError, UnreadSchedule};

use crate::SqliteStore;
use crate::change::{Bound, Change, bound};
use crate::error::failed;
use crate::rows::{self, Cells};

/// All tenants.
/// Called by `ScheduleStore::schedule_tenants`. Walks the table, which has a row for each tenant.
pub(crate) const TENANTS: &str = "SELECT tenant_id FROM tenant ORDER BY tenant_id";

/// DAGs whose current version was not looked at.
/// Called by `ScheduleStore::schedule_unread`. Walks the key of `dag` over the tenant's DAGs; finds schedules by their key.
pub(crate) const UNREAD: &str = "
SELECT d.dag_id, d.current, s.version, s.digest, s.since, s.cursor, s.next_fire_at, s.last_fire_at, s.skipped
FROM dag AS d
LEFT JOIN dag_schedule AS s ON s.tenant_id = d.tenant_id AND s.dag_id = d.dag_id
WHERE d.tenant_id = ?1 AND d.is_stale = 0 AND s.version IS NOT d.current
ORDER BY d.dag_id
LIMIT ?2";

/// Where a schedule stands, unless it is further.
/// Called by `ScheduleStore::schedule_put`. Finds rows by the keys of `dag` and `dag_schedule`.
pub(crate) const PUT: &str = "
INSERT INTO dag_schedule (tenant_id, dag_id, version, digest, since, cursor, next_fire_at, last_fire_at, skipped, is_paused)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, d.is_paused
FROM dag AS d
WHERE d.tenant_id = ?1 AND d.dag_id = ?2
ON CONFLICT DO UPDATE SET version = excluded.version, digest = excluded.digest, since = excluded.since,
    cursor = excluded.cursor, next_fire_at = excluded.next_fire_at, last_fire_at = excluded.last_fire_at,
    skipped = excluded.skipped
WHERE cursor <= excluded.cursor";

/// The schedule of a DAG.
/// Called by `ScheduleStore::schedule_fetch`. Finds rows by the keys of both tables.
pub(crate) const FETCH: &str = "
SELECT s.dag_id, s.version, s.digest, s.since, s.cursor, s.next_fire_at, s.last_fire_at, s.skipped, d.is_paused,
    d.pause_reason, d.unpaused_at
FROM dag_schedule AS s
CROSS JOIN dag AS d ON d.tenant_id = s.tenant_id AND d.dag_id = s.dag_id
WHERE s.tenant_id = ?1 AND s.dag_id = ?2";

/// Schedules that are due.
/// Called by `ScheduleStore::schedule_due`. Walks `dag_schedule_by_next_fire` up to now; finds DAGs by their key.
pub(crate) const DUE: &str = "
SELECT s.dag_id, s.version, s.digest, s.since, s.cursor, s.next_fire_at, s.last_fire_at, s.skipped, d.is_paused,
    d.pause_reason, d.unpaused_at
FROM dag_schedule AS s INDEXED BY dag_schedule_by_next_fire
CROSS JOIN dag AS d ON d.tenant_id = s.tenant_id AND d.dag_id = s.dag_id
WHERE s.tenant_id = ?1 AND s.next_fire_at <= ?2 AND s.next_fire_at IS NOT NULL AND s.is_paused = 0 AND d.is_stale = 0
    AND d.is_paused = 0
ORDER BY s.next_fire_at
LIMIT ?3";

/// The earliest fire after some time.
/// Called by `ScheduleStore::schedule_next`. Looks into `dag_schedule_by_next_fire` once.
pub(crate) const NEXT: &str = "
SELECT next_fire_at
FROM dag_schedule INDEXED BY dag_schedule_by_next_fire
WHERE tenant_id = ?1 AND next_fire_at > ?2 AND next_fire_at IS NOT NULL AND is_paused = 0
ORDER BY next_fire_at
LIMIT 1";

/// Pauses a DAG, or sets it going; one that is so already stays as it is.
/// Called by `ScheduleStore::dag_pause`. Finds the row by the table's key.
pub(crate) const PAUSE: &str = "
UPDATE dag
SET pause_reason = iif(is_paused = ?3, pause_reason, iif(?3, ?4, NULL)),
    unpaused_at = iif(is_paused = ?3, unpaused_at, iif(?3, unpaused_at, ?5)),
    is_paused = ?3
WHERE tenant_id = ?1 AND dag_id = ?2";

/// The same for its schedule.
/// Called by `ScheduleStore::dag_pause`. Finds the row by the table's key.
pub(crate) const PAUSE_SCHEDULE: &str =
    "UPDATE dag_schedule SET is_paused = ?3 WHERE tenant_id = ?1 AND dag_id = ?2 AND is_paused <> ?3";

/// The run of a date.
/// Called by `ScheduleStore::run_of_date`. Finds it by `dag_run_by_logical_date`.
pub(crate) const RUN_OF_DATE: &str = "
SELECT key, run_id, run_type, state, clears
FROM dag_run INDEXED BY dag_run_by_logical_date
WHERE tenant_id = ?1 AND dag_id = ?2 AND unique_date = ?3";

/// Unfinished runs, counted.
/// Called by `ScheduleStore::runs_unfinished_by_dag`. Walks `dag_run_unfinished`, which holds unfinished runs alone.
pub(crate) const UNFINISHED: &str = "
SELECT dag_id, run_type, count(*) AS runs
FROM dag_run INDEXED BY dag_run_unfinished
WHERE tenant_id = ?1 AND state IN ('queued', 'running')
GROUP BY dag_id, run_type";

/// How the last runs of a DAG ended.
/// Called by `ScheduleStore::runs_ended_last`. Walks `dag_run_by_dag` from its end.
pub(crate) const ENDED_LAST: &str = "
SELECT state
FROM dag_run INDEXED BY dag_run_by_dag
WHERE tenant_id = ?1 AND dag_id = ?2 AND key > ?3 AND state IN ('success', 'failed')
ORDER BY key DESC
LIMIT ?4";

fn state(cells: &Cells<'_>) -> Result<ScheduleState, StoreError> {
    Ok(ScheduleState {
        dag_id: cells.parsed("dag_id")?,
        version: VersionKey::from_uuid(cells.uuid("version")?),
        digest: cells.digest("digest")?,
        since: cells.time("since")?,
        cursor: cells.time("cursor")?,
        next_fire_at: cells.time_opt("next_fire_at")?,
        last_fire_at: cells.time_opt("last_fire_at")?,
        skipped: cells.number("skipped")?,
    })
}

fn row(row: &SqliteRow) -> Result<ScheduleRow, StoreError> {
    let cells = Cells::of(row, "dag_schedule");
    Ok(ScheduleRow {
        state: state(&cells)?,
        is_paused: cells.flag("is_paused")?,
        pause_reason: cells.text_opt("pause_reason")?,
        unpaused_at: cells.time_opt("unpaused_at")?,
    })
}

fn of_dag(scope: TenantScope, dag_id: &DagId) -> Bound {
    bound().and(rows::tenant(scope)).and(dag_id.as_str().to_owned())
}

#[async_trait]
impl ScheduleStore for SqliteStore {
    async fn schedule_tenants(&self) -> Result<Vec<TenantScope>, StoreError> {
        let numbers = sqlx::query_scalar(TENANTS).fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        Ok(numbers.into_iter().map(|number| TenantScope::assume(TenantId::from_row(number))).collect())
    }

    async fn schedule_unread(&self, scope: TenantScope, limit: u32) -> Result<Vec<UnreadSchedule>, StoreError> {
        let query = sqlx::query(UNREAD).bind(rows::tenant(scope)).bind(limit);
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        let unread = found.iter().map(|row| {
            let cells = Cells::of(row, "dag");
            let is_known = cells.uuid_opt("version")?.is_some();
            Ok(UnreadSchedule {
                dag_id: cells.parsed("dag_id")?,
                current: VersionKey::from_uuid(cells.uuid("current")?),
                known: is_known.then(|| state(&cells)).transpose()?,
            })
        });
        unread.collect()
    }

    async fn schedule_put(&self, scope: TenantScope, state: &ScheduleState) -> Result<bool, StoreError> {
        let values = of_dag(scope, &state.dag_id)
            .and(rows::bytes(state.version.uuid()))
            .and(rows::digest(state.digest))
            .and(state.since.as_microsecond())
            .and(state.cursor.as_microsecond())
            .and(rows::micros_opt(state.next_fire_at))
            .and(rows::micros_opt(state.last_fire_at))
            .and(rows::count(state.skipped));
        Ok(self.writer.apply(Change::of(PUT, values, None)).await?.rows == 1)
    }

    async fn schedule_fetch(&self, scope: TenantScope, dag_id: &DagId) -> Result<Option<ScheduleRow>, StoreError> {
        let query = sqlx::query(FETCH).bind(rows::tenant(scope)).bind(dag_id.as_str());
        let found = query.fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
        found.as_ref().map(row).transpose()
    }

    async fn schedule_due(
        &self,
        scope: TenantScope,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ScheduleRow>, StoreError> {
        let query = sqlx::query(DUE).bind(rows::tenant(scope)).bind(now.as_microsecond()).bind(limit);
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(row).collect()
    }

    async fn schedule_next(&self, scope: TenantScope, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let query = sqlx::query(NEXT).bind(rows::tenant(scope)).bind(after.as_microsecond());
        let found = query.fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
        found.map(|row| Cells::of(&row, "dag_schedule").time("next_fire_at")).transpose()
    }

    async fn dag_pause(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        is_paused: bool,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let of_dag = || of_dag(scope, dag_id).and(is_paused);
        let pause = of_dag().and(rows::text_opt(reason)).and(now.as_microsecond());
        let change = Change::of(PAUSE, pause, Some(1)).then(PAUSE_SCHEDULE, of_dag());
        Ok(self.writer.apply(change).await?.rows == 1)
    }

    async fn run_of_date(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        logical_date: Timestamp,
    ) -> Result<Option<DatedRun>, StoreError> {
        let query = sqlx::query(RUN_OF_DATE).bind(rows::tenant(scope)).bind(dag_id.as_str());
        let query = query.bind(logical_date.as_microsecond());
        let found = query.fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
        let dated = found.map(|row| {
            let cells = Cells::of(&row, "dag_run");
            Ok(DatedRun {
                key: RunKey::from_uuid(cells.uuid("key")?),
                run_id: cells.parsed("run_id")?,
                run_type: cells.parsed("run_type")?,
                state: cells.parsed("state")?,
                clears: cells.number("clears")?,
            })
        });
        dated.transpose()
    }

    async fn runs_unfinished_by_dag(&self, scope: TenantScope) -> Result<Vec<(DagId, RunType, u64)>, StoreError> {
        let query = sqlx::query(UNFINISHED).bind(rows::tenant(scope));
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        let counts = found.iter().map(|row| {
            let cells = Cells::of(row, "dag_run");
            Ok((cells.parsed("dag_id")?, cells.parsed("run_type")?, cells.number("runs")?))
        });
        counts.collect()
    }

    async fn runs_ended_last(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunState>, StoreError> {
        let after = after.map_or_else(|| vec![0; 16], |run| rows::bytes(run.uuid()));
        let query = sqlx::query(ENDED_LAST).bind(rows::tenant(scope)).bind(dag_id.as_str()).bind(after).bind(limit);
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(|row| Cells::of(row, "dag_run").parsed("state")).collect()
    }
}
