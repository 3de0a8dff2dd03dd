//! Makes the runs that nobody asks for: those of timetables, of backfills, and of events of assets.
//!
//! A *pass* looks at what the rows say is due and deals with it. It takes no input: whoever pokes the timekeeper only makes the next
//! pass come sooner. Between two passes it sleeps until the next fire, and never for longer than a slow poll.
//!
//! What must hold: a pass may be killed between any two statements, and the next one makes no run twice and leaves none out. So a
//! run's key or date is decided in a row before the run is made, and what a row says is dealt with only when the run is there. Runs
//! are made by the scheduler's own commits; here nothing is known that the rows do not say.
//! Not here: when something is due (`plan::timetable`, `plan::backfill`, `plan::asset_trigger`), what a run does.

mod asset;
mod backfill;
mod timetable;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, Ids};
use jiff::Timestamp;
use model::limits::schedule::ACTIVE_RUNS_DEFAULT;
use model::{DagId, RunId, RunKey, RunType, TenantScope};
use serde_json::{Map, Value};
use store::{AssetStore, BackfillStore, ScheduleStore, StoreError};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{error, warn};

use crate::command::{NewTrigger, TriggerError};
use crate::scheduler::Scheduler;
use crate::version::{Version, VersionError, Versions};

/// How often the rows are looked at when nobody pokes and nothing is due.
const POLL: Duration = Duration::from_secs(10);
/// DAGs, or starts, of one tenant that one pass deals with; the rest is for the next one.
const PER_PASS: u32 = 1_000;
/// Runs of one DAG, or one backfill, that one pass makes.
const RUNS_PER_PASS: usize = 100;

/// A store that says what is due.
pub trait TimeStore: ScheduleStore + BackfillStore + AssetStore {}
impl<T: ScheduleStore + BackfillStore + AssetStore> TimeStore for T {}

/// What a timekeeper works with.
#[derive(Clone)]
pub struct TimekeeperParts {
    pub store: Arc<dyn TimeStore>,
    pub versions: Arc<Versions>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
}

/// A timekeeper that runs. It ends when it is dropped.
#[derive(Debug)]
pub struct Timekeeper {
    scheduler: Scheduler,
    task: JoinHandle<()>,
    /// Closed when the loop has ended, however it did.
    alive: watch::Receiver<()>,
}

impl Timekeeper {
    /// Begins to make runs of the tenants about whose runs this process decides.
    pub fn start(scheduler: Scheduler, parts: TimekeeperParts) -> Self {
        let passes = Passes { scheduler: scheduler.clone(), parts };
        let (held, alive) = watch::channel(());
        let task = tokio::spawn(async move {
            let _held = held;
            passes.run().await;
        });
        Self { scheduler, task, alive }
    }

    /// Waits until the loop ends, which it does when it is dropped or panics.
    pub async fn ended(&self) {
        let mut alive = self.alive.clone();
        while alive.changed().await.is_ok() {}
    }

    /// As [`Scheduler::poke`].
    pub fn poke(&self) {
        self.scheduler.poke();
    }
}

impl Drop for Timekeeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Passes {
    scheduler: Scheduler,
    parts: TimekeeperParts,
}

/// Why a part of a pass was not done; the next pass does it.
#[derive(Debug, thiserror::Error)]
enum PassError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Version(#[from] VersionError),
    #[error(transparent)]
    Trigger(TriggerError),
    #[error("a run was not cleared: {0}")]
    Clear(#[from] crate::by_hand::ControlError),
}

/// What came of a run that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// It is there.
    Yes,
    /// Another one has its id or its date.
    Duplicate,
    /// It can never be made.
    Never,
}

/// One tenant, in one pass.
struct Pass<'a> {
    scheduler: &'a Scheduler,
    parts: &'a TimekeeperParts,
    scope: TenantScope,
    now: Timestamp,
    /// Unfinished runs of each DAG that count against its limit; as of the pass's beginning, and what the pass made.
    active: HashMap<DagId, u64>,
}

