//! Task instances, for reading.

use model::{InstanceKey, NodeIdx, RunKey, TaskState, TenantScope, TryNumber, VersionKey, WorkerId};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use store::{InstanceFilter, InstanceRow, OfRuns, Page, PageRequest, StoreError};

use crate::dag_run::{push_bounds, push_duration};
use crate::error::failed;
use crate::rows::{self, Cells};

const COLUMNS: &str = "
SELECT t.run_key, t.node, t.map_index, r.dag_id, r.run_id, n.task_id, t.state, t.reason, t.try_number, t.max_tries,
    n.map_length, r.version, v.version_number, t.worker, r.run_after, r.logical_date, t.scheduled_at, t.started_at, t.ended_at,
    t.retry_at";

const VERSION_OF_RUN: &str = " CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version";

/// Counts by task and state.
/// Called by `RunReader::instance_counts`. Walks the table's key over the run.
pub(crate) const COUNTS: &str = "
SELECT node, state, count(*) AS instances
FROM task_instance
WHERE tenant_id = ?1 AND run_key = ?2
GROUP BY node, state
ORDER BY node, state";

/// A page of instances, in the order of runs, tasks and indexes; stops at the page's end.
/// Called by `RunReader::instance_list`. Walks runs by key or `dag_run_by_dag`, within a run the keys of `task_node` and
/// `task_instance`.
pub(crate) fn list_query(scope: TenantScope, filter: &InstanceFilter, page: PageRequest) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(COLUMNS);
    push_from(&mut query, scope, filter, VERSION_OF_RUN);
    let direction = if filter.descending { " DESC" } else { " ASC" };
    for (begin, column) in [(" ORDER BY ", "r.key"), (", ", "n.node"), (", ", "t.map_index")] {
        query.push(begin).push(column).push(direction);
    }
    query.push(" LIMIT ").push_bind(page.limit).push(" OFFSET ").push_bind(page.offset);
    query
}

/// How many instances the filter leaves, up to the longest total.
/// Called by `RunReader::instance_list`, with the indexes of [`list_query`].
pub(crate) fn count_query(scope: TenantScope, filter: &InstanceFilter) -> QueryBuilder<Sqlite> {
    rows::count_query(|query| push_from(query, scope, filter, ""))
}

/// The joins stand in the order in which they are to run.
fn push_from(query: &mut QueryBuilder<Sqlite>, scope: TenantScope, filter: &InstanceFilter, version: &str) {
    // A run that has ended has only instances that have ended.
    let is_unfinished = !filter.states.is_empty() && filter.states.iter().all(|state| !state.is_ended());
    let index = if filter.run.is_some() {
        ""
    } else if is_unfinished {
        " INDEXED BY dag_run_unfinished"
    } else if filter.dag_id.is_some() {
        " INDEXED BY dag_run_by_dag"
    } else {
        ""
    };
    query
        .push(" FROM dag_run AS r")
        .push(index)
        .push(version)
        .push(" CROSS JOIN task_node AS n ON n.tenant_id = r.tenant_id AND n.run_key = r.key")
        .push(
            " CROSS JOIN task_instance AS t ON t.tenant_id = n.tenant_id AND t.run_key = n.run_key AND t.node = n.node",
        )
        .push(" WHERE r.tenant_id = ")
        .push_bind(rows::tenant(scope));
    if let Some(run) = filter.run {
        query.push(" AND r.key = ").push_bind(rows::bytes(run.uuid()));
    }
    if let Some(dag_id) = &filter.dag_id {
        query.push(" AND r.dag_id = ").push_bind(dag_id.as_str().to_owned());
    }
    if !filter.task_ids.is_empty() {
        rows::push_list(query, " AND n.task_id IN (", filter.task_ids.iter().map(|it| it.as_str().to_owned()));
    }
    if !filter.states.is_empty() {
        if filter.run.is_none() && is_unfinished {
            query.push(" AND r.state IN ('queued', 'running')");
        }
        rows::push_list(query, " AND t.state IN (", filter.states.iter().map(|it| it.as_str().to_owned()));
    }
    if !filter.map_indexes.is_empty() {
        rows::push_list(query, " AND t.map_index IN (", filter.map_indexes.iter().map(|it| it.number()));
    }
    match filter.mapped {
        Some(true) => query.push(" AND t.map_index >= 0"),
        Some(false) => query.push(" AND t.map_index = -1"),
        None => query,
    };
    if !filter.try_numbers.is_empty() {
        rows::push_list(query, " AND t.try_number IN (", filter.try_numbers.iter().map(|it| it.0));
    }
    push_bounds(query, "t.started_at", filter.started_at);
    push_bounds(query, "t.ended_at", filter.ended_at);
    push_duration(query, "t", filter.duration_us);
    if let Some(InstanceKey { run, node, map_index }) = filter.after {
        let compare = if filter.descending { " < (" } else { " > (" };
        query.push(" AND (t.run_key, t.node, t.map_index)").push(compare).push_bind(rows::bytes(run.uuid()));
        query.push(", ").push_bind(node.0).push(", ").push_bind(map_index.number()).push(")");
    }
    let OfRuns { version_number, dag_ids, run_ids, dag_id_pattern, run_id_pattern, run_after, logical_date } =
        &filter.of_runs;
    if !dag_ids.is_empty() {
        rows::push_list(query, " AND r.dag_id IN (", dag_ids.iter().map(|it| it.as_str().to_owned()));
    }
    if !run_ids.is_empty() {
        rows::push_list(query, " AND r.run_id IN (", run_ids.iter().map(|it| it.as_str().to_owned()));
    }
    for (pattern, column) in [(dag_id_pattern, "r.dag_id"), (run_id_pattern, "r.run_id")] {
        if let Some(pattern) = pattern {
            rows::push_pattern(query, column, pattern);
        }
    }
    push_bounds(query, "r.run_after", *run_after);
    push_bounds(query, "r.logical_date", *logical_date);
    if let Some(number) = version_number {
        query.push(" AND EXISTS (SELECT 1 FROM dag_version AS f WHERE f.tenant_id = r.tenant_id AND f.key = r.version");
        query.push(" AND f.version_number = ").push_bind(*number).push(")");
    }
}

