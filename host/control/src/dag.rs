//! DAGs with their current versions and what is due next.

use std::sync::Arc;

use model::asset::AssetExpression;
use model::limits::http::{DAGS_LOOKED_THROUGH, PAGE_MAX};
use model::schedule::Schedule;
use model::{DagId, RunState, TenantScope};
use plan::timetable::{Fire, Timetable};
use serde_json::json;
use store::{DagDeletion, DagFilter, DagRow, EndedRun, Page, PageRequest, RunFilter, RunOrder, ScheduleRow};

use crate::event_log::About;
use crate::{Code, Control, DagVersion, Error, Session};

/// Runs that are discarded in one transaction.
const DELETED_AT_ONCE: u32 = 100;

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

/// Which DAGs. What is empty or `None` does not filter; all but `rows` is looked for in the DAGs themselves.
#[derive(Debug, Clone, Default)]
pub struct DagQuery {
    pub rows: DagFilter,
    /// One of them owns it.
    pub owners: Vec<String>,
    /// Stands in its name for people, in whatever case.
    pub display_name: Option<String>,
    pub has_asset_schedule: Option<bool>,
    /// Stands in the name of an asset that its schedule waits for.
    pub asset: Option<String>,
    /// Of its last run.
    pub last_run_state: Option<RunState>,
    /// Nothing has import errors, and nobody has favourites.
    pub is_none: bool,
}

/// What takes more reads to know.
#[derive(Debug, Clone)]
pub struct DagDetails {
    pub dag: DagView,
    pub active_runs: u64,
}

impl DagQuery {
    /// The rows alone say which.
    fn is_of_rows(&self) -> bool {
        let Self { owners, display_name, has_asset_schedule, asset, last_run_state, .. } = self;
        owners.is_empty()
            && display_name.is_none()
            && has_asset_schedule.is_none()
            && asset.is_none()
            && last_run_state.is_none()
    }

    fn fits(&self, version: &DagVersion) -> bool {
        let document = version.dag().document();
        let expression = document.schedule.as_ref().and_then(Schedule::assets);
        let has = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
        let mut names = Vec::new();
        expression.iter().for_each(|it| named(it, &mut names));
        (self.owners.is_empty() || document.owners.iter().any(|owner| self.owners.contains(owner)))
            && self.display_name.as_ref().is_none_or(|part| has(version.display_name(), part))
            && self.has_asset_schedule.is_none_or(|wanted| wanted == expression.is_some())
            && self.asset.as_ref().is_none_or(|part| names.iter().any(|name| has(name, part)))
    }
}

/// The assets that an expression names.
fn named(expression: &AssetExpression, names: &mut Vec<String>) {
    match expression {
        AssetExpression::Asset(name) => names.push(name.as_str().to_owned()),
        AssetExpression::All(parts) | AssetExpression::Any(parts) => parts.iter().for_each(|part| named(part, names)),
    }
}

impl Control {
    /// DAGs by id.
    pub async fn dag_list(
        &self,
        session: &Session,
        query: &DagQuery,
        page: PageRequest,
    ) -> Result<Page<DagView>, Error> {
        let scope = session.scope();
        if query.is_none {
            return Ok(Page { rows: Vec::new(), total: 0 });
        }
        if query.is_of_rows() {
            let Page { rows, total } = self.catalog.dag_list(scope, &query.rows, page).await?;
            let mut views = Vec::with_capacity(rows.len());
            for row in rows {
                views.push(self.dag_view(scope, row).await?);
            }
            return Ok(Page { rows: views, total });
        }
        let (mut fitting, mut offset) = (Vec::new(), 0);
        while offset < DAGS_LOOKED_THROUGH {
            let read = PageRequest { limit: PAGE_MAX, offset };
            let rows = self.catalog.dag_list(scope, &query.rows, read).await?.rows;
            offset += PAGE_MAX;
            let is_last = rows.len() < PAGE_MAX as usize;
            for row in rows {
                let current = self.dag_versions.of_row(scope, row.current.clone())?;
                if query.fits(&current) && self.last_run_is(scope, &row.dag_id, query.last_run_state).await? {
                    fitting.push(row);
                }
            }
            if is_last {
                break;
            }
        }
        let total = fitting.len() as u64;
        let mut views = Vec::new();
        for row in fitting.into_iter().skip(page.offset as usize).take(page.limit as usize) {
            views.push(self.dag_view(scope, row).await?);
        }
        Ok(Page { rows: views, total })
    }

    async fn last_run_is(&self, scope: TenantScope, dag_id: &DagId, state: Option<RunState>) -> Result<bool, Error> {
        let Some(state) = state else { return Ok(true) };
        let newest = RunFilter {
            dag_id: Some(dag_id.clone()),
            order: RunOrder::RunAfter,
            descending: true,
            ..RunFilter::default()
        };
        let found = self.runs.run_list(scope, &newest, PageRequest { limit: 1, offset: 0 }).await?;
        Ok(found.rows.first().is_some_and(|run| run.state == state))
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

    /// Deletes a DAG none of whose runs is unfinished, with its runs: nobody finds them any more, and what they leave goes with the
    /// next pass over what is kept. One that its bundle defines comes back when that is deployed again.
    ///
    /// Whoever is interrupted has deleted some of its runs, and goes on by asking again.
    pub async fn dag_delete(&self, session: &Session, dag_id: &DagId) -> Result<(), Error> {
        let scope = session.scope();
        self.dag_row(scope, dag_id).await?;
        let unfinished = || {
            Error::new(Code::DagRuns, format!("DAG {:?} has runs that have not ended", dag_id.as_str()))
                .hint("end them with POST …/cancel first")
        };
        let active = RunFilter {
            dag_id: Some(dag_id.clone()),
            states: vec![RunState::Queued, RunState::Running],
            ..RunFilter::default()
        };
        let one = PageRequest { limit: 1, offset: 0 };
        if !self.runs.run_list(scope, &active, one).await?.rows.is_empty() {
            return Err(unfinished());
        }
        // Its schedule makes no more runs meanwhile.
        self.times.dag_pause(scope, dag_id, true, None, self.clock.now()).await?;
        let all = RunFilter { dag_id: Some(dag_id.clone()), ..RunFilter::default() };
        let mut runs = 0;
        loop {
            let some = PageRequest { limit: DELETED_AT_ONCE, offset: 0 };
            let ended = self.runs.run_list(scope, &all, some).await?.rows.into_iter().map(|run| {
                let ended_at = run.ended_at.filter(|_| run.state.is_ended())?;
                Some(EndedRun { key: run.key, dag_id: run.dag_id, run_id: run.run_id, ended_at })
            });
            let ended = ended.collect::<Option<Vec<_>>>().ok_or_else(unfinished)?;
            runs += self.retention.runs_discard(scope, &ended).await?.len();
            match self.catalog.dag_delete(scope, dag_id).await? {
                DagDeletion::HasRuns => {}
                DagDeletion::Deleted => break,
                // Somebody else was faster.
                DagDeletion::Unknown => return Ok(()),
            }
        }
        self.scheduling.poke();
        tracing::info!(tenant = %scope.tenant(), dag = %dag_id, runs, by = session.name(), "DAG deleted");
        let about = About { dag_id: Some(dag_id), ..About::default() };
        self.record(session, "delete_dag", about, json!({"runs": runs})).await;
        Ok(())
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