impl Passes {
    async fn run(self) {
        loop {
            let next = self.pass().await;
            let now = self.parts.clock.now();
            let until_next = next.map_or(POLL, |next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
            tokio::select! {
                () = self.parts.clock.sleep(until_next.min(POLL)) => {}
                () = self.scheduler.news().poked() => {}
            }
        }
    }

    /// Deals with all tenants; gives when something is due next.
    async fn pass(&self) -> Option<Timestamp> {
        let tenants = match self.parts.store.schedule_tenants().await {
            Ok(tenants) => tenants,
            Err(error) => {
                warn!(%error, "cannot look at what is due");
                return None;
            }
        };
        let failed = self.scheduler.news().take_failed();
        let mut next = None;
        for scope in tenants.into_iter().filter(|scope| self.scheduler.decides_for(*scope)) {
            let dags = failed.iter().filter(|(of, _)| *of == scope).map(|(_, dag_id)| dag_id);
            match self.tenant(scope, dags).await {
                Ok(due) => next = [next, due].into_iter().flatten().min(),
                Err(error) => warn!(tenant = %scope.tenant(), %error, "what is due is not dealt with yet"),
            }
        }
        next
    }

    async fn tenant(
        &self,
        scope: TenantScope,
        failed: impl Iterator<Item = &DagId>,
    ) -> Result<Option<Timestamp>, PassError> {
        let (store, now) = (&self.parts.store, self.parts.clock.now());
        let mut active = HashMap::new();
        for (dag_id, run_type, count) in store.runs_unfinished_by_dag(scope).await? {
            if matches!(run_type, RunType::Scheduled | RunType::AssetTriggered) {
                *active.entry(dag_id).or_insert(0) += count;
            }
        }
        let mut pass = Pass { scheduler: &self.scheduler, parts: &self.parts, scope, now, active };
        pass.read_versions().await?;
        for dag_id in failed {
            pass.look_at_failures(dag_id).await?;
        }
        // What fails in one part does not hold up the others.
        let parts = [pass.start_due().await, pass.start_consumed().await, pass.backfills().await];
        parts.into_iter().collect::<Result<(), _>>()?;
        Ok(store.schedule_next(scope, now).await?)
    }
}

impl Pass<'_> {
    /// Whether the DAG may have one more run.
    fn has_room(&self, version: &Version) -> bool {
        let max = version.dag.document().max_active_runs.unwrap_or(ACTIVE_RUNS_DEFAULT);
        self.active.get(&version.dag_id).is_none_or(|active| *active < u64::from(max))
    }

    fn new_key(&self) -> RunKey {
        RunKey::from_uuid(self.parts.ids.uuid())
    }

    /// A run of a version, with nothing but defaults.
    fn trigger(&self, key: RunKey, run_id: RunId, run_type: RunType, version: Arc<Version>) -> NewTrigger {
        let params = version.dag.document().params.iter();
        let params: Map<String, Value> =
            params.filter_map(|(name, param)| Some((name.to_string(), param.default.clone()?))).collect();
        NewTrigger {
            key,
            run_id,
            version,
            run_type,
            conf: "{}".into(),
            params: Value::Object(params).to_string().into(),
            note: None,
            triggered_by: run_type.as_str().to_owned(),
            logical_date: None,
            data_interval: None,
            run_after: self.now,
            is_latest: run_type != RunType::Backfill,
            parent: None,
            backfill: None,
            idempotency: None,
            log: None,
        }
    }

    /// Makes a run. An error says that the next pass is to try again.
    async fn make(&mut self, trigger: NewTrigger) -> Result<Made, PassError> {
        let dag_id = trigger.version.dag_id.clone();
        match self.scheduler.trigger(trigger).await {
            Ok(()) => {
                *self.active.entry(dag_id).or_insert(0) += 1;
                Ok(Made::Yes)
            }
            Err(TriggerError::Duplicate(_) | TriggerError::DuplicateDate(_)) => Ok(Made::Duplicate),
            Err(TriggerError::Length(error)) => {
                error!(dag = %dag_id, %error, "a run that is due cannot be made, and is passed over");
                Ok(Made::Never)
            }
            Err(error) => Err(PassError::Trigger(error)),
        }
    }
}

/// The id of a run that is named for an instant. What an instant looks like fits the grammar of ids.
fn run_id(run_type: RunType, at: Timestamp, suffix: &str) -> Result<RunId, StoreError> {
    let unnameable = |error: model::InvalidName| StoreError::Unavailable { detail: error.to_string() };
    RunId::new(format!("{run_type}__{}{suffix}", at.strftime("%Y-%m-%dT%H:%M:%S%.f+00:00"))).map_err(unnameable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_named_for_their_instants() {
        let name = |at: &str, suffix| run_id(RunType::Scheduled, at.parse().unwrap(), suffix).unwrap().to_string();
        assert_eq!(name("2026-01-02T00:00:00Z", ""), "scheduled__2026-01-02T00:00:00+00:00");
        assert_eq!(name("2026-01-02T00:00:00.00012Z", "_x"), "scheduled__2026-01-02T00:00:00.00012+00:00_x");
    }
}
