//! Runs, for reading.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{
    BackfillId, DagId, InstanceKey, MapIndex, NodeIdx, RunId, RunKey, RunState, TaskState, TenantScope, VersionKey,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use store::{
    AttemptRow, InstanceFilter, InstanceRow, NodeRow, Page, PageRequest, RequestedRun, RunFilter, RunOrder, RunParent,
    RunReader, RunRow, StoreError, storable,
};

use crate::error::failed;
use crate::rows::{self, Cells};
use crate::{SqliteStore, attempt, task_instance, task_node};

const COLUMNS: &str = "
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth";

const REST_OF_RUN: &str = "
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version";

/// A run by its id.
/// Called by `RunReader::run_fetch`. Finds rows by `dag_run_by_run_id` and the keys of what belongs to it.
pub(crate) fn fetch_query(scope: TenantScope, dag_id: &DagId, run_id: &RunId) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push(" FROM dag_run AS r").push(REST_OF_RUN).push(" WHERE r.tenant_id = ").push_bind(rows::tenant(scope));
    query.push(" AND r.dag_id = ").push_bind(dag_id.as_str().to_owned());
    query.push(" AND r.run_id = ").push_bind(run_id.as_str().to_owned());
    query
}

/// A run by its key.
/// Called by `RunStore::run_snapshot`. Finds rows by the keys of `dag_run` and of what belongs to it.
pub(crate) fn fetch_by_key_query(scope: TenantScope, run: RunKey) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push(" FROM dag_run AS r").push(REST_OF_RUN).push(" WHERE r.tenant_id = ").push_bind(rows::tenant(scope));
    query.push(" AND r.key = ").push_bind(rows::bytes(run.uuid()));
    query
}

/// The run that a request made.
/// Called by `RunReader::run_of_request`. Finds it by `dag_run_by_idempotency_key`.
pub(crate) const OF_REQUEST: &str = "
SELECT key, run_id, idempotency_digest FROM dag_run WHERE tenant_id = ?1 AND dag_id = ?2 AND idempotency_key = ?3";

/// A page of runs. In order of their keys or of `run_after` it walks an index and stops at the page's end; another order sorts the
/// runs that the filter leaves.
/// Called by `RunReader::run_list`. Walks the key of `dag_run`, `dag_run_by_dag`, `dag_run_by_run_after`,
/// `dag_run_by_dag_run_after`, or the partial index of a state.
pub(crate) fn list_query(scope: TenantScope, filter: &RunFilter, page: PageRequest) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(COLUMNS);
    // The page is cut before anything else of its runs is read.
    query.push(" FROM (SELECT *");
    push_filter(&mut query, scope, filter);
    push_order(&mut query, filter);
    query
        .push(" LIMIT ")
        .push_bind(page.limit)
        .push(" OFFSET ")
        .push_bind(page.offset)
        .push(") AS r")
        .push(REST_OF_RUN);
    push_order(&mut query, filter);
    query
}

/// How many runs the filter leaves, up to the longest total.
/// Called by `RunReader::run_list`, with the indexes of [`list_query`].
pub(crate) fn count_query(scope: TenantScope, filter: &RunFilter) -> QueryBuilder<Sqlite> {
    rows::count_query(|query| push_filter(query, scope, filter))
}

const UNFINISHED: &str = " INDEXED BY dag_run_unfinished";
const FAILED: &str = " INDEXED BY dag_run_failed";

/// Which index leads to the runs of a filter. SQLite has no statistics here and would take the table's key, which
/// leads to every run of the tenant.
fn index(filter: &RunFilter) -> &'static str {
    if !filter.states.is_empty() && filter.states.iter().all(|state| !state.is_ended()) {
        UNFINISHED
    } else if filter.states == [RunState::Failed] {
        FAILED
    } else if filter.order == RunOrder::RunAfter {
        if filter.dag_id.is_some() {
            " INDEXED BY dag_run_by_dag_run_after"
        } else {
            " INDEXED BY dag_run_by_run_after"
        }
    } else if filter.dag_id.is_some() && filter.order == RunOrder::RunId {
        " INDEXED BY dag_run_by_run_id"
    } else if filter.dag_id.is_some() {
        " INDEXED BY dag_run_by_dag"
    } else {
        ""
    }
}

