//! Backfills and their dates.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{BackfillId, BackfillState, DagId, RunKey, SliceState, TenantScope, VersionKey};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use store::{
    BackfillRow, BackfillStore, BegunSlice, NewBackfill, NewSlice, Page, PageRequest, SliceRow, StoreError, storable,
};

use crate::SqliteStore;
use crate::change::{Bound, Change, bound};
use crate::commit::json;
use crate::error::failed;
use crate::rows::{self, Cells};

/// A backfill, unless another one of the DAG has not ended.
/// Called by `BackfillStore::backfill_insert`. Probes `backfill_unfinished`; adds to the table's indexes.
pub(crate) const INSERT: &str = "
INSERT INTO backfill (tenant_id, dag_id, state, from_date, to_date, is_backwards, reprocess, max_active_runs, version, conf,
    params, created_by, created_at, updated_at)
VALUES (?1, ?2, 'running', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)
ON CONFLICT DO NOTHING";

/// Its dates.
/// Called by `BackfillStore::backfill_insert`, after the backfill. Adds to the table's key and to `backfill_slice_open`.
pub(crate) const INSERT_SLICES: &str = "
INSERT INTO backfill_slice (tenant_id, backfill_id, ordinal, logical_date, interval_from, interval_to, run_after, state)
SELECT ?1, last_insert_rowid(), e.key, e.value ->> 0, e.value ->> 1, e.value ->> 2, e.value ->> 3, 'waiting'
FROM json_each(?2) AS e";

/// One backfill.
/// Called by `BackfillStore::backfill_fetch`. Finds it by its number.
pub(crate) const FETCH: &str = "SELECT * FROM backfill WHERE id = ?2 AND tenant_id = ?1";

/// Backfills that have not ended.
/// Called by `BackfillStore::backfills_in`. Walks `backfill_unfinished`, which holds those alone.
pub(crate) const UNFINISHED: &str = "
SELECT *
FROM backfill INDEXED BY backfill_unfinished
WHERE tenant_id = ?1 AND state IN ('running', 'paused') AND state = ?2
ORDER BY id";

/// Another state.
/// Called by `BackfillStore::backfill_move`. Finds the row by its number.
pub(crate) const MOVE: &str = "
UPDATE backfill SET state = ?3, updated_at = ?4, ended_at = ?5
WHERE id = ?2 AND tenant_id = ?1 AND state IN (SELECT value FROM json_each(?6))";

/// Dates in their order, with their runs.
/// Called by `BackfillStore::slice_list`. Walks the table's key over the backfill; finds runs by their key.
pub(crate) const SLICES: &str = "
SELECT s.ordinal, s.logical_date, s.interval_from, s.interval_to, s.run_after, s.state, s.run_key, s.clears_before,
    r.state AS run_state, r.clears
FROM backfill_slice AS s
LEFT JOIN dag_run AS r ON r.tenant_id = s.tenant_id AND r.key = s.run_key
WHERE s.tenant_id = ?1 AND s.backfill_id = ?2
ORDER BY s.ordinal
LIMIT ?3 OFFSET ?4";

/// How many dates there are.
/// Called by `BackfillStore::slice_list`. Walks the table's key over the backfill.
pub(crate) const COUNT_SLICES: &str =
    "SELECT count(*) FROM (SELECT 1 FROM backfill_slice WHERE tenant_id = ?1 AND backfill_id = ?2 LIMIT ?3)";

/// The first dates in a state, with their runs.
/// Called by `BackfillStore::slices_in`. Walks the table's key over the backfill; finds runs by their key.
pub(crate) const SLICES_IN: &str = "
SELECT s.ordinal, s.logical_date, s.interval_from, s.interval_to, s.run_after, s.state, s.run_key, s.clears_before,
    r.state AS run_state, r.clears
FROM backfill_slice AS s
LEFT JOIN dag_run AS r ON r.tenant_id = s.tenant_id AND r.key = s.run_key
WHERE s.tenant_id = ?1 AND s.backfill_id = ?2 AND s.state = ?3
ORDER BY s.ordinal
LIMIT ?4";

/// The same for a state that is not an end.
/// Called by `BackfillStore::slices_in`. Walks `backfill_slice_open` over the state; finds runs by their key.
pub(crate) const SLICES_OPEN: &str = "
SELECT s.ordinal, s.logical_date, s.interval_from, s.interval_to, s.run_after, s.state, s.run_key, s.clears_before,
    r.state AS run_state, r.clears
FROM backfill_slice AS s INDEXED BY backfill_slice_open
LEFT JOIN dag_run AS r ON r.tenant_id = s.tenant_id AND r.key = s.run_key
WHERE s.tenant_id = ?1 AND s.backfill_id = ?2 AND s.state = ?3 AND s.state IN ('waiting', 'begun')
ORDER BY s.ordinal
LIMIT ?4";

