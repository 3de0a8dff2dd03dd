//! Backfills: the next dates are begun, and those whose runs have ended are done.

use std::sync::Arc;

use model::{BackfillState, DagId, RunState, RunType, SliceState};
use plan::backfill::{Act, Standing, act};
use store::{BackfillRow, BegunSlice, SliceRow};
use tracing::{info, warn};

use super::{Made, Pass, PassError, RUNS_PER_PASS, run_id};
use crate::by_hand::{self, Asker, Clear};
use crate::version::Version;

/// Begun dates that are looked at; a backfill has no more unfinished runs.
const BEGUN_MAX: u32 = 10_000;

impl Pass<'_> {
    pub(super) async fn backfills(&mut self) -> Result<(), PassError> {
        let mut done = Ok(());
        for state in [BackfillState::Running, BackfillState::Paused] {
            for backfill in self.parts.store.backfills_in(self.scope, state).await? {
                if let Err(error) = self.backfill(&backfill).await {
                    warn!(dag = %backfill.dag_id, backfill = %backfill.id, %error, "a backfill does not go on yet");
                    done = Err(error);
                }
            }
        }
        done
    }

    async fn backfill(&mut self, backfill: &BackfillRow) -> Result<(), PassError> {
        let (parts, id) = (self.parts, backfill.id);
        let store = &parts.store;
        let Some(version) = self.version_of(backfill).await? else { return Ok(()) };
        let mut begun = Vec::new();
        for slice in store.slices_in(self.scope, id, SliceState::Begun, BEGUN_MAX).await? {
            if !self.go_on(backfill, &version, &slice).await? {
                begun.push(SliceState::Begun);
            }
        }
        if backfill.state != BackfillState::Running {
            return Ok(());
        }
        let limit = backfill.max_active_runs.min(RUNS_PER_PASS as u32).max(1);
        let waiting = store.slices_in(self.scope, id, SliceState::Waiting, limit).await?;
        let standing = Standing::of(begun.into_iter().chain(waiting.iter().map(|slice| slice.state)));
        if standing.is_complete() {
            info!(dag = %backfill.dag_id, backfill = %id, "the backfill is complete");
            store.backfill_move(self.scope, id, BackfillState::Completed, self.now).await?;
            return Ok(());
        }
        let room = standing.room(backfill.max_active_runs);
        let mut left = false;
        for slice in waiting.iter().take(room) {
            left |= self.begin(backfill, &version, slice).await?;
        }
        if left {
            // Dates that were left make room for others at once.
            self.scheduler.news().poke();
        }
        Ok(())
    }

    /// The version of the backfill's runs: the one that it names, or the current one.
    async fn version_of(&self, backfill: &BackfillRow) -> Result<Option<Arc<Version>>, PassError> {
        let key = match backfill.version {
            Some(version) => version,
            None => match self.current(&backfill.dag_id).await? {
                Some(version) => version,
                None => return Ok(None),
            },
        };
        Ok(Some(self.parts.versions.fetch(self.scope, key).await?))
    }

    async fn current(&self, dag_id: &DagId) -> Result<Option<model::VersionKey>, PassError> {
        Ok(self.parts.store.schedule_fetch(self.scope, dag_id).await?.map(|row| row.state.version))
    }

    /// Begins a date: what is to be done is written first. True when another run has the date and is left.
    async fn begin(
        &mut self,
        backfill: &BackfillRow,
        version: &Arc<Version>,
        slice: &SliceRow,
    ) -> Result<bool, PassError> {
        let store = &self.parts.store;
        let existing = store.run_of_date(self.scope, &backfill.dag_id, slice.slice.logical_date).await?;
        let begun = match (act(existing.as_ref().map(|run| run.state), backfill.reprocess), &existing) {
            (Act::Make, _) => BegunSlice { run: self.new_key(), clears_before: None, now: None },
            (Act::Clear, Some(run)) => {
                BegunSlice { run: run.key, clears_before: Some(run.clears), now: Some((run.state, run.clears)) }
            }
            (Act::Clear | Act::Leave, _) => {
                return Ok(store.slice_end(self.scope, backfill.id, slice.ordinal, SliceState::Left).await?);
            }
        };
        if store.slice_begin(self.scope, backfill.id, slice.ordinal, begun).await? {
            self.go_on(backfill, version, &SliceRow { begun: Some(begun), ..slice.clone() }).await?;
        }
        Ok(false)
    }

    /// Does what is left to do about a date that was begun. True when nothing is.
    async fn go_on(
        &mut self,
        backfill: &BackfillRow,
        version: &Arc<Version>,
        slice: &SliceRow,
    ) -> Result<bool, PassError> {
        let Some(begun) = slice.begun else { return Ok(false) };
        let to = match (begun.clears_before, begun.now) {
            (None, None) => match self.make_slice(backfill, version, slice, begun).await? {
                Made::Yes => return Ok(false),
                // The run of this key, of a pass that died; or another one that came first.
                Made::Duplicate if self.is_there(backfill, slice, begun).await? => return Ok(false),
                Made::Duplicate | Made::Never => SliceState::Left,
            },
            (Some(before), Some((state, clears))) if clears == before => {
                if !state.is_ended() {
                    return Ok(false);
                }
                let asker = Asker { name: backfill.created_by.clone(), why: Some(format!("backfill {}", backfill.id)) };
                let clear = by_hand::Act::Clear(Clear { version: backfill.version, ..Clear::default() });
                let cleared = self.scheduler.act(self.scope, begun.run, clear, asker, false).await?;
                if cleared.count() > 0 {
                    return Ok(false);
                }
                SliceState::Left
            }
            (_, Some((RunState::Queued | RunState::Running, _))) => return Ok(false),
            (_, Some((RunState::Success | RunState::Failed, _))) => SliceState::Ended,
            (Some(_), None) => SliceState::Left,
        };
        self.parts.store.slice_end(self.scope, backfill.id, slice.ordinal, to).await?;
        Ok(true)
    }

    async fn make_slice(
        &mut self,
        backfill: &BackfillRow,
        version: &Arc<Version>,
        slice: &SliceRow,
        begun: BegunSlice,
    ) -> Result<Made, PassError> {
        let dates = slice.slice;
        let id = run_id(RunType::Backfill, dates.logical_date, "")?;
        let mut trigger = self.trigger(begun.run, id, RunType::Backfill, version.clone());
        trigger.conf = backfill.conf.clone();
        if let Some(params) = &backfill.params {
            trigger.params = params.clone();
        }
        trigger.logical_date = Some(dates.logical_date);
        trigger.data_interval = Some(dates.data_interval);
        trigger.run_after = dates.run_after;
        trigger.triggered_by = backfill.created_by.clone();
        trigger.backfill = Some(backfill.id);
        let made = self.make(trigger).await;
        // Backfills have a limit of their own.
        if let (Ok(Made::Yes), Some(active)) = (&made, self.active.get_mut(&version.dag_id)) {
            *active -= 1;
        }
        made
    }

    async fn is_there(&self, backfill: &BackfillRow, slice: &SliceRow, begun: BegunSlice) -> Result<bool, PassError> {
        let run = self.parts.store.run_of_date(self.scope, &backfill.dag_id, slice.slice.logical_date).await?;
        Ok(run.is_some_and(|run| run.key == begun.run))
    }
}