fn push_filter(query: &mut QueryBuilder<Sqlite>, scope: TenantScope, filter: &RunFilter) {
    query.push(" FROM dag_run AS r").push(index(filter));
    query.push(" WHERE r.tenant_id = ").push_bind(rows::tenant(scope));
    if let Some(dag_id) = &filter.dag_id {
        query.push(" AND r.dag_id = ").push_bind(dag_id.as_str().to_owned());
    }
    if !filter.dag_ids.is_empty() {
        rows::push_list(query, " AND r.dag_id IN (", filter.dag_ids.iter().map(|it| it.as_str().to_owned()));
    }
    if !filter.states.is_empty() {
        // In the words of the partial indexes, so that they can serve.
        match index(filter) {
            UNFINISHED => query.push(" AND r.state IN ('queued', 'running')"),
            FAILED => query.push(" AND r.state = 'failed'"),
            _ => query,
        };
        rows::push_list(query, " AND r.state IN (", filter.states.iter().map(|state| state.as_str().to_owned()));
    }
    if !filter.run_types.is_empty() {
        rows::push_list(query, " AND r.run_type IN (", filter.run_types.iter().map(|it| it.as_str().to_owned()));
    }
    if let Some(pattern) = &filter.run_id_pattern {
        rows::push_pattern(query, "r.run_id", pattern);
    }
    if let Some(pattern) = &filter.dag_id_pattern {
        rows::push_pattern(query, "r.dag_id", pattern);
    }
    if let Some(text) = &filter.conf_contains {
        query.push(
            " AND EXISTS (SELECT 1 FROM dag_run_input AS i WHERE i.tenant_id = r.tenant_id AND i.run_key = r.key",
        );
        query.push(" AND instr(i.conf, ").push_bind(storable(text).into_owned()).push(") > 0)");
    }
    if let Some(after) = filter.after {
        query
            .push(if filter.descending { " AND r.key < " } else { " AND r.key > " })
            .push_bind(rows::bytes(after.uuid()));
    }
    if let Some(number) = filter.version_number {
        query.push(" AND r.version IN (SELECT key FROM dag_version WHERE tenant_id = ").push_bind(rows::tenant(scope));
        if let Some(dag_id) = &filter.dag_id {
            query.push(" AND dag_id = ").push_bind(dag_id.as_str().to_owned());
        }
        query.push(" AND version_number = ").push_bind(number).push(")");
    }
    push_bounds(query, "r.run_after", filter.run_after);
    push_bounds(query, "r.started_at", filter.started_at);
    push_bounds(query, "r.ended_at", filter.ended_at);
    push_bounds(query, "r.logical_date", filter.logical_date);
    push_duration(query, "r", filter.duration_us);
}

/// Bounds of the time from start to end, in microseconds.
pub(crate) fn push_duration(query: &mut QueryBuilder<Sqlite>, table: &str, (from, to): (Option<i64>, Option<i64>)) {
    for (bound, compare) in [(from, " >= "), (to, " <= ")] {
        if let Some(bound) = bound {
            query.push(" AND ").push(table).push(".ended_at - ").push(table).push(".started_at").push(compare);
            query.push_bind(bound);
        }
    }
}

pub(crate) fn push_bounds(
    query: &mut QueryBuilder<Sqlite>,
    column: &str,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
) {
    if let Some(from) = from {
        query.push(" AND ").push(column).push(" >= ").push_bind(from.as_microsecond());
    }
    if let Some(to) = to {
        query.push(" AND ").push(column).push(" <= ").push_bind(to.as_microsecond());
    }
}

fn push_order(query: &mut QueryBuilder<Sqlite>, filter: &RunFilter) {
    let direction = if filter.descending { " DESC" } else { " ASC" };
    let (column, nulls) = match filter.order {
        RunOrder::Key => (None, ""),
        RunOrder::RunAfter => (Some("r.run_after"), ""),
        RunOrder::StartedAt => (Some("r.started_at"), " NULLS LAST"),
        RunOrder::EndedAt => (Some("r.ended_at"), " NULLS LAST"),
        RunOrder::LogicalDate => (Some("r.logical_date"), " NULLS LAST"),
        RunOrder::RunId => (Some("r.run_id"), ""),
        RunOrder::State => (Some("r.state"), ""),
    };
    query.push(" ORDER BY ");
    if let Some(column) = column {
        query.push(column).push(direction).push(nulls).push(", ");
    }
    query.push("r.key").push(direction);
}

#[async_trait]
impl RunReader for SqliteStore {
    async fn run_fetch(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        run_id: &RunId,
    ) -> Result<Option<RunRow>, StoreError> {
        let mut query = fetch_query(scope, dag_id, run_id);
        let row = query.build().fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
        row.as_ref().map(|row| of_row(row, scope)).transpose()
    }

