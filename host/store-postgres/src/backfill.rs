//! Backfills and their dates.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{BackfillId, BackfillState, DagId, RunKey, SliceState, TenantScope, VersionKey};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};
use store::{
    BackfillRow, BackfillStore, BegunSlice, NewBackfill, NewSlice, Page, PageRequest, SliceRow, StoreError, storable,
};

use crate::PostgresStore;
use crate::rows::{self, Cells};
use crate::session::Query;

/// A backfill and its dates, unless another one of the DAG has not ended.
/// Called by `BackfillStore::backfill_insert`. Probes `backfill_unfinished`; adds to the indexes of both tables.
pub(crate) const INSERT: &str = "
WITH made AS (
    INSERT INTO backfill (tenant_id, dag_id, state, from_date, to_date, is_backwards, reprocess, max_active_runs, version, conf,
        params, created_by, created_at, updated_at)
    VALUES ($1, $2, 'running', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
    ON CONFLICT DO NOTHING
    RETURNING id),
slices AS (
    INSERT INTO backfill_slice (tenant_id, backfill_id, ordinal, logical_date, interval_from, interval_to, run_after, state)
    SELECT $1, made.id, e.ordinal - 1, e.logical_date, e.interval_from, e.interval_to, e.run_after, 'waiting'
    FROM made, unnest($13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[])
        WITH ORDINALITY AS e (logical_date, interval_from, interval_to, run_after, ordinal))
SELECT id FROM made";

/// One backfill.
/// Called by `BackfillStore::backfill_fetch`. Finds it by its number.
pub(crate) const FETCH: &str = "SELECT * FROM backfill WHERE id = $2 AND tenant_id = $1";

/// Backfills that have not ended.
/// Called by `BackfillStore::backfills_in`. Walks `backfill_unfinished`, which holds those alone.
pub(crate) const UNFINISHED: &str = "
SELECT *
FROM backfill
WHERE tenant_id = $1 AND state IN ('running', 'paused') AND state = $2";

/// Another state.
/// Called by `BackfillStore::backfill_move`. Finds the row by its number.
pub(crate) const MOVE: &str = "
UPDATE backfill SET state = $3, updated_at = $4, ended_at = $5
WHERE id = $2 AND tenant_id = $1 AND state = ANY($6)";

/// Dates in their order, with their runs.
/// Called by `BackfillStore::slice_list`. Walks the table's key over the backfill; finds runs by their key.
pub(crate) const SLICES: &str = "
SELECT s.ordinal, s.logical_date, s.interval_from, s.interval_to, s.run_after, s.state, s.run_key, s.clears_before,
    r.state AS run_state, r.clears
FROM backfill_slice AS s
LEFT JOIN dag_run_state AS r ON r.tenant_id = s.tenant_id AND r.run_key = s.run_key
WHERE s.tenant_id = $1 AND s.backfill_id = $2
ORDER BY s.ordinal
LIMIT $3 OFFSET $4";

/// How many dates there are.
/// Called by `BackfillStore::slice_list`. Walks the table's key over the backfill.
pub(crate) const COUNT_SLICES: &str =
    "SELECT count(*) FROM (SELECT 1 FROM backfill_slice WHERE tenant_id = $1 AND backfill_id = $2 LIMIT $3) AS counted";

/// The first dates in a state, with their runs.
/// Called by `BackfillStore::slices_in`. Walks the table's key over the backfill; finds runs by their key.
pub(crate) const SLICES_IN: &str = "
SELECT s.ordinal, s.logical_date, s.interval_from, s.interval_to, s.run_after, s.state, s.run_key, s.clears_before,
    r.state AS run_state, r.clears
FROM backfill_slice AS s
LEFT JOIN dag_run_state AS r ON r.tenant_id = s.tenant_id AND r.run_key = s.run_key
WHERE s.tenant_id = $1 AND s.backfill_id = $2 AND s.state = $3
ORDER BY s.ordinal
LIMIT $4";

/// The same for a state that is not an end.
/// Called by `BackfillStore::slices_in`. Walks `backfill_slice_open` over the state; finds runs by their key.
pub(crate) const SLICES_OPEN: &str = "
SELECT s.ordinal, s.logical_date, s.interval_from, s.interval_to, s.run_after, s.state, s.run_key, s.clears_before,
    r.state AS run_state, r.clears
FROM backfill_slice AS s
LEFT JOIN dag_run_state AS r ON r.tenant_id = s.tenant_id AND r.run_key = s.run_key
WHERE s.tenant_id = $1 AND s.backfill_id = $2 AND s.state = $3 AND s.state IN ('waiting', 'begun')
ORDER BY s.ordinal
LIMIT $4";

/// Begins a date that waits, of a backfill that runs.
/// Called by `BackfillStore::slice_begin`. Finds rows by the table's key and the backfill's number.
pub(crate) const BEGIN: &str = "
UPDATE backfill_slice SET state = 'begun', run_key = $4, clears_before = $5
WHERE tenant_id = $1 AND backfill_id = $2 AND ordinal = $3 AND state = 'waiting'
    AND EXISTS (SELECT 1 FROM backfill AS b WHERE b.id = $2 AND b.tenant_id = $1 AND b.state = 'running')";

/// Ends a date.
/// Called by `BackfillStore::slice_end`. Finds the row by the table's key.
pub(crate) const END: &str = "
UPDATE backfill_slice SET state = $4
WHERE tenant_id = $1 AND backfill_id = $2 AND ordinal = $3 AND state IN ('waiting', 'begun')";

fn push_filter(query: &mut QueryBuilder<Postgres>, scope: TenantScope, dag_id: Option<&DagId>) {
    query.push(" FROM backfill WHERE tenant_id = ").push_bind(rows::tenant(scope));
    if let Some(dag_id) = dag_id {
        query.push(" AND dag_id = ").push_bind(dag_id.as_str().to_owned());
    }
}

/// Backfills, newest first.
/// Called by `BackfillStore::backfill_list`. Walks `backfill_by_tenant` or `backfill_by_dag`, and stops at the page's end.
pub(crate) fn list_query(scope: TenantScope, dag_id: Option<&DagId>, page: PageRequest) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("SELECT *");
    push_filter(&mut query, scope, dag_id);
    query
        .push(" ORDER BY id DESC LIMIT ")
        .push_bind(i64::from(page.limit))
        .push(" OFFSET ")
        .push_bind(i64::from(page.offset));
    query
}

