//! Events of assets: the statements and rows of [`crate::asset`].

use model::{AssetEventId, AssetId, RunKey, TenantScope};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use store::{
    AssetEventFilter, AssetEventRow, AssetSource, AssetStart, PageRequest, StoreError, WaitingEvent, storable,
};

use crate::asset::name;
use crate::rows::{self, Cells};

const COLUMNS: &str =
    "v.id, v.asset_id, a.name, v.extra, v.at, v.told_by, v.dag_id, v.run_key, v.run_id, v.task_id, v.map_index";

/// Events that a run consumed.
/// Called by `AssetStore::asset_events_of_run`. Walks the key of `asset_consumed` over the run; finds the rest by number.
pub(crate) const OF_RUN: &str = "
SELECT v.id, v.asset_id, a.name, v.extra, v.at, v.told_by, v.dag_id, v.run_key, v.run_id, v.task_id, v.map_index
FROM asset_consumed AS c
CROSS JOIN asset_event AS v ON v.id = c.event_id
CROSS JOIN asset AS a ON a.id = v.asset_id
WHERE c.tenant_id = ?1 AND c.run_key = ?2
ORDER BY c.event_id";

/// Runs that consumed an event.
/// Called by `AssetStore::asset_event_runs`. Walks `asset_consumed_by_event` over the event.
pub(crate) const RUNS: &str =
    "SELECT run_key FROM asset_consumed WHERE tenant_id = ?1 AND event_id = ?2 ORDER BY run_key";

/// DAGs for which events wait.
/// Called by `AssetStore::dags_with_waiting_events`. Walks the key of `dag` over the tenant's DAGs, and looks into the key of
/// `asset_waiting` once for each.
pub(crate) const DAGS: &str = "
SELECT d.dag_id
FROM dag AS d
WHERE d.tenant_id = ?1 AND d.is_stale = 0 AND d.is_paused = 0
    AND EXISTS (SELECT 1 FROM asset_waiting AS w WHERE w.tenant_id = d.tenant_id AND w.dag_id = d.dag_id)
ORDER BY d.dag_id";

/// Events that wait for a DAG.
/// Called by `AssetStore::asset_events_waiting`. Walks the table's key over the DAG; finds the rest by number.
pub(crate) const WAITING: &str = "
SELECT v.id, v.asset_id, a.name, v.at
FROM asset_waiting AS w
CROSS JOIN asset_event AS v ON v.id = w.event_id
CROSS JOIN asset AS a ON a.id = v.asset_id
WHERE w.tenant_id = ?1 AND w.dag_id = ?2
ORDER BY w.event_id
LIMIT ?3";

/// Takes back what waits for a DAG.
/// Called by `AssetStore::asset_events_drop`. Walks the table's key over the DAG; finds events by number.
pub(crate) const DROP: &str = "
DELETE FROM asset_waiting
WHERE tenant_id = ?1 AND dag_id = ?2
    AND (?3 IS NULL OR ?3 = (SELECT v.asset_id FROM asset_event AS v WHERE v.id = asset_waiting.event_id))";

/// Events that do not wait any more, because a run consumes them.
/// Called by `AssetStore::asset_consume`. Finds rows by the table's key.
pub(crate) const TAKE: &str = "
DELETE FROM asset_waiting
WHERE tenant_id = ?1 AND dag_id = ?2 AND event_id IN (SELECT value FROM json_each(?3))";

/// Called by `AssetStore::asset_consume`. Adds to the table's key and its index.
pub(crate) const CONSUME: &str =
    "INSERT INTO asset_consumed (tenant_id, run_key, event_id) SELECT ?1, ?2, value FROM json_each(?3)";

