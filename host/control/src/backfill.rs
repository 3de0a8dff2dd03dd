//! Backfills: which dates one would have, making one, pausing and cancelling it. The timekeeper of the scheduler makes the runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use model::limits::schedule::{ACTIVE_RUNS_MAX, BACKFILL_DATES_MAX};
use model::{BackfillId, BackfillState, DagId, Problems, Reprocess, SliceState, TenantScope};
use plan::backfill::{Act, act, dates};
use plan::timetable::{Fire, Timetable};
use serde_json::{Value, json};
use store::{BackfillRow, NewBackfill, NewSlice, Page, PageRequest, StoreError};

use crate::event_log::About;
use crate::{Code, Control, DagVersion, DagView, Error, Session};

/// A backfill that somebody wants.
#[derive(Debug, Clone)]
pub struct BackfillRequest {
    pub dag_id: DagId,
    pub from: Timestamp,
    pub to: Timestamp,
    pub is_backwards: bool,
    /// JSON object; members with names of parameters are their values.
    pub conf: Option<Arc<str>>,
    pub reprocess: Reprocess,
    pub max_active_runs: u32,
    pub version: BackfillVersion,
}

/// The version of a backfill's runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackfillVersion {
    /// The one that is current when the backfill is made.
    Current,
    /// For each run the one that is current when it is made.
    Latest,
    Number(u32),
}

/// What a backfill would do about a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedDate {
    pub logical_date: Timestamp,
    /// Its run is there and runs again.
    pub is_cleared: bool,
}

/// A backfill and how its dates stand.
#[derive(Debug, Clone)]
pub struct BackfillView {
    pub row: BackfillRow,
    pub display_name: String,
    pub dates: BTreeMap<SliceState, u64>,
}

impl Control {
    /// Makes a backfill.
    pub async fn backfill_create(&self, session: &Session, request: BackfillRequest) -> Result<BackfillView, Error> {
        let scope = session.scope();
        let (version, fires) = self.prepare_backfill(session, &request).await?;
        if fires.is_empty() {
            let message = format!(
                "the schedule of DAG {:?} has no date from {} to {} that is over already",
                request.dag_id.as_str(),
                request.from,
                request.to
            );
            return Err(
                Error::new(Code::NotBackfillable, message).hint("see its dates with POST /api/v2/backfills/dry_run")
            );
        }
        let conf = request.conf.unwrap_or_else(|| "{}".into());
        let members = self.check_conf(scope, &conf, "dag_run_conf").await?;
        let params = version.params.resolve(&members, "dag_run_conf").map_err(|problems| {
            Error::new(Code::InvalidParams, format!("the parameters do not fit DAG {:?}", request.dag_id.as_str()))
                .problems(problems)
        })?;
        let is_latest = request.version == BackfillVersion::Latest;
        let slice = |fire: Fire| NewSlice {
            logical_date: fire.logical_date,
            data_interval: fire.data_interval,
            run_after: fire.run_after,
        };
        let backfill = NewBackfill {
            dag_id: request.dag_id,
            from: request.from,
            to: request.to,
            is_backwards: request.is_backwards,
            reprocess: request.reprocess,
            max_active_runs: request.max_active_runs,
            version: Some(version.row.key).filter(|_| !is_latest),
            conf,
            params: Some(Value::Object(params).to_string().into()).filter(|_| !is_latest || !members.is_empty()),
            created_by: session.name().to_owned(),
            created_at: self.clock.now(),
            slices: fires.into_iter().map(slice).collect(),
        };
        let id = self.times.backfill_insert(scope, &backfill).await.map_err(|error| match error {
            StoreError::Conflict { .. } => {
                let message = format!("another backfill of DAG {:?} has not ended", backfill.dag_id.as_str());
                Error::new(Code::BackfillRuns, message).hint("wait for its end, or cancel it")
            }
            error => error.into(),
        })?;
        self.scheduling.poke();
        tracing::info!(
            tenant = %scope.tenant(), dag = %backfill.dag_id, backfill = %id, dates = backfill.slices.len(),
            by = session.name(), "backfill made"
        );
        let about = About { dag_id: Some(&backfill.dag_id), ..About::default() };
        let extra = json!({"backfill_id": id.number(), "dates": backfill.slices.len()});
        self.record(session, "backfill_create", about, extra).await;
        self.backfill_fetch(session, id).await
    }

    /// The dates for which [`Control::backfill_create`] would make or repeat runs now, in their order.
    pub async fn backfill_preview(
        &self,
        session: &Session,
        request: &BackfillRequest,
    ) -> Result<Vec<PlannedDate>, Error> {
        let (_, fires) = self.prepare_backfill(session, request).await?;
        let mut planned = Vec::with_capacity(fires.len());
        for Fire { logical_date, .. } in fires {
            let run = self.times.run_of_date(session.scope(), &request.dag_id, logical_date).await?;
            match act(run.map(|run| run.state), request.reprocess) {
                Act::Make => planned.push(PlannedDate { logical_date, is_cleared: false }),
                Act::Clear => planned.push(PlannedDate { logical_date, is_cleared: true }),
                Act::Leave => {}
            }
        }
        Ok(planned)
    }