pub(crate) async fn list(
    conn: &mut SqliteConnection,
    scope: TenantScope,
    filter: &InstanceFilter,
    page: PageRequest,
) -> Result<Page<InstanceRow>, StoreError> {
    let found = list_query(scope, filter, page).build().fetch_all(&mut *conn).await.map_err(failed)?;
    let total = match rows::total_if_last(page, found.len()) {
        Some(total) => total,
        None => rows::counted(count_query(scope, filter), conn).await?,
    };
    Ok(Page { rows: found.iter().map(of_row).collect::<Result<_, _>>()?, total })
}

pub(crate) async fn counts(
    conn: &mut SqliteConnection,
    scope: TenantScope,
    run: RunKey,
) -> Result<Vec<(NodeIdx, TaskState, u64)>, StoreError> {
    let query = sqlx::query(COUNTS).bind(rows::tenant(scope)).bind(rows::bytes(run.uuid()));
    let found = query.fetch_all(conn).await.map_err(failed)?;
    let mut counts = Vec::with_capacity(found.len());
    for row in &found {
        let cells = Cells::of(row, "task_instance");
        counts.push((cells.node()?, cells.parsed("state")?, cells.number("instances")?));
    }
    // Words sort otherwise than states do.
    counts.sort_unstable();
    Ok(counts)
}

fn of_row(row: &SqliteRow) -> Result<InstanceRow, StoreError> {
    let cells = Cells::of(row, "task_instance");
    Ok(InstanceRow {
        key: InstanceKey {
            run: RunKey::from_uuid(cells.uuid("run_key")?),
            node: cells.node()?,
            map_index: cells.map_index()?,
        },
        dag_id: cells.parsed("dag_id")?,
        run_id: cells.parsed("run_id")?,
        task_id: cells.parsed("task_id")?,
        state: cells.parsed("state")?,
        reason: cells.text_opt("reason")?,
        try_number: TryNumber(cells.number("try_number")?),
        max_tries: cells.number("max_tries")?,
        map_length: cells.number_opt("map_length")?,
        version: VersionKey::from_uuid(cells.uuid("version")?),
        version_number: cells.number("version_number")?,
        worker: cells.uuid_opt("worker")?.map(WorkerId::from_uuid),
        run_after: cells.time("run_after")?,
        logical_date: cells.time_opt("logical_date")?,
        scheduled_at: cells.time_opt("scheduled_at")?,
        started_at: cells.time_opt("started_at")?,
        ended_at: cells.time_opt("ended_at")?,
        retry_at: cells.time_opt("retry_at")?,
    })
}
