//! Task instances, for reading.

use model::{InstanceKey, NodeIdx, RunKey, TaskState, TenantScope, TryNumber, VersionKey, WorkerId};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};
use store::{InstanceFilter, InstanceRow, OfRuns, Page, PageRequest, StoreError};

use crate::dag_run::{push_bounds, push_duration};
use crate::rows::{self, Cells};
use crate::session::Session;

/// The rest is read of the instances that the inner query found, each looked up by key; see [`crate::dag_run`].
const BEGIN: &str = "
SELECT t.run_key, t.node, t.map_index, r.dag_id, r.run_id, n.task_id, t.state, t.reason, t.try_number, t.max_tries,
    n.map_length, s.version, v.version_number, t.worker, r.run_after, r.logical_date, t.scheduled_at, t.started_at, t.ended_at,
    t.retry_at
FROM (SELECT t.*";

const END: &str = ") AS t
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = t.tenant_id AND r.key = t.run_key OFFSET 0) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = t.tenant_id AND s.run_key = t.run_key OFFSET 0) AS s
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = s.tenant_id AND v.key = s.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM task_node AS n WHERE n.tenant_id = t.tenant_id AND n.run_key = t.run_key AND n.node = t.node OFFSET 0) AS n";

/// Counts by task and state.
/// Called by `RunReader::instance_counts`. Walks the table's key over the run.
pub(crate) const COUNTS: &str = "
SELECT node, state, count(*) AS instances
FROM task_instance
WHERE tenant_id = $1 AND run_key = $2
GROUP BY node, state
ORDER BY node, state";

/// A page of instances, in the order of runs, tasks and indexes; stops at the page's end.
/// Called by `RunReader::instance_list`. Walks runs by key, `dag_run_by_dag` or `dag_run_unfinished`, within a run the key of
/// `task_instance`.
pub(crate) fn list_query(scope: TenantScope, filter: &InstanceFilter, page: PageRequest) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(BEGIN);
    push_from(&mut query, scope, filter);
    push_order(&mut query, filter, Source::of(filter).key());
    query.push(" LIMIT ").push_bind(i64::from(page.limit)).push(" OFFSET ").push_bind(i64::from(page.offset)).push(END);
    push_order(&mut query, filter, "t.run_key");
    query
}

fn push_order(query: &mut QueryBuilder<Postgres>, filter: &InstanceFilter, run: &str) {
    let direction = if filter.descending { " DESC" } else { " ASC" };
    for (begin, column) in [(" ORDER BY ", run), (", ", "t.node"), (", ", "t.map_index")] {
        query.push(begin).push(column).push(direction);
    }
}

/// How many instances the filter leaves, up to the longest total.
/// Called by `RunReader::instance_list`, with the indexes of [`list_query`].
pub(crate) fn count_query(scope: TenantScope, filter: &InstanceFilter) -> QueryBuilder<Postgres> {
    rows::count_query(|query| push_from(query, scope, filter))
}

/// Where the walk begins.
#[derive(Clone, Copy)]
enum Source {
    /// At the instances of one run.
    Run,
    /// At runs that have not ended: a run that has ended has only instances that have ended.
    Unfinished,
    Runs,
}

impl Source {
    fn of(filter: &InstanceFilter) -> Self {
        if filter.run.is_some() {
            Self::Run
        } else if !filter.states.is_empty() && filter.states.iter().all(|state| !state.is_ended()) {
            Self::Unfinished
        } else {
            Self::Runs
        }
    }

    /// The column with the run's key.
    fn key(self) -> &'static str {
        match self {
            Self::Run => "t.run_key",
            Self::Unfinished => "s.run_key",
            Self::Runs => "r.key",
        }
    }
}

fn push_from(query: &mut QueryBuilder<Postgres>, scope: TenantScope, filter: &InstanceFilter) {
    match Source::of(filter) {
        Source::Run => {
            query.push(" FROM task_instance AS t WHERE t.tenant_id = ").push_bind(rows::tenant(scope));
            push_filter(query, filter);
            if let Some(run) = filter.run {
                query.push(" AND t.run_key = ").push_bind(run.uuid());
                if let Some(dag_id) = &filter.dag_id {
                    query.push(" AND EXISTS (SELECT 1 FROM dag_run WHERE tenant_id = ").push_bind(rows::tenant(scope));
                    query.push(" AND key = ").push_bind(run.uuid());
                    query.push(" AND dag_id = ").push_bind(dag_id.as_str().to_owned()).push(")");
                }
            }
        }
        Source::Unfinished => {
            query.push(" FROM dag_run_state AS s");
            push_instances_of(query, filter, "s.tenant_id", "s.run_key");
            query.push(" WHERE s.tenant_id = ").push_bind(rows::tenant(scope));
            query.push(" AND s.state IN ('queued', 'running')");
            if let Some(dag_id) = &filter.dag_id {
                query.push(
                    " AND EXISTS (SELECT 1 FROM dag_run AS r WHERE r.tenant_id = s.tenant_id AND r.key = s.run_key",
                );
                query.push(" AND r.dag_id = ").push_bind(dag_id.as_str().to_owned()).push(" OFFSET 0)");
            }
        }
        Source::Runs => {
            query.push(" FROM dag_run AS r");
            push_instances_of(query, filter, "r.tenant_id", "r.key");
            query.push(" WHERE r.tenant_id = ").push_bind(rows::tenant(scope));
            if let Some(dag_id) = &filter.dag_id {
                query.push(" AND r.dag_id = ").push_bind(dag_id.as_str().to_owned());
            }
        }
    }
}

