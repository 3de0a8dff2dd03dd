//! Reading runs back from their rows: at the start, after a commit that failed, and when somebody asks about one that has ended.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use metrics::counter;
use model::outcome::{WakeOn, Woken};
use model::{InstanceKey, NodeIdx, RunKey, RunState, ShardId, TaskState, TenantScope};
use plan::{Decisions, Lengths, MachineLimits, RunMachine, SavedRun};
use store::{HeldRow, RunSnapshot, RunStore, StoreError, WaitRow, WaitStore};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use crate::active::{context, saved_of_snapshot};
use crate::by_hand::ControlError;
use crate::cluster::SharedStore;
use crate::command::Command;
use crate::given::Given;
use crate::metric_names::RUNS_UNREADABLE;
use crate::version::{Version, VersionError, Versions};

const PAGE: u32 = 200;
/// Pause before the database is asked again.
const REPEAT_PAUSE: Duration = Duration::from_millis(500);
/// Instances of one run of which it is asked what has woken them last; others go on without it.
const WOKEN_MAX: usize = 1_000;

/// From where runs are read.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) runs: Arc<dyn RunStore>,
    pub(crate) waits: Arc<dyn WaitStore>,
    pub(crate) versions: Arc<Versions>,
    pub(crate) cluster: Option<Arc<dyn SharedStore>>,
}

/// A run with everything that its machine needs.
pub(crate) struct Recovered {
    pub(crate) snapshot: Box<RunSnapshot>,
    pub(crate) version: Arc<Version>,
    pub(crate) lengths: Lengths,
    /// Executions that are offered, or held by other processes.
    pub(crate) held: Vec<HeldRow>,
    /// What its instances wait for.
    pub(crate) waits: Vec<WaitRow>,
    /// What has woken instances last that have not ended since.
    pub(crate) woken: Vec<(InstanceKey, Arc<Woken>)>,
}

impl Recovered {
    pub(crate) fn saved(&self) -> SavedRun {
        saved_of_snapshot(&self.snapshot, &self.version)
    }

    /// The same run under another version with the same tasks in the same places.
    pub(crate) fn under(self, version: Arc<Version>) -> Result<Self, ControlError> {
        let lengths = self.given().lengths(&version.dag)?;
        Ok(Self { version, lengths, ..self })
    }

    /// Whether another version has other tasks than the run, or has them in other places, as far as rows are concerned.
    pub(crate) fn has_other_tasks(&self, version: &Version) -> bool {
        let (own, other) = (&self.version.dag, &version.dag);
        let differs = |idx: NodeIdx| {
            let (a, b) = (own.node(idx), other.node(idx));
            own.task(idx).task_id != other.task(idx).task_id || (a.scope, a.within) != (b.scope, b.within)
        };
        own.len() != other.len() || own.indices().any(differs)
    }

    pub(crate) fn given(&self) -> Given {
        let run = &self.snapshot.run;
        Given { conf: run.conf.clone(), params: run.params.clone(), variables: run.variables.clone() }
    }

    /// A queued run, as if it began now.
    pub(crate) fn begin(&self, limits: MachineLimits, now: jiff::Timestamp) -> (RunMachine, Decisions) {
        let run = &self.snapshot.run;
        let (dag, saved) = (self.version.dag.clone(), SavedRun { started_at: now, ..self.saved() });
        RunMachine::recover(dag.clone(), &saved, &self.lengths, context(run.key, run.is_latest, &dag), limits, now)
    }

    /// The run as its rows say, ended or not, to ask it.
    pub(crate) fn view(&self, limits: MachineLimits, now: jiff::Timestamp) -> RunMachine {
        let run = &self.snapshot.run;
        let dag = self.version.dag.clone();
        let context = context(run.key, run.is_latest, &dag);
        RunMachine::view(dag, &self.saved(), &self.lengths, context, limits, now)
    }
}

/// What was read of a run.
pub(crate) enum Reading {
    Unfinished(Recovered),
    Ended(RunState),
    /// It was never written.
    Absent,
}

impl Sources {
    /// Reads one run, to go on with it.
    pub(crate) async fn read(&self, scope: TenantScope, run: RunKey) -> Result<Reading, VersionError> {
        // Read first: what is reported between the two reads is still held here, and its event follows.
        let held = match &self.cluster {
            Some(store) => store.work_of_run(scope, run).await?,
            None => Vec::new(),
        };
        let Some(snapshot) = self.runs.run_snapshot(scope, run).await? else { return Ok(Reading::Absent) };
        if snapshot.run.state.is_ended() {
            return Ok(Reading::Ended(snapshot.run.state));
        }
        let is_waiting = |state| matches!(state, TaskState::Deferred | TaskState::AwaitingInput);
        let waits = if snapshot.instances.iter().any(|row| is_waiting(row.state)) {
            self.waits.waits_of_run(scope, run).await?
        } else {
            Vec::new()
        };
        let woken = self.woken(scope, &snapshot).await?;
        Ok(Reading::Unfinished(Recovered { held, waits, woken, ..self.of_snapshot(scope, snapshot).await? }))
    }

