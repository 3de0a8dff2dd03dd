//! Who did what.

use async_trait::async_trait;
use model::{EventLogId, TenantScope};
use store::{EventLogFilter, EventLogRow, EventLogStore, NewEventLog, Page, PageRequest, StoreError};

use super::rows::{SimStore, Tables, kept, micros, page};

impl Tables {
    pub(crate) fn log(&mut self, entry: &NewEventLog) -> EventLogId {
        let id = EventLogId::from_number(self.next_number());
        let entry = NewEventLog {
            at: micros(entry.at),
            event: kept(&entry.event).into(),
            owner: kept(&entry.owner).into(),
            extra: kept(&entry.extra).into(),
            ..entry.clone()
        };
        self.logs.insert(id, EventLogRow { id, entry });
        id
    }
}

#[async_trait]
impl EventLogStore for SimStore {
    async fn event_log_insert(&self, entry: &NewEventLog) -> Result<EventLogId, StoreError> {
        Ok(self.tables().log(entry))
    }

    async fn event_log_fetch(&self, scope: TenantScope, id: EventLogId) -> Result<Option<EventLogRow>, StoreError> {
        Ok(self.tables().logs.get(&id).filter(|row| row.entry.scope == scope).cloned())
    }

    async fn event_log_list(
        &self,
        scope: TenantScope,
        filter: &EventLogFilter,
        of: PageRequest,
    ) -> Result<Page<EventLogRow>, StoreError> {
        let tables = self.tables();
        let found = tables.logs.values().filter(|row| row.entry.scope == scope && holds(filter, &row.entry));
        let mut rows: Vec<_> = found.cloned().collect();
        if filter.descending {
            rows.reverse();
        }
        Ok(page(rows, of))
    }
}

fn holds(filter: &EventLogFilter, entry: &NewEventLog) -> bool {
    fn is<T: PartialEq>(wanted: &Option<T>, found: &Option<T>) -> bool {
        wanted.is_none() || wanted == found
    }
    is(&filter.dag_id, &entry.dag_id)
        && is(&filter.run_id, &entry.run_id)
        && is(&filter.task_id, &entry.task_id)
        && is(&filter.map_index, &entry.map_index)
        && is(&filter.try_number, &entry.try_number)
        && filter.owner.as_ref().is_none_or(|owner| kept(owner) == *entry.owner)
        && (filter.events.is_empty() || filter.events.iter().any(|it| **it == *entry.event))
        && filter.excluded_events.iter().all(|it| **it != *entry.event)
        && filter.after.is_none_or(|after| entry.at > after)
        && filter.before.is_none_or(|before| entry.at < before)
}