/// How many there are.
pub(crate) fn count_query(scope: TenantScope, dag_id: Option<&DagId>) -> QueryBuilder<Postgres> {
    rows::count_query(|query| push_filter(query, scope, dag_id))
}

fn row(row: &PgRow) -> Result<BackfillRow, StoreError> {
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

fn slice(row: &PgRow) -> Result<SliceRow, StoreError> {
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

fn of_slice(sql: &'static str, scope: TenantScope, id: BackfillId, ordinal: u32) -> Query<'static> {
    sqlx::query(sql).bind(rows::tenant(scope)).bind(id.number()).bind(rows::narrow(ordinal))
}

#[async_trait]
impl BackfillStore for PostgresStore {
    async fn backfill_insert(&self, scope: TenantScope, backfill: &NewBackfill) -> Result<BackfillId, StoreError> {
        let column = |of: fn(&NewSlice) -> Timestamp| -> Vec<i64> {
            backfill.slices.iter().map(|slice| of(slice).as_microsecond()).collect()
        };
        let query = sqlx::query(INSERT)
            .bind(rows::tenant(scope))
            .bind(backfill.dag_id.as_str())
            .bind(backfill.from.as_microsecond())
            .bind(backfill.to.as_microsecond())
            .bind(backfill.is_backwards)
            .bind(backfill.reprocess.as_str())
            .bind(rows::narrow(backfill.max_active_runs))
            .bind(backfill.version.map(VersionKey::uuid))
            .bind(storable(&backfill.conf))
            .bind(rows::text_opt(backfill.params.as_deref()))
            .bind(storable(&backfill.created_by))
            .bind(backfill.created_at.as_microsecond())
            .bind(column(|slice| slice.logical_date))
            .bind(column(|slice| slice.data_interval.0))
            .bind(column(|slice| slice.data_interval.1))
            .bind(column(|slice| slice.run_after));
        if let Some(row) = self.session().await?.optional(query).await? {
            return Cells::of(&row, "backfill").number("id").map(BackfillId::from_number);
        }
        let (name, why) = (backfill.dag_id.to_string(), "has not ended");
        Err(StoreError::Conflict { what: "the backfill of", name, why })
    }

    async fn backfill_fetch(&self, scope: TenantScope, id: BackfillId) -> Result<Option<BackfillRow>, StoreError> {
        let query = sqlx::query(FETCH).bind(rows::tenant(scope)).bind(id.number());
        let found = self.session().await?.optional(query).await?;
        found.as_ref().map(row).transpose()
    }

    async fn backfill_list(
        &self,
        scope: TenantScope,
        dag_id: Option<&DagId>,
        page: PageRequest,
    ) -> Result<Page<BackfillRow>, StoreError> {
        let mut session = self.session().await?;
        rows::paged(&mut session, page, list_query(scope, dag_id, page), count_query(scope, dag_id), row).await
    }

    async fn backfills_in(&self, scope: TenantScope, state: BackfillState) -> Result<Vec<BackfillRow>, StoreError> {
        let query = sqlx::query(UNFINISHED).bind(rows::tenant(scope)).bind(state.as_str());
        let found = self.session().await?.all(query).await?;
        let mut backfills = found.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        backfills.sort_by_key(|backfill| backfill.id);
        Ok(backfills)
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
        let query = sqlx::query(MOVE)
            .bind(rows::tenant(scope))
            .bind(id.number())
            .bind(to.as_str())
            .bind(now)
            .bind(to.is_ended().then_some(now))
            .bind(before.collect::<Vec<_>>());
        Ok(self.session().await?.execute(query).await? == 1)
    }

    async fn slice_list(
        &self,
        scope: TenantScope,
        id: BackfillId,
        page: PageRequest,
    ) -> Result<Page<SliceRow>, StoreError> {
        let mut session = self.session().await?;
        let query = sqlx::query(SLICES)
            .bind(rows::tenant(scope))
            .bind(id.number())
            .bind(i64::from(page.limit))
            .bind(i64::from(page.offset));
        let found = session.all(query).await?;
        let total = match rows::total_if_last(page, found.len()) {
            Some(total) => total,
            None => {
                let count = sqlx::query(COUNT_SLICES).bind(rows::tenant(scope)).bind(id.number());
                session.count(count.bind(rows::TOTAL_MAX)).await?
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
        let query = query.bind(rows::tenant(scope)).bind(id.number()).bind(state.as_str()).bind(i64::from(limit));
        let found = self.session().await?.all(query).await?;
        found.iter().map(slice).collect()
    }

    async fn slice_begin(
        &self,
        scope: TenantScope,
        id: BackfillId,
        ordinal: u32,
        begun: BegunSlice,
    ) -> Result<bool, StoreError> {
        let values =
            of_slice(BEGIN, scope, id, ordinal).bind(begun.run.uuid()).bind(begun.clears_before.map(rows::narrow));
        Ok(self.session().await?.execute(values).await? == 1)
    }

    async fn slice_end(
        &self,
        scope: TenantScope,
        id: BackfillId,
        ordinal: u32,
        to: SliceState,
    ) -> Result<bool, StoreError> {
        let values = of_slice(END, scope, id, ordinal).bind(to.as_str());
        Ok(self.session().await?.execute(values).await? == 1)
    }
}