    async fn run_of_request(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        key: &str,
    ) -> Result<Option<RequestedRun>, StoreError> {
        let query = sqlx::query(OF_REQUEST).bind(rows::tenant(scope)).bind(dag_id.as_str()).bind(storable(key));
        let row = query.fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
        let request = |row| {
            let cells = Cells::of(row, "dag_run");
            let run = RunKey::from_uuid(cells.uuid("key")?);
            Ok(RequestedRun { run, run_id: cells.parsed("run_id")?, digest: cells.digest("idempotency_digest")? })
        };
        row.as_ref().map(request).transpose()
    }

    async fn run_list(
        &self,
        scope: TenantScope,
        filter: &RunFilter,
        page: PageRequest,
    ) -> Result<Page<RunRow>, StoreError> {
        let mut conn = self.reader().await?;
        let found = list_query(scope, filter, page).build().fetch_all(&mut *conn).await.map_err(failed)?;
        let total = match rows::total_if_last(page, found.len()) {
            Some(total) => total,
            None => rows::counted(count_query(scope, filter), &mut conn).await?,
        };
        Ok(Page { rows: found.iter().map(|row| of_row(row, scope)).collect::<Result<_, _>>()?, total })
    }

    async fn node_list(&self, scope: TenantScope, run: RunKey) -> Result<Vec<NodeRow>, StoreError> {
        task_node::list(&mut *self.reader().await?, scope, run).await
    }

    async fn instance_list(
        &self,
        scope: TenantScope,
        filter: &InstanceFilter,
        page: PageRequest,
    ) -> Result<Page<InstanceRow>, StoreError> {
        task_instance::list(&mut *self.reader().await?, scope, filter, page).await
    }

    async fn instance_counts(
        &self,
        scope: TenantScope,
        run: RunKey,
    ) -> Result<Vec<(NodeIdx, TaskState, u64)>, StoreError> {
        task_instance::counts(&mut *self.reader().await?, scope, run).await
    }

    async fn attempt_list(&self, scope: TenantScope, instance: InstanceKey) -> Result<Vec<AttemptRow>, StoreError> {
        attempt::list(&mut *self.reader().await?, scope, instance).await
    }
}

fn parent(cells: &Cells<'_>) -> Result<Option<RunParent>, StoreError> {
    let Some(run) = cells.uuid_opt("parent_run")? else { return Ok(None) };
    let map_index: i32 = cells.number("parent_map_index")?;
    let instance = InstanceKey {
        run: RunKey::from_uuid(run),
        node: NodeIdx(cells.number("parent_node")?),
        map_index: MapIndex::from_number(map_index)
            .ok_or_else(|| cells.corrupt("parent_map_index", "it is below -1"))?,
    };
    Ok(Some(RunParent { instance, depth: cells.number("parent_depth")? }))
}

/// Reads the columns of this file's queries.
pub(crate) fn of_row(row: &SqliteRow, scope: TenantScope) -> Result<RunRow, StoreError> {
    let cells = Cells::of(row, "dag_run");
    let data_interval = match (cells.time_opt("interval_from")?, cells.time_opt("interval_to")?) {
        (Some(from), Some(to)) => Some((from, to)),
        (None, None) => None,
        _ => return Err(cells.corrupt("interval_to", "an interval has one end only")),
    };
    Ok(RunRow {
        scope,
        key: RunKey::from_uuid(cells.uuid("key")?),
        dag_id: cells.parsed("dag_id")?,
        run_id: cells.parsed("run_id")?,
        version: VersionKey::from_uuid(cells.uuid("version")?),
        version_number: cells.number("version_number")?,
        bundle: cells.parsed("bundle")?,
        run_type: cells.parsed("run_type")?,
        state: cells.parsed("state")?,
        reason: cells.text_opt("reason")?,
        conf: cells.shared("conf")?,
        params: cells.shared("params")?,
        note: cells.text_opt("note")?,
        triggered_by: cells.text("triggered_by")?.to_owned(),
        logical_date: cells.time_opt("logical_date")?,
        data_interval,
        run_after: cells.time("run_after")?,
        queued_at: cells.time("queued_at")?,
        started_at: cells.time_opt("started_at")?,
        ended_at: cells.time_opt("ended_at")?,
        clears: cells.number("clears")?,
        is_latest: cells.flag("is_latest")?,
        variables: cells.shared("variables")?,
        parent: parent(&cells)?,
        backfill: cells.number_opt("backfill_id")?.map(BackfillId::from_number),
    })
}