    /// Reads one run, ended or not, to look at it.
    pub(crate) async fn look(&self, scope: TenantScope, run: RunKey) -> Result<Option<Recovered>, VersionError> {
        let Some(snapshot) = self.runs.run_snapshot(scope, run).await? else { return Ok(None) };
        self.of_snapshot(scope, snapshot).await.map(Some)
    }

    async fn of_snapshot(&self, scope: TenantScope, snapshot: RunSnapshot) -> Result<Recovered, VersionError> {
        let version = self.versions.fetch(scope, snapshot.run.version).await?;
        let tasks: Vec<_> = snapshot.nodes.iter().map(|node| &node.task_id).collect();
        let version = version.laid_out(&tasks)?;
        let run = &snapshot.run;
        let given = Given { conf: run.conf.clone(), params: run.params.clone(), variables: run.variables.clone() };
        let lengths = given
            .lengths(&version.dag)
            .map_err(|error| VersionError::Unreadable { key: version.key, detail: error.to_string() })?;
        let (held, waits, woken) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Recovered { snapshot: Box::new(snapshot), version, lengths, held, waits, woken })
    }

    /// The signals that have woken instances whose attempts go on.
    async fn woken(
        &self,
        scope: TenantScope,
        snapshot: &RunSnapshot,
    ) -> Result<Vec<(InstanceKey, Arc<Woken>)>, StoreError> {
        let goes_on = |state| matches!(state, TaskState::Scheduled | TaskState::Queued | TaskState::Running);
        let rows = snapshot.instances.iter().filter(|row| row.since.is_some() && goes_on(row.state));
        let mut woken = Vec::new();
        for row in rows.take(WOKEN_MAX) {
            let instance = InstanceKey { run: snapshot.run.key, node: row.node, map_index: row.map_index };
            if let Some(taken) = self.waits.signal_of_instance(scope, instance).await? {
                let on = WakeOn::Signal(taken.signal.name.to_string());
                woken.push((instance, Arc::new(Woken { on, payload: Some(taken.signal.payload) })));
            }
        }
        Ok(woken)
    }
}

/// Sends every run that was unfinished to the loop: of all tenants, or of those of some shards. Reading is repeated while the
/// database does not answer; a run that cannot be read for another reason stays as it is and is logged.
pub(crate) async fn read_unfinished(reader: Reader, shards: Option<Vec<ShardId>>) {
    let tenants = reader.repeat(|| reader.tenants(shards.as_deref())).await;
    for scope in tenants {
        let count = reader.tenant(scope).await;
        if count > 0 {
            info!(tenant = %scope.tenant(), count, "unfinished runs go on");
        }
    }
    // A loop that has ended needs nothing any more.
    let _ = reader.inbox.send(Command::ReadingEnded).await;
}

/// Notes that this process cannot go on with a run. Its rows stay as they are: a process that can read them goes on with it.
pub(crate) fn leave(run: RunKey, error: &VersionError) {
    counter!(RUNS_UNREADABLE).increment(1);
    error!(%run, %error, "cannot go on with this run");
}

pub(crate) struct Reader {
    pub(crate) sources: Sources,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) inbox: mpsc::Sender<Command>,
    /// Under which the shards were taken; what was read under an older one is old.
    pub(crate) epoch: u32,
}

impl Reader {
    async fn tenants(&self, shards: Option<&[ShardId]>) -> Result<Vec<TenantScope>, StoreError> {
        match (shards, &self.sources.cluster) {
            (Some(shards), Some(cluster)) => cluster.shard_tenants(shards).await,
            _ => self.sources.runs.tenants_with_work().await,
        }
    }

    async fn tenant(&self, scope: TenantScope) -> usize {
        let (mut after, mut count) = (None, 0);
        loop {
            let page = self.repeat(|| self.sources.runs.runs_unfinished(scope, after, PAGE)).await;
            let Some(last) = page.last() else { return count };
            after = Some(*last);
            for run in page {
                let Some(recovered) = self.run(scope, run).await else { continue };
                count += 1;
                if self.inbox.send(Command::Recovered { recovered, epoch: self.epoch }).await.is_err() {
                    return count;
                }
            }
        }
    }

    async fn run(&self, scope: TenantScope, run: RunKey) -> Option<Recovered> {
        loop {
            match self.sources.read(scope, run).await {
                Ok(Reading::Unfinished(recovered)) => return Some(recovered),
                Ok(Reading::Ended(_) | Reading::Absent) => return None,
                Err(VersionError::Store(error)) if error.may_pass() => self.pause(&error).await,
                Err(error) => {
                    leave(run, &error);
                    return None;
                }
            }
        }
    }

    async fn repeat<T, F: Future<Output = Result<T, StoreError>>>(&self, ask: impl Fn() -> F) -> T {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(error) => self.pause(&error).await,
            }
        }
    }

    async fn pause(&self, error: &StoreError) {
        warn!(%error, "cannot read unfinished runs yet");
        self.clock.sleep(REPEAT_PAUSE).await;
    }
}
