//! What instances wait for without a worker, and signals to runs.

use async_trait::async_trait;
use model::limits::run::SIGNALS_MAX;
use model::{Fence, InstanceKey, NodeIdx, RunKey, RunState, SignalId, TenantScope};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use store::{
    NewSignal, NewWait, Page, PageRequest, SignalRow, StoreError, WaitFilter, WaitKind, WaitRow, WaitStore, storable,
};

use crate::SqliteStore;
use crate::error::failed;
use crate::rows::{self, Cells};
use crate::writer::{Transaction, Write};

/// What it is met by is looked for by an index each: `signal_by_run`, the newest event by `asset_event_by_asset`, the key of `dag_run`.
const COLUMNS: &str = "
SELECT w.run_key, w.node, w.map_index, w.fence, w.since, w.kind, w.key, w.form, r.dag_id, r.run_id, n.task_id, t.state,
    CASE WHEN t.times_out THEN t.retry_at END AS times_out_at,
    CASE w.kind
        WHEN 'signal' THEN EXISTS (SELECT 1 FROM signal AS s
            WHERE s.tenant_id = w.tenant_id AND s.run_key = w.run_key AND s.name = w.key AND s.node IS NULL)
        WHEN 'asset' THEN coalesce((SELECT v.at FROM asset_event AS v INDEXED BY asset_event_by_asset
            WHERE v.tenant_id = w.tenant_id
                AND v.asset_id = (SELECT a.id FROM asset AS a WHERE a.tenant_id = w.tenant_id AND a.name = w.key)
            ORDER BY v.id DESC LIMIT 1) >= w.since, 0)
        WHEN 'dag_run' THEN NOT EXISTS (SELECT 1 FROM dag_run AS c
            WHERE c.tenant_id = w.tenant_id AND c.key = unhex(w.key, '-') AND c.state IN ('queued', 'running'))
        ELSE 0
    END AS is_met";

/// An instance that does not wait any more may have left its row.
const REST: &str = "
CROSS JOIN task_instance AS t ON t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node
    AND t.map_index = w.map_index
    AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence)
CROSS JOIN dag_run AS r ON r.tenant_id = w.tenant_id AND r.key = w.run_key
CROSS JOIN task_node AS n ON n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node";

const ORDER: &str = " ORDER BY w.run_key, w.node, w.map_index";

/// What a run's instances wait for.
/// Called by `WaitStore::waits_of_run`. Walks the key of `wait` over the run; finds the rest by keys.
pub(crate) fn of_run_query(scope: TenantScope, run: RunKey) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push(" FROM wait AS w").push(REST).push(" WHERE w.tenant_id = ").push_bind(rows::tenant(scope));
    query.push(" AND w.run_key = ").push_bind(rows::bytes(run.uuid())).push(ORDER);
    query
}

/// Who waits for something.
/// Called by `WaitStore::waits_on`. Walks `wait_by_key` from a place on; finds the rest by keys.
pub(crate) fn on_query(
    scope: TenantScope,
    kind: WaitKind,
    key: &str,
    after: Option<InstanceKey>,
    limit: u32,
) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push(" FROM wait AS w INDEXED BY wait_by_key").push(REST);
    query.push(" WHERE w.tenant_id = ").push_bind(rows::tenant(scope));
    query.push(" AND w.kind = ").push_bind(kind.as_str());
    query.push(" AND w.key = ").push_bind(storable(key).into_owned());
    if let Some(after) = after {
        query.push(" AND (w.run_key, w.node, w.map_index) > (").push_bind(rows::bytes(after.run.uuid()));
        query.push(", ").push_bind(after.node.0).push(", ").push_bind(after.map_index.number()).push(")");
    }
    query.push(ORDER).push(" LIMIT ").push_bind(limit);
    query
}

/// Waits for people.
/// Called by `WaitStore::wait_list`. Walks the key of `wait` over a run, or over a tenant up to the page's end: only what waits has a
/// row there, as a rule.
pub(crate) fn list_query(scope: TenantScope, filter: &WaitFilter, page: PageRequest) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(COLUMNS);
    push_filter(&mut query, scope, filter);
    query.push(ORDER).push(" LIMIT ").push_bind(page.limit).push(" OFFSET ").push_bind(page.offset);
    query
}