/// Called by `AssetStore::asset_consume`. Adds to the table's key.
pub(crate) const INSERT_START: &str = "
INSERT INTO asset_start (tenant_id, run_key, dag_id, interval_from, interval_to, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Runs that are to be made.
/// Called by `AssetStore::asset_starts`. Walks the table's key over the tenant: a row stays for a moment only.
pub(crate) const STARTS: &str = "
SELECT run_key, dag_id, interval_from, interval_to, at FROM asset_start
WHERE tenant_id = ?1
ORDER BY run_key
LIMIT ?2";

/// Called by `AssetStore::asset_start_done`. Finds the row by the table's key.
pub(crate) const DELETE_START: &str = "DELETE FROM asset_start WHERE tenant_id = ?1 AND run_key = ?2";

fn push_filter(query: &mut QueryBuilder<Sqlite>, scope: TenantScope, filter: &AssetEventFilter) {
    query.push(" WHERE v.tenant_id = ").push_bind(rows::tenant(scope));
    if let Some(asset) = filter.asset {
        query.push(" AND v.asset_id = ").push_bind(asset.number());
    }
    if let Some(dag_id) = &filter.source_dag {
        query.push(" AND v.dag_id = ").push_bind(dag_id.as_str().to_owned());
    }
    for (time, comparison) in [(filter.at.0, " AND v.at >= "), (filter.at.1, " AND v.at <= ")] {
        if let Some(time) = time {
            query.push(comparison).push_bind(time.as_microsecond());
        }
    }
}

/// Events in the order of their numbers.
/// Called by `AssetStore::asset_event_list`. Walks `asset_event_by_tenant`, `asset_event_by_asset` or `asset_event_by_source`, and
/// stops at the page's end.
pub(crate) fn list_query(scope: TenantScope, filter: &AssetEventFilter, page: PageRequest) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(COLUMNS).push(" FROM asset_event AS v CROSS JOIN asset AS a ON a.id = v.asset_id");
    push_filter(&mut query, scope, filter);
    query.push(" ORDER BY v.id").push(if filter.descending { " DESC" } else { "" });
    query.push(" LIMIT ").push_bind(page.limit).push(" OFFSET ").push_bind(page.offset);
    query
}

/// How many there are.
pub(crate) fn count_query(scope: TenantScope, filter: &AssetEventFilter) -> QueryBuilder<Sqlite> {
    rows::count_query(|query| {
        query.push(" FROM asset_event AS v");
        push_filter(query, scope, filter);
    })
}

pub(crate) fn row(row: &SqliteRow) -> Result<AssetEventRow, StoreError> {
    let cells = Cells::of(row, "asset_event");
    let source = match cells.text_opt("told_by")? {
        Some(by) => AssetSource::Api { by },
        None => AssetSource::Task {
            dag_id: cells.parsed("dag_id")?,
            run: RunKey::from_uuid(cells.uuid("run_key")?),
            run_id: cells.parsed("run_id")?,
            task_id: cells.parsed("task_id")?,
            map_index: cells.map_index()?,
        },
    };
    Ok(AssetEventRow {
        id: AssetEventId::from_number(cells.number("id")?),
        asset: AssetId::from_number(cells.number("asset_id")?),
        name: name(&cells)?,
        extra: cells.shared("extra")?,
        source,
        at: cells.time("at")?,
    })
}

pub(crate) fn waiting(row: &SqliteRow) -> Result<WaitingEvent, StoreError> {
    let cells = Cells::of(row, "asset_event");
    Ok(WaitingEvent {
        id: AssetEventId::from_number(cells.number("id")?),
        asset: AssetId::from_number(cells.number("asset_id")?),
        name: name(&cells)?,
        at: cells.time("at")?,
    })
}

pub(crate) fn start(row: &SqliteRow) -> Result<AssetStart, StoreError> {
    let cells = Cells::of(row, "asset_start");
    Ok(AssetStart {
        dag_id: cells.parsed("dag_id")?,
        run: RunKey::from_uuid(cells.uuid("run_key")?),
        data_interval: (cells.time("interval_from")?, cells.time("interval_to")?),
        at: cells.time("at")?,
    })
}

/// What is said about an asset, as it is kept.
pub(crate) fn extra(extra: &serde_json::Map<String, serde_json::Value>) -> String {
    storable(&serde_json::Value::Object(extra.clone()).to_string()).into_owned()
}
