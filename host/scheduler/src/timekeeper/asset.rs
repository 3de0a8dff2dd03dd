//! Runs that events of assets start.

use model::limits::schedule::EVENTS_PER_RUN_MAX;
use model::schedule::Schedule;
use model::{DagId, RunType};
use plan::asset_trigger::{PendingEvent, triggered};
use store::{AssetStart, WaitingEvent};
use tracing::warn;

use super::{Made, PER_PASS, Pass, PassError, RUNS_PER_PASS, run_id};

/// Events of one DAG that are looked at at a time.
const EVENTS_MAX: u32 = 4 * EVENTS_PER_RUN_MAX as u32;

impl Pass<'_> {
    /// Makes the runs whose events are consumed already, then consumes what waits.
    pub(super) async fn start_consumed(&mut self) -> Result<(), PassError> {
        for start in self.parts.store.asset_starts(self.scope, PER_PASS).await? {
            self.start_of_assets(start).await?;
        }
        let mut done = Ok(());
        for dag_id in self.parts.store.dags_with_waiting_events(self.scope).await? {
            if let Err(error) = self.consume(&dag_id).await {
                warn!(dag = %dag_id, %error, "a run that events start is not made yet");
                done = Err(error);
            }
        }
        done
    }

    async fn consume(&mut self, dag_id: &DagId) -> Result<(), PassError> {
        let Some(row) = self.parts.store.schedule_fetch(self.scope, dag_id).await? else { return Ok(()) };
        let version = self.parts.versions.fetch(self.scope, row.state.version).await?;
        let Some(expression) = version.dag.document().schedule.as_ref().and_then(Schedule::assets) else {
            return Ok(());
        };
        if self.pause_if_failing(&version, &row).await? {
            return Ok(());
        }
        for _ in 0..RUNS_PER_PASS {
            if !self.has_room(&version) {
                return Ok(());
            }
            let waiting = self.parts.store.asset_events_waiting(self.scope, dag_id, EVENTS_MAX).await?;
            let pending = |event: WaitingEvent| PendingEvent { id: event.id, asset: event.name, at: event.at };
            let pending: Vec<_> = waiting.into_iter().map(pending).collect();
            let Some(run) = triggered(expression, &pending) else { return Ok(()) };
            let (key, dag_id) = (self.new_key(), dag_id.clone());
            let start = AssetStart { dag_id, run: key, data_interval: run.data_interval, at: self.now };
            if self.parts.store.asset_consume(self.scope, &start, &run.events).await? {
                self.start_of_assets(start).await?;
            }
        }
        self.scheduler.news().poke();
        Ok(())
    }

    /// Makes the run of a start, under the key that the start says: after a crash it is there, or it is made now.
    async fn start_of_assets(&mut self, start: AssetStart) -> Result<(), PassError> {
        let Some(row) = self.parts.store.schedule_fetch(self.scope, &start.dag_id).await? else { return Ok(()) };
        let version = self.parts.versions.fetch(self.scope, row.state.version).await?;
        let id = run_id(RunType::AssetTriggered, start.at, &format!("_{}", start.run.uuid().simple()))?;
        let mut trigger = self.trigger(start.run, id, RunType::AssetTriggered, version);
        trigger.data_interval = Some(start.data_interval);
        trigger.run_after = start.at;
        match self.make(trigger).await? {
            Made::Yes | Made::Duplicate | Made::Never => {
                Ok(self.parts.store.asset_start_done(self.scope, start.run).await?)
            }
        }
    }
}
