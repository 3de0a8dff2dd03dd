//! Who did what, for people.

use async_trait::async_trait;
use model::{EventLogId, TenantScope, TryNumber};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Postgres, QueryBuilder};
use store::{EventLogFilter, EventLogRow, EventLogStore, NewEventLog, Page, PageRequest, StoreError};

use crate::PostgresStore;
use crate::commit::{Document, event_log as written};
use crate::rows::{self, Cells};

/// An entry by its number.
/// Called by `EventLogStore::event_log_fetch`. Finds it by the table's key.
pub(crate) const FETCH: &str = "
SELECT id, at, event, owner, dag_id, run_id, task_id, map_index, try_number, extra
FROM event_log
WHERE tenant_id = $1 AND id = $2";

/// Entries in the order of their numbers.
/// Called by `EventLogStore::event_log_list`. Walks `event_log_by_tenant` or `event_log_by_dag`, and stops at the page's end.
pub(crate) fn list_query(scope: TenantScope, filter: &EventLogFilter, page: PageRequest) -> QueryBuilder<Postgres> {
    let mut query =
        QueryBuilder::new("SELECT id, at, event, owner, dag_id, run_id, task_id, map_index, try_number, extra");
    push_filter(&mut query, scope, filter);
    query.push(" ORDER BY id").push(if filter.descending { " DESC" } else { "" });
    query.push(" LIMIT ").push_bind(i64::from(page.limit)).push(" OFFSET ").push_bind(i64::from(page.offset));
    query
}

/// How many there are.
pub(crate) fn count_query(scope: TenantScope, filter: &EventLogFilter) -> QueryBuilder<Postgres> {
    rows::count_query(|query| push_filter(query, scope, filter))
}

fn push_filter(query: &mut QueryBuilder<Postgres>, scope: TenantScope, filter: &EventLogFilter) {
    query.push(" FROM event_log WHERE tenant_id = ").push_bind(rows::tenant(scope));
    let ids = [
        (" AND dag_id = ", filter.dag_id.as_ref().map(|id| id.as_str().to_owned())),
        (" AND run_id = ", filter.run_id.as_ref().map(|id| id.as_str().to_owned())),
        (" AND task_id = ", filter.task_id.as_ref().map(|id| id.as_str().to_owned())),
        (" AND owner = ", rows::text_opt(filter.owner.as_deref())),
    ];
    for (condition, id) in ids {
        if let Some(id) = id {
            query.push(condition).push_bind(id);
        }
    }
    if let Some(map_index) = filter.map_index {
        query.push(" AND map_index = ").push_bind(map_index.number());
    }
    if let Some(try_number) = filter.try_number {
        query.push(" AND try_number = ").push_bind(rows::narrow(try_number.0));
    }
    if !filter.events.is_empty() {
        rows::push_list(query, " AND event IN (", filter.events.iter().cloned());
    }
    if !filter.excluded_events.is_empty() {
        rows::push_list(query, " AND event NOT IN (", filter.excluded_events.iter().cloned());
    }
    for (time, condition) in [(filter.after, " AND at > "), (filter.before, " AND at < ")] {
        if let Some(time) = time {
            query.push(condition).push_bind(time.as_microsecond());
        }
    }
}

#[async_trait]
impl EventLogStore for PostgresStore {
    async fn event_log_insert(&self, entry: &NewEventLog) -> Result<EventLogId, StoreError> {
        let mut document = Document::default();
        written::push(std::iter::once(entry), &mut document);
        let query = sqlx::query(AssertSqlSafe(written::insert())).bind(document.finish());
        let row = self.session().await?.one(query).await?;
        Cells::of(&row, "event_log").number("id").map(EventLogId::from_number)
    }

    async fn event_log_fetch(&self, scope: TenantScope, id: EventLogId) -> Result<Option<EventLogRow>, StoreError> {
        let query = sqlx::query(FETCH).bind(rows::tenant(scope)).bind(id.number());
        let found = self.session().await?.optional(query).await?;
        found.as_ref().map(|row| of_row(row, scope)).transpose()
    }

    async fn event_log_list(
        &self,
        scope: TenantScope,
        filter: &EventLogFilter,
        page: PageRequest,
    ) -> Result<Page<EventLogRow>, StoreError> {
        let mut session = self.session().await?;
        let (list, count) = (list_query(scope, filter, page), count_query(scope, filter));
        rows::paged(&mut session, page, list, count, |row| of_row(row, scope)).await
    }
}

fn of_row(row: &PgRow, scope: TenantScope) -> Result<EventLogRow, StoreError> {
    let cells = Cells::of(row, "event_log");
    let entry = NewEventLog {
        scope,
        at: cells.time("at")?,
        event: cells.shared("event")?,
        owner: cells.shared("owner")?,
        dag_id: cells.parsed_opt("dag_id")?,
        run_id: cells.parsed_opt("run_id")?,
        task_id: cells.parsed_opt("task_id")?,
        map_index: cells.map_index_opt()?,
        try_number: cells.number_opt::<u32>("try_number")?.map(TryNumber),
        extra: cells.shared("extra")?,
    };
    Ok(EventLogRow { id: EventLogId::from_number(cells.number("id")?), entry })
}