/// Begins a date that waits, of a backfill that runs.
/// Called by `BackfillStore::slice_begin`. Finds rows by the table's key and the backfill's number.
pub(crate) const BEGIN: &str = "
UPDATE backfill_slice SET state = 'begun', run_key = ?4, clears_before = ?5
WHERE tenant_id = ?1 AND backfill_id = ?2 AND ordinal = ?3 AND state = 'waiting'
    AND EXISTS (SELECT 1 FROM backfill AS b WHERE b.id = ?2 AND b.tenant_id = ?1 AND b.state = 'running')";

/// Ends a date.
/// Called by `BackfillStore::slice_end`. Finds the row by the table's key.
pub(crate) const END: &str = "
UPDATE backfill_slice SET state = ?4
WHERE tenant_id = ?1 AND backfill_id = ?2 AND ordinal = ?3 AND state IN ('waiting', 'begun')";

fn push_filter(query: &mut QueryBuilder<Sqlite>, scope: TenantScope, dag_id: Option<&DagId>) {
    query.push(" FROM backfill WHERE tenant_id = ").push_bind(rows::tenant(scope));
    if let Some(dag_id) = dag_id {
        query.push(" AND dag_id = ").push_bind(dag_id.as_str().to_owned());
    }
}

/// Backfills, newest first.
/// Called by `BackfillStore::backfill_list`. Walks `backfill_by_tenant` or `backfill_by_dag`, and stops at the page's end.
pub(crate) fn list_query(scope: TenantScope, dag_id: Option<&DagId>, page: PageRequest) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT *");
    push_filter(&mut query, scope, dag_id);
    query.push(" ORDER BY id DESC LIMIT ").push_bind(page.limit).push(" OFFSET ").push_bind(page.offset);
    query
}

/// How many there are.
pub(crate) fn count_query(scope: TenantScope, dag_id: Option<&DagId>) -> QueryBuilder<Sqlite> {
    rows::count_query(|query| push_filter(query, scope, dag_id))
}

fn row(row: &SqliteRow) -> Result<BackfillRow, StoreError> {
    let cells = Cells::of(row, "backfill");
    Ok(BackfillRow {
        id: BackfillId::from_number(cells.number("id")?),
        dag_id: cells.parsed("dag_id")?,
        state: cells.parsed("state")?,
        from: cells.time("from_date")?,
        to: cells.time("to_date")?,
        is_backwards: cells.flag("is_backwards")?,
        reprocess: cells.parsed("reprocess")?,
        max_active_runs: cells.number("max_active_runs")?,
        version: cells.uuid_opt("version")?.map(VersionKey::from_uuid),
        conf: cells.shared("conf")?,
        params: cells.text_opt("params")?.map(Into::into),
        created_by: cells.text("created_by")?.to_owned(),
        created_at: cells.time("created_at")?,
        updated_at: cells.time("updated_at")?,
        ended_at: cells.time_opt("ended_at")?,
    })
}

fn slice(row: &SqliteRow) -> Result<SliceRow, StoreError> {
    let cells = Cells::of(row, "backfill_slice");
    let run = cells.uuid_opt("run_key")?.map(RunKey::from_uuid);
    let begun = run.map(|run| {
        let is_there = cells.number_opt::<i64>("clears")?.is_some();
        let now = is_there.then(|| Ok::<_, StoreError>((cells.parsed("run_state")?, cells.number("clears")?)));
        Ok::<_, StoreError>(BegunSlice {
            run,
            clears_before: cells.number_opt("clears_before")?,
            now: now.transpose()?,
        })
    });
    Ok(SliceRow {
        ordinal: cells.number("ordinal")?,
        slice: NewSlice {
            logical_date: cells.time("logical_date")?,
            data_interval: (cells.time("interval_from")?, cells.time("interval_to")?),
            run_after: cells.time("run_after")?,
        },
        state: cells.parsed("state")?,
        begun: begun.transpose()?,
    })
}

fn of_slice(scope: TenantScope, id: BackfillId, ordinal: u32) -> Bound {
    bound().and(rows::tenant(scope)).and(id.number()).and(ordinal)
}

