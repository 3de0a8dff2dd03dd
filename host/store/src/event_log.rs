//! Who did what, for people. Rows are only added.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{DagId, EventLogId, MapIndex, RunId, TaskId, TenantScope, TryNumber};

use crate::{Page, PageRequest, StoreError};

/// Something that somebody did. What a scheduler's commit did is written by [`RunStore::commit`](crate::RunStore::commit), together
/// with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEventLog {
    pub scope: TenantScope,
    pub at: Timestamp,
    /// What was done, in snake case: `clear`, `mark`, `trigger`, …
    pub event: Arc<str>,
    /// Who did it.
    pub owner: Arc<str>,
    pub dag_id: Option<DagId>,
    pub run_id: Option<RunId>,
    pub task_id: Option<TaskId>,
    pub map_index: Option<MapIndex>,
    pub try_number: Option<TryNumber>,
    /// JSON object: why, and with which options.
    pub extra: Arc<str>,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLogRow {
    pub id: EventLogId,
    pub entry: NewEventLog,
}

/// Which entries. What is `None` or empty does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventLogFilter {
    pub dag_id: Option<DagId>,
    pub run_id: Option<RunId>,
    pub task_id: Option<TaskId>,
    pub map_index: Option<MapIndex>,
    pub try_number: Option<TryNumber>,
    pub owner: Option<String>,
    pub events: Vec<String>,
    pub excluded_events: Vec<String>,
    /// Exclusive bounds.
    pub after: Option<Timestamp>,
    pub before: Option<Timestamp>,
    pub descending: bool,
}

/// The log of what people did.
#[async_trait]
pub trait EventLogStore: Send + Sync {
    /// Writes an entry.
    async fn event_log_insert(&self, entry: &NewEventLog) -> Result<EventLogId, StoreError>;

    /// One entry.
    async fn event_log_fetch(&self, scope: TenantScope, id: EventLogId) -> Result<Option<EventLogRow>, StoreError>;

    /// Entries in the order of their numbers.
    async fn event_log_list(
        &self,
        scope: TenantScope,
        filter: &EventLogFilter,
        page: PageRequest,
    ) -> Result<Page<EventLogRow>, StoreError>;
}
