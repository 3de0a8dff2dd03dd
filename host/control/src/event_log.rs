//! The log of what people did: who, what, to what, and why.
//!
//! What the scheduler does for somebody is written together with its commit; the rest is written here, after it is done.

use model::limits::event_log::EXTRA_MAX_BYTES;
use model::{DagId, EventLogId, RunId, TaskId};
use serde_json::{Map, Value};
use store::{EventLogFilter, EventLogRow, EventLogStore, NewEventLog, Page, PageRequest};

use crate::{Code, Control, Error, Session};

/// An entry, with the name of its DAG for people where it is still there.
#[derive(Debug, Clone, PartialEq)]
pub struct EventLogView {
    pub row: EventLogRow,
    pub dag_display_name: Option<String>,
}

/// What an entry is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About<'a> {
    pub(crate) dag_id: Option<&'a DagId>,
    pub(crate) run_id: Option<&'a RunId>,
    pub(crate) task_id: Option<&'a TaskId>,
}

impl Control {
    /// Entries in the order of their numbers.
    pub async fn event_log_list(
        &self,
        session: &Session,
        filter: &EventLogFilter,
        page: PageRequest,
    ) -> Result<Page<EventLogView>, Error> {
        let Page { rows, total } = self.event_logs.event_log_list(session.scope(), filter, page).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(self.event_log_view(session, row).await?);
        }
        Ok(Page { rows: views, total })
    }

    /// One entry.
    pub async fn event_log_fetch(&self, session: &Session, id: EventLogId) -> Result<EventLogView, Error> {
        let row = self.event_logs.event_log_fetch(session.scope(), id).await?;
        let row = row.ok_or_else(|| Error::new(Code::EventLogNotFound, format!("there is no event {id}")))?;
        self.event_log_view(session, row).await
    }

    /// Notes what was done. It is done already, so that what goes wrong here is told to the operator alone.
    pub(crate) async fn record(&self, session: &Session, event: &str, about: About<'_>, extra: Value) {
        insert(&*self.event_logs, self.entry(session, event, about, &extra)).await;
    }

    /// What is noted, for something that is written together with it.
    pub(crate) fn entry(&self, session: &Session, event: &str, about: About<'_>, extra: &Value) -> NewEventLog {
        let text = extra.to_string();
        let extra = if text.len() <= EXTRA_MAX_BYTES { text } else { Value::Object(Map::new()).to_string() };
        NewEventLog {
            scope: session.scope(),
            at: self.clock.now(),
            event: event.into(),
            owner: session.name().into(),
            dag_id: about.dag_id.cloned(),
            run_id: about.run_id.cloned(),
            task_id: about.task_id.cloned(),
            map_index: None,
            try_number: None,
            extra: extra.into(),
        }
    }

    async fn event_log_view(&self, session: &Session, row: EventLogRow) -> Result<EventLogView, Error> {
        let scope = session.scope();
        let dag = match &row.entry.dag_id {
            Some(dag_id) => self.catalog.dag_fetch(scope, dag_id).await?,
            None => None,
        };
        let dag_display_name = match dag {
            Some(dag) => Some(self.dag_versions.of_row(scope, dag.current)?.display_name().to_owned()),
            None => None,
        };
        Ok(EventLogView { row, dag_display_name })
    }
}

async fn insert(event_logs: &dyn EventLogStore, entry: NewEventLog) {
    if let Err(error) = event_logs.event_log_insert(&entry).await {
        tracing::error!(event = &*entry.event, by = &*entry.owner, %error, "an event could not be logged");
    }
}
