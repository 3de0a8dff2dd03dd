//! Schedules: new versions are looked at, runs that are due are made, DAGs whose runs keep failing are paused.

use model::schedule::Schedule;
use model::{DagId, Digest, RunKey, RunState, RunType};
use plan::timetable::Timetable;
use serde_json::json;
use store::{AssetDeclaration, ScheduleRow, ScheduleState, UnreadSchedule};
use tracing::{error, info, warn};

use super::{Made, PER_PASS, Pass, PassError, RUNS_PER_PASS, run_id};
use crate::version::{Version, VersionError};

impl Pass<'_> {
    /// Notes what the current versions say about times and assets. After a crash the same is noted again.
    pub(super) async fn read_versions(&mut self) -> Result<(), PassError> {
        for unread in self.parts.store.schedule_unread(self.scope, PER_PASS).await? {
            let state = match self.parts.versions.fetch(self.scope, unread.current).await {
                Ok(version) => {
                    self.parts.store.asset_declare(self.scope, &declaration(&version), self.now).await?;
                    self.state_of(&version, unread)
                }
                Err(VersionError::Store(error)) => return Err(error.into()),
                Err(error) => {
                    error!(dag = %unread.dag_id, %error, "nothing is scheduled for this version");
                    self.state_of_nothing(unread)
                }
            };
            self.parts.store.schedule_put(self.scope, &state).await?;
        }
        Ok(())
    }

    fn state_of(&self, version: &Version, unread: UnreadSchedule) -> ScheduleState {
        let digest = digest_of_times(version);
        let empty = self.state_of_nothing(unread.clone());
        let Some(timetable) = Timetable::of(version.dag.document(), empty.since) else {
            return ScheduleState { digest, ..empty };
        };
        let cursor = match &unread.known {
            Some(known) if known.digest == digest => known.cursor,
            Some(known) => timetable.next_cursor(known.cursor, self.now),
            None => timetable.first_cursor(self.now),
        };
        ScheduleState { digest, cursor, next_fire_at: timetable.next_due(cursor), ..empty }
    }

    /// What is kept of a version that no time makes runs of.
    fn state_of_nothing(&self, unread: UnreadSchedule) -> ScheduleState {
        let UnreadSchedule { dag_id, current, known } = unread;
        let digest = Digest::of(b"");
        match known {
            Some(known) => ScheduleState { version: current, digest, next_fire_at: None, ..known },
            None => ScheduleState {
                dag_id,
                version: current,
                digest,
                since: self.now,
                cursor: self.now,
                next_fire_at: None,
                last_fire_at: None,
                skipped: 0,
            },
        }
    }

    /// Makes the runs that are due, as far as their DAGs have room.
    pub(super) async fn start_due(&mut self) -> Result<(), PassError> {
        let mut done = Ok(());
        for row in self.parts.store.schedule_due(self.scope, self.now, PER_PASS).await? {
            let dag_id = row.state.dag_id.clone();
            if let Err(error) = self.start_due_of(row).await {
                warn!(dag = %dag_id, %error, "a run that is due is not made yet");
                done = Err(error);
            }
        }
        done
    }

    async fn start_due_of(&mut self, row: ScheduleRow) -> Result<(), PassError> {
        let version = self.parts.versions.fetch(self.scope, row.state.version).await?;
        let Some(timetable) = Timetable::of(version.dag.document(), row.state.since) else { return Ok(()) };
        if self.pause_if_failing(&version, &row).await? {
            return Ok(());
        }
        let mut state = row.state;
        for _ in 0..RUNS_PER_PASS {
            let is_held = timetable.is_continuous() && self.active.get(&state.dag_id).is_some_and(|active| *active > 0);
            if is_held || !self.has_room(&version) {
                return Ok(());
            }
            let due = timetable.due(state.cursor, self.now);
            let Some(fire) = due.fire else { return Ok(()) };
            let id = run_id(RunType::Scheduled, fire.logical_date, "")?;
            let mut trigger = self.trigger(self.new_key(), id, RunType::Scheduled, version.clone());
            trigger.logical_date = Some(fire.logical_date);
            trigger.data_interval = Some(fire.data_interval);
            trigger.run_after = fire.run_after;
            trigger.is_latest = timetable.due(due.cursor, self.now).fire.is_none();
            // A duplicate is the run that was made before a crash, or that a backfill made.
            let made = self.make(trigger).await?;
            state.cursor = due.cursor;
            state.next_fire_at = timetable.next_due(due.cursor);
            state.skipped = state.skipped.saturating_add(due.skipped);
            if made != Made::Never {
                state.last_fire_at = Some(fire.run_after);
            }
            self.parts.store.schedule_put(self.scope, &state).await?;
        }
        self.scheduler.news().poke();
        Ok(())
    }

    /// Looks at a DAG of which a run has just failed.
    pub(super) async fn look_at_failures(&mut self, dag_id: &DagId) -> Result<(), PassError> {
        let Some(row) = self.parts.store.schedule_fetch(self.scope, dag_id).await? else { return Ok(()) };
        let version = self.parts.versions.fetch(self.scope, row.state.version).await?;
        self.pause_if_failing(&version, &row).await.map(drop)
    }

    /// Pauses a DAG whose last runs, since it was set going, have all failed. True when it is paused.
    pub(super) async fn pause_if_failing(&mut self, version: &Version, row: &ScheduleRow) -> Result<bool, PassError> {
        let Some(max) = version.dag.document().max_consecutive_failed_runs else { return Ok(row.is_paused) };
        if row.is_paused {
            return Ok(true);
        }
        let after = row.unpaused_at.map(|at| RunKey::earliest(at.as_millisecond()));
        let last = self.parts.store.runs_ended_last(self.scope, &version.dag_id, after, max).await?;
        if last.len() < max as usize || last.iter().any(|state| *state != RunState::Failed) {
            return Ok(false);
        }
        let reason = format!("the last {max} runs failed; set the DAG going again when it is mended");
        info!(dag = %version.dag_id, reason, "paused");
        self.parts.store.dag_pause(self.scope, &version.dag_id, true, Some(&reason), self.now).await?;
        Ok(true)
    }
}

/// What decides when runs are due; another digest is another schedule.
fn digest_of_times(version: &Version) -> Digest {
    let document = version.dag.document();
    let times = document.schedule.as_ref().map(Schedule::times);
    let is_single = matches!(document.schedule, Some(Schedule::Once | Schedule::Continuous));
    let single = document.schedule.as_ref().filter(|_| is_single);
    let (start, end) = (document.start_date, document.end_date);
    Digest::of(json!([times, single, start, end, document.catchup, document.logical_date]).to_string().as_bytes())
}

fn declaration(version: &Version) -> AssetDeclaration {
    let document = version.dag.document();
    let tasks = || document.tasks.iter();
    let produced = tasks().flat_map(|task| task.outlets.iter().map(|asset| (task.task_id.clone(), asset.clone())));
    let read = tasks().flat_map(|task| task.inlets.iter().map(|name| (task.task_id.clone(), name.clone())));
    let awaited = document.schedule.as_ref().and_then(Schedule::assets);
    AssetDeclaration {
        dag_id: version.dag_id.clone(),
        produced: produced.collect(),
        read: read.collect(),
        awaited: awaited.map(|it| it.names().into_iter().cloned().collect()).unwrap_or_default(),
    }
}