#[async_trait]
impl BackfillStore for SqliteStore {
    async fn backfill_insert(&self, scope: TenantScope, backfill: &NewBackfill) -> Result<BackfillId, StoreError> {
        let values = bound()
            .and(rows::tenant(scope))
            .and(backfill.dag_id.as_str().to_owned())
            .and(backfill.from.as_microsecond())
            .and(backfill.to.as_microsecond())
            .and(backfill.is_backwards)
            .and(backfill.reprocess.as_str())
            .and(backfill.max_active_runs)
            .and(backfill.version.map(|version| rows::bytes(version.uuid())))
            .and(storable(&backfill.conf).into_owned())
            .and(rows::text_opt(backfill.params.as_deref()))
            .and(storable(&backfill.created_by).into_owned())
            .and(backfill.created_at.as_microsecond());
        let slices = json(backfill.slices.iter().map(|slice| {
            let (from, to) = slice.data_interval;
            [slice.logical_date, from, to, slice.run_after].map(Timestamp::as_microsecond)
        }))?;
        let change =
            Change::of(INSERT, values, Some(1)).then(INSERT_SLICES, bound().and(rows::tenant(scope)).and(slices));
        let changed = self.writer.apply(change).await?;
        if changed.rows == 1 {
            return Ok(BackfillId::from_number(changed.id));
        }
        let (name, why) = (backfill.dag_id.to_string(), "has not ended");
        Err(StoreError::Conflict { what: "the backfill of", name, why })
    }

    async fn backfill_fetch(&self, scope: TenantScope, id: BackfillId) -> Result<Option<BackfillRow>, StoreError> {
        let query = sqlx::query(FETCH).bind(rows::tenant(scope)).bind(id.number());
        let found = query.fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
        found.as_ref().map(row).transpose()
    }

    async fn backfill_list(
        &self,
        scope: TenantScope,
        dag_id: Option<&DagId>,
        page: PageRequest,
    ) -> Result<Page<BackfillRow>, StoreError> {
        let mut conn = self.reader().await?;
        rows::paged(&mut conn, page, list_query(scope, dag_id, page), count_query(scope, dag_id), row).await
    }

    async fn backfills_in(&self, scope: TenantScope, state: BackfillState) -> Result<Vec<BackfillRow>, StoreError> {
        let query = sqlx::query(UNFINISHED).bind(rows::tenant(scope)).bind(state.as_str());
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(row).collect()
    }

    async fn backfill_move(
        &self,
        scope: TenantScope,
        id: BackfillId,
        to: BackfillState,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let before = BackfillState::ALL.iter().filter(|from| from.may_become(to)).map(|from| from.as_str());
        let now = now.as_microsecond();
        let values = bound()
            .and(rows::tenant(scope))
            .and(id.number())
            .and(to.as_str())
            .and(now)
            .and(to.is_ended().then_some(now))
            .and(json(before)?);
        Ok(self.writer.apply(Change::of(MOVE, values, None)).await?.rows == 1)
    }

    async fn slice_list(
        &self,
        scope: TenantScope,
        id: BackfillId,
        page: PageRequest,
    ) -> Result<Page<SliceRow>, StoreError> {
        let mut conn = self.reader().await?;
        let query = sqlx::query(SLICES).bind(rows::tenant(scope)).bind(id.number()).bind(page.limit).bind(page.offset);
        let found = query.fetch_all(&mut *conn).await.map_err(failed)?;
        let total = match rows::total_if_last(page, found.len()) {
            Some(total) => total,
            None => {
                let count = sqlx::query_scalar(COUNT_SLICES).bind(rows::tenant(scope)).bind(id.number());
                let count: i64 = count.bind(rows::TOTAL_MAX).fetch_one(&mut *conn).await.map_err(failed)?;
                count.unsigned_abs()
            }
        };
        Ok(Page { rows: found.iter().map(slice).collect::<Result<_, _>>()?, total })
    }

    async fn slices_in(
        &self,
        scope: TenantScope,
        id: BackfillId,
        state: SliceState,
        limit: u32,
    ) -> Result<Vec<SliceRow>, StoreError> {
        let is_open = matches!(state, SliceState::Waiting | SliceState::Begun);
        let query = sqlx::query(if is_open { SLICES_OPEN } else { SLICES_IN });
        let query = query.bind(rows::tenant(scope)).bind(id.number()).bind(state.as_str()).bind(limit);
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(slice).collect()
    }

    async fn slice_begin(
        &self,
        scope: TenantScope,
        id: BackfillId,
        ordinal: u32,
        begun: BegunSlice,
    ) -> Result<bool, StoreError> {
        let values = of_slice(scope, id, ordinal).and(rows::bytes(begun.run.uuid())).and(begun.clears_before);
        Ok(self.writer.apply(Change::of(BEGIN, values, None)).await?.rows == 1)
    }

    async fn slice_end(
        &self,
        scope: TenantScope,
        id: BackfillId,
        ordinal: u32,
        to: SliceState,
    ) -> Result<bool, StoreError> {
        let values = of_slice(scope, id, ordinal).and(to.as_str());
        Ok(self.writer.apply(Change::of(END, values, None)).await?.rows == 1)
    }
}