    /// Backfills, newest first; of one DAG, which must exist, or of all.
    pub async fn backfill_list(
        &self,
        session: &Session,
        dag_id: Option<&DagId>,
        page: PageRequest,
    ) -> Result<Page<BackfillView>, Error> {
        let scope = session.scope();
        if let Some(dag_id) = dag_id {
            self.dag_row(scope, dag_id).await?;
        }
        let Page { rows, total } = self.times.backfill_list(scope, dag_id, page).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(self.backfill_view(scope, row).await?);
        }
        Ok(Page { rows: views, total })
    }

    /// One backfill.
    pub async fn backfill_fetch(&self, session: &Session, id: BackfillId) -> Result<BackfillView, Error> {
        let row = self.times.backfill_fetch(session.scope(), id).await?.ok_or_else(|| not_found(id))?;
        self.backfill_view(session.scope(), row).await
    }

    /// Pauses a backfill, sets it going again, or cancels it: whatever `to` says. One that is so already stays as it is.
    pub async fn backfill_move(
        &self,
        session: &Session,
        id: BackfillId,
        to: BackfillState,
    ) -> Result<BackfillView, Error> {
        let scope = session.scope();
        let before = self.times.backfill_fetch(scope, id).await?.ok_or_else(|| not_found(id))?;
        let moved = self.times.backfill_move(scope, id, to, self.clock.now()).await?;
        let view = self.backfill_fetch(session, id).await?;
        if moved {
            self.scheduling.poke();
            tracing::info!(
                tenant = %scope.tenant(), dag = %before.dag_id, backfill = %id, %to, by = session.name(), "backfill moved"
            );
            let about = About { dag_id: Some(&before.dag_id), ..About::default() };
            let event = match to {
                BackfillState::Running => "backfill_unpause",
                BackfillState::Paused => "backfill_pause",
                BackfillState::Completed | BackfillState::Cancelled => "backfill_cancel",
            };
            self.record(session, event, about, json!({"backfill_id": id.number()})).await;
        } else if view.row.state != to {
            let message = format!("backfill {id} is {} and cannot become {to}", view.row.state);
            return Err(Error::new(Code::BackfillEnded, message).hint("make another one"));
        }
        Ok(view)
    }

    /// The version and the dates of a backfill; or what is wrong with it.
    async fn prepare_backfill(
        &self,
        session: &Session,
        request: &BackfillRequest,
    ) -> Result<(Arc<DagVersion>, Vec<Fire>), Error> {
        let dag = self.dag_fetch(session, &request.dag_id).await?;
        let version = match request.version {
            BackfillVersion::Current | BackfillVersion::Latest => dag.current.clone(),
            BackfillVersion::Number(number) => self.dag_version_fetch(session, &request.dag_id, number).await?,
        };
        let now = self.clock.now();
        check(request, &version, &dag, now)?;
        let timetable = Timetable::of(version.dag().document(), dag.row.created_at);
        let not_backfillable = |message: String| Error::new(Code::NotBackfillable, message);
        let Some(timetable) = timetable.filter(|_| version.is_backfillable()) else {
            let message = format!("DAG {:?} has no schedule with dates", request.dag_id.as_str());
            return Err(not_backfillable(message).hint("give it a cron expression or an interval, or trigger its runs"));
        };
        let fires = dates(&timetable, request.from, request.to.min(now), request.is_backwards)
            .map_err(|error| not_backfillable(error.to_string()))?;
        Ok((version, fires.into_iter().filter(|fire| fire.run_after <= now).collect()))
    }

    async fn backfill_view(&self, scope: TenantScope, row: BackfillRow) -> Result<BackfillView, Error> {
        let dag = self.dag_row(scope, &row.dag_id).await?;
        let display_name = self.dag_versions.of_row(scope, dag.current)?.display_name().to_owned();
        let all = PageRequest { limit: BACKFILL_DATES_MAX as u32, offset: 0 };
        let mut dates = BTreeMap::new();
        for slice in self.times.slice_list(scope, row.id, all).await?.rows {
            *dates.entry(slice.state).or_insert(0) += 1;
        }
        Ok(BackfillView { row, display_name, dates })
    }
}

fn check(request: &BackfillRequest, version: &DagVersion, dag: &DagView, now: Timestamp) -> Result<(), Error> {
    if dag.row.is_stale {
        let message = format!("DAG {:?} is no longer defined", request.dag_id.as_str());
        return Err(Error::new(Code::DagIsStale, message).hint("deploy a bundle that defines it"));
    }
    let mut problems = Problems::default();
    if request.from > request.to {
        problems.error("invalid-interval", "/to_date", "the backfill ends before it begins");
    } else if request.from > now {
        problems.error("future-dates", "/from_date", "the backfill lies in the future, and its dates are not due yet");
    }
    if !(1..=ACTIVE_RUNS_MAX).contains(&request.max_active_runs) {
        problems.error("out-of-range", "/max_active_runs", format!("say 1 to {ACTIVE_RUNS_MAX}"));
    }
    let past = version.dag().document().tasks.iter().find(|task| task.depends_on_past);
    if let Some(task) = past.filter(|_| request.is_backwards) {
        let message = format!("task {:?} depends on the past, so the dates go forwards alone", task.task_id.as_str());
        problems.error("depends-on-past", "/run_backwards", message);
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::new(Code::NotBackfillable, "the backfill cannot be made like this").problems(problems.into_list()))
}

fn not_found(id: BackfillId) -> Error {
    Error::new(Code::BackfillNotFound, format!("there is no backfill {id}"))
        .hint("list them with GET /api/v2/backfills")
}
