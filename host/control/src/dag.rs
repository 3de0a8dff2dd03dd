//! DAGs with their current versions and what is due next.

use std::sync::Arc;

use model::{DagId, RunState, TenantScope};
use plan::timetable::{Fire, Timetable};
use serde_json::json;
use store::{DagFilter, DagRow, Page, PageRequest, RunFilter, ScheduleRow};

use crate::event_log::About;
use crate::{Code, Control, DagVersion, Error, Session};

/// A DAG.
#[derive(Debug, Clone)]
pub struct DagView {
    pub row: DagRow,
    pub current: Arc<DagVersion>,
    /// The run that its schedule makes next, though it may be paused. None where that depends on runs or events.
    pub next: Option<Fire>,
    /// Why it was paused, where nobody did it by hand.
    pub pause_reason: Option<String>,
}

/// What takes more reads to know.
#[derive(Debug, Clone)]
pub struct DagDetails {
    pub dag: DagView,
    pub active_runs: u64,
}

impl Control {
    /// DAGs by id.
    pub async fn dag_list(
        &self,
        session: &Session,
        filter: &DagFilter,
        page: PageRequest,
    ) -> Result<Page<DagView>, Error> {
        let scope = session.scope();
        let Page { rows, total } = self.catalog.dag_list(scope, filter, page).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(self.dag_view(scope, row).await?);
        }
        Ok(Page { rows: views, total })
    }

    /// One DAG.
    pub async fn dag_fetch(&self, session: &Session, dag_id: &DagId) -> Result<DagView, Error> {
        let row = self.dag_row(session.scope(), dag_id).await?;
        self.dag_view(session.scope(), row).await
    }

    /// Pauses a DAG, or sets it going again: its schedule makes no runs meanwhile.
    pub async fn dag_pause(&self, session: &Session, dag_id: &DagId, is_paused: bool) -> Result<DagView, Error> {
        let scope = session.scope();
        self.dag_row(scope, dag_id).await?;
        self.times.dag_pause(scope, dag_id, is_paused, None, self.clock.now()).await?;
        self.scheduling.poke();
        tracing::info!(tenant = %scope.tenant(), dag = %dag_id, is_paused, by = session.name(), "dag paused or set going");
        let about = About { dag_id: Some(dag_id), ..About::default() };
        self.record(session, if is_paused { "pause" } else { "unpause" }, about, json!({})).await;
        self.dag_fetch(session, dag_id).await
    }

    /// One DAG and what is going on in it.
    pub async fn dag_details(&self, session: &Session, dag_id: &DagId) -> Result<DagDetails, Error> {
        let dag = self.dag_fetch(session, dag_id).await?;
        let active = RunFilter {
            dag_id: Some(dag_id.clone()),
            states: vec![RunState::Queued, RunState::Running],
            ..RunFilter::default()
        };
        let counted = self.runs.run_list(session.scope(), &active, PageRequest { limit: 1, offset: 0 }).await?;
        Ok(DagDetails { dag, active_runs: counted.total })
    }

    pub(crate) async fn dag_row(&self, scope: TenantScope, dag_id: &DagId) -> Result<DagRow, Error> {
        self.catalog.dag_fetch(scope, dag_id).await?.ok_or_else(|| {
            Error::new(Code::DagNotFound, format!("there is no DAG {:?}", dag_id.as_str()))
                .hint("deploy the bundle that defines it, or list the DAGs with GET /api/v2/dags")
        })
    }

    pub(crate) async fn dag_view(&self, scope: TenantScope, row: DagRow) -> Result<DagView, Error> {
        let current = self.dag_versions.of_row(scope, row.current.clone())?;
        let schedule = self.times.schedule_fetch(scope, &row.dag_id).await?;
        let next = self.next_fire(&row, &current, schedule.as_ref());
        Ok(DagView { row, current, next, pause_reason: schedule.and_then(|schedule| schedule.pause_reason) })
    }

    fn next_fire(&self, row: &DagRow, current: &DagVersion, schedule: Option<&ScheduleRow>) -> Option<Fire> {
        let known = schedule.map(|schedule| &schedule.state);
        let since = known.map_or(row.created_at, |state| state.since);
        let timetable =
            Timetable::of(current.dag().document(), since).filter(|timetable| !timetable.is_continuous())?;
        let now = self.clock.now();
        let cursor = match known {
            Some(state) if state.version == row.current.key => state.cursor,
            // The timekeeper has not looked at this version.
            Some(state) => timetable.next_cursor(state.cursor, now),
            None => timetable.first_cursor(now),
        };
        let due = timetable.due(cursor, now).fire;
        due.or_else(|| Some(timetable.fire(timetable.next_after(cursor.max(now))?)))
    }
}