/// How many there are.
pub(crate) fn count_query(scope: TenantScope, filter: &WaitFilter) -> QueryBuilder<Sqlite> {
    rows::count_query(|query| push_filter(query, scope, filter))
}

fn push_filter(query: &mut QueryBuilder<Sqlite>, scope: TenantScope, filter: &WaitFilter) {
    query.push(" FROM wait AS w").push(REST).push(" WHERE w.tenant_id = ").push_bind(rows::tenant(scope));
    if let Some(run) = filter.run {
        query.push(" AND w.run_key = ").push_bind(rows::bytes(run.uuid()));
    }
    if let Some(kind) = filter.kind {
        // Not by its index, which has another order.
        query.push(" AND +w.kind = ").push_bind(kind.as_str());
    }
    if let Some(dag_id) = &filter.dag_id {
        query.push(" AND r.dag_id = ").push_bind(dag_id.as_str().to_owned());
    }
    if filter.has_form {
        query.push(" AND w.form IS NOT NULL");
    }
}

/// The state of the run, and how many signals wait in it.
/// Called by `WaitStore::signal_insert`. Finds the run by its key, and walks `signal_by_run` over it.
pub(crate) const RECEIVER: &str = "
SELECT r.state, (SELECT count(*) FROM signal AS s WHERE s.tenant_id = ?1 AND s.run_key = ?2 AND s.node IS NULL) AS waiting
FROM dag_run AS r
WHERE r.tenant_id = ?1 AND r.key = ?2";