/// The instances of each run, one run after the other.
fn push_instances_of(query: &mut QueryBuilder<Postgres>, filter: &InstanceFilter, tenant: &str, run: &str) {
    query.push(" CROSS JOIN LATERAL (SELECT * FROM task_instance AS t WHERE t.tenant_id = ").push(tenant);
    query.push(" AND t.run_key = ").push(run);
    push_filter(query, filter);
    query.push(" OFFSET 0) AS t");
}

fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &InstanceFilter) {
    if !filter.task_ids.is_empty() {
        query.push(" AND EXISTS (SELECT 1 FROM task_node AS n");
        query.push(" WHERE n.tenant_id = t.tenant_id AND n.run_key = t.run_key AND n.node = t.node");
        rows::push_list(query, " AND n.task_id IN (", filter.task_ids.iter().map(|it| it.as_str().to_owned()));
        query.push(" OFFSET 0)");
    }
    if !filter.states.is_empty() {
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
        rows::push_list(query, " AND t.try_number IN (", filter.try_numbers.iter().map(|it| rows::narrow(it.0)));
    }
    push_bounds(query, "t.started_at", filter.started_at);
    push_bounds(query, "t.ended_at", filter.ended_at);
    push_duration(query, "t", filter.duration_us);
    if let Some(InstanceKey { run, node, map_index }) = filter.after {
        let compare = if filter.descending { " < (" } else { " > (" };
        query.push(" AND (t.run_key, t.node, t.map_index)").push(compare).push_bind(run.uuid());
        query.push(", ").push_bind(rows::narrow(node.0)).push(", ").push_bind(map_index.number()).push(")");
    }
    push_of_runs(query, &filter.of_runs);
}

/// Looked up by key, one instance after the other.
fn push_of_runs(query: &mut QueryBuilder<Postgres>, of_runs: &OfRuns) {
    if *of_runs == OfRuns::default() {
        return;
    }
    let OfRuns { version_number, dag_ids, run_ids, dag_id_pattern, run_id_pattern, run_after, logical_date } = of_runs;
    query.push(" AND EXISTS (SELECT 1 FROM dag_run AS f WHERE f.tenant_id = t.tenant_id AND f.key = t.run_key");
    if !dag_ids.is_empty() {
        rows::push_list(query, " AND f.dag_id IN (", dag_ids.iter().map(|it| it.as_str().to_owned()));
    }
    if !run_ids.is_empty() {
        rows::push_list(query, " AND f.run_id IN (", run_ids.iter().map(|it| it.as_str().to_owned()));
    }
    for (pattern, column) in [(dag_id_pattern, "f.dag_id"), (run_id_pattern, "f.run_id")] {
        if let Some(pattern) = pattern {
            rows::push_pattern(query, column, pattern);
        }
    }
    push_bounds(query, "f.run_after", *run_after);
    push_bounds(query, "f.logical_date", *logical_date);
    if let Some(number) = version_number {
        query.push(" AND EXISTS (SELECT 1 FROM dag_run_state AS s, dag_version AS v WHERE s.tenant_id = f.tenant_id");
        query.push(" AND s.run_key = f.key AND v.tenant_id = s.tenant_id AND v.key = s.version");
        query.push(" AND v.version_number = ").push_bind(i64::from(*number)).push(")");
    }
    query.push(" OFFSET 0)");
}

pub(crate) async fn list(
    session: &mut Session,
    scope: TenantScope,
    filter: &InstanceFilter,
    page: PageRequest,
) -> Result<Page<InstanceRow>, StoreError> {
    let found = session.all(list_query(scope, filter, page).build()).await?;
    let total = match rows::total_if_last(page, found.len()) {
        Some(total) => total,
        None => session.count(count_query(scope, filter).build()).await?,
    };
    Ok(Page { rows: found.iter().map(of_row).collect::<Result<_, StoreError>>()?, total })
}

pub(crate) async fn counts(
    session: &mut Session,
    scope: TenantScope,
    run: RunKey,
) -> Result<Vec<(NodeIdx, TaskState, u64)>, StoreError> {
    let query = sqlx::query(COUNTS).bind(rows::tenant(scope)).bind(run.uuid());
    let found = session.all(query).await?;
    let mut counts = Vec::with_capacity(found.len());
    for row in &found {
        let cells = Cells::of(row, "task_instance");
        counts.push((cells.node()?, cells.parsed("state")?, cells.number("instances")?));
    }
    // Words sort otherwise than states do.
    counts.sort_unstable();
    Ok(counts)
}

fn of_row(row: &PgRow) -> Result<InstanceRow, StoreError> {
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