/// Called by `WaitStore::signal_insert`. Probes the unique id; adds to the table's indexes.
pub(crate) const INSERT_SIGNAL: &str = "
INSERT INTO signal (tenant_id, id, run_key, name, payload, sent_by, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT DO NOTHING";

/// Whether it has come before.
/// Called by `WaitStore::signal_insert`. Finds it by the unique id.
pub(crate) const FIND_SIGNAL: &str = "SELECT 1 FROM signal WHERE tenant_id = ?1 AND id = ?2";

/// Signals to a run.
/// Called by `WaitStore::signal_list`. Walks `signal_by_run` over the run.
pub(crate) const SIGNALS: &str = "
SELECT id, run_key, name, payload, sent_by, at, node, map_index
FROM signal
WHERE tenant_id = ?1 AND run_key = ?2
ORDER BY number";

/// The signal that an instance took last.
/// Called by `WaitStore::signal_of_instance`. Walks `signal_by_run` over the run, backwards.
pub(crate) const SIGNAL_OF_INSTANCE: &str = "
SELECT id, run_key, name, payload, sent_by, at, node, map_index
FROM signal
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4
ORDER BY number DESC
LIMIT 1";

struct InsertSignal(NewSignal);

#[async_trait]
impl Write for InsertSignal {
    type Done = bool;
    type Error = StoreError;

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<bool, StoreError> {
        let signal = &self.0;
        let (tenant, id) = (rows::tenant(signal.scope), rows::bytes(signal.id.uuid()));
        let find = sqlx::query(FIND_SIGNAL).bind(tenant).bind(&id);
        if find.fetch_optional(tx.conn().await?).await.map_err(failed)?.is_some() {
            return Ok(false);
        }
        let run = rows::bytes(signal.run.uuid());
        let receiver = sqlx::query(RECEIVER).bind(tenant).bind(&run);
        let receiver = receiver.fetch_optional(tx.conn().await?).await.map_err(failed)?;
        let refused = |why| StoreError::Conflict { what: "run", name: signal.run.to_string(), why };
        let Some(row) = receiver else { return Err(refused("does not exist")) };
        let cells = Cells::of(&row, "dag_run");
        if cells.parsed::<RunState>("state")?.is_ended() {
            return Err(refused("has ended"));
        }
        let used: u64 = cells.number("waiting")?;
        if used >= u64::from(SIGNALS_MAX) {
            let limit = "the number of signals that nobody has taken";
            return Err(StoreError::LimitReached { limit, used, max: u64::from(SIGNALS_MAX) });
        }
        let insert = sqlx::query(INSERT_SIGNAL).bind(tenant).bind(id).bind(run);
        let insert = insert.bind(storable(&signal.name)).bind(storable(&signal.payload)).bind(storable(&signal.by));
        let insert = insert.bind(signal.at.as_microsecond());
        let done = insert.execute(tx.conn().await?).await.map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }
}

#[async_trait]
impl WaitStore for SqliteStore {
    async fn waits_of_run(&self, scope: TenantScope, run: RunKey) -> Result<Vec<WaitRow>, StoreError> {
        let mut query = of_run_query(scope, run);
        let found = query.build().fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(|row| of_row(row, scope)).collect()
    }

    async fn waits_on(
        &self,
        scope: TenantScope,
        kind: WaitKind,
        key: &str,
        after: Option<InstanceKey>,
        limit: u32,
    ) -> Result<Vec<WaitRow>, StoreError> {
        let mut query = on_query(scope, kind, key, after, limit);
        let found = query.build().fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(|row| of_row(row, scope)).collect()
    }

    async fn wait_list(
        &self,
        scope: TenantScope,
        filter: &WaitFilter,
        page: PageRequest,
    ) -> Result<Page<WaitRow>, StoreError> {
        let mut conn = self.reader().await?;
        let (list, count) = (list_query(scope, filter, page), count_query(scope, filter));
        rows::paged(&mut conn, page, list, count, |row| of_row(row, scope)).await
    }

    async fn signal_insert(&self, signal: &NewSignal) -> Result<bool, StoreError> {
        self.writer.apply(InsertSignal(signal.clone())).await
    }

    async fn signal_list(&self, scope: TenantScope, run: RunKey) -> Result<Vec<SignalRow>, StoreError> {
        let query = sqlx::query(SIGNALS).bind(rows::tenant(scope)).bind(rows::bytes(run.uuid()));
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        found.iter().map(|row| signal(row, scope)).collect()
    }

    async fn signal_of_instance(
        &self,
        scope: TenantScope,
        instance: InstanceKey,
    ) -> Result<Option<SignalRow>, StoreError> {
        let query = sqlx::query(SIGNAL_OF_INSTANCE)
            .bind(rows::tenant(scope))
            .bind(rows::bytes(instance.run.uuid()))
            .bind(instance.node.0)
            .bind(instance.map_index.number());
        let found = query.fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
        found.as_ref().map(|row| signal(row, scope)).transpose()
    }
}

fn of_row(row: &SqliteRow, scope: TenantScope) -> Result<WaitRow, StoreError> {
    let cells = Cells::of(row, "wait");
    Ok(WaitRow {
        wait: NewWait {
            scope,
            instance: InstanceKey {
                run: RunKey::from_uuid(cells.uuid("run_key")?),
                node: cells.node()?,
                map_index: cells.map_index()?,
            },
            fence: Fence::from_row(cells.number("fence")?),
            kind: cells.parsed("kind")?,
            key: cells.shared("key")?,
            form: cells.text_opt("form")?.map(Into::into),
            since: cells.time("since")?,
        },
        dag_id: cells.parsed("dag_id")?,
        run_id: cells.parsed("run_id")?,
        task_id: cells.parsed("task_id")?,
        state: cells.parsed("state")?,
        times_out_at: cells.time_opt("times_out_at")?,
        is_met: cells.flag("is_met")?,
    })
}

fn signal(row: &SqliteRow, scope: TenantScope) -> Result<SignalRow, StoreError> {
    let cells = Cells::of(row, "signal");
    let run = RunKey::from_uuid(cells.uuid("run_key")?);
    let taken_by = match cells.number_opt("node")? {
        Some(node) => Some(InstanceKey { run, node: NodeIdx(node), map_index: cells.map_index()? }),
        None => None,
    };
    Ok(SignalRow {
        signal: NewSignal {
            scope,
            id: SignalId::from_uuid(cells.uuid("id")?),
            run,
            name: cells.shared("name")?,
            payload: cells.shared("payload")?,
            by: cells.shared("sent_by")?,
            at: cells.time("at")?,
        },
        taken_by,
    })
}
