//! The worker: takes orders, prepares and assigns, turns what runners tell into reports.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use blobs::{BlobStore, LogStore};
use clock::Clock;
use metrics::{counter, gauge, histogram};
use model::limits::task::{MEMORY_MAX_BYTES, TIMEOUT_DEFAULT_MS};
use model::limits::worker::HEARTBEAT_MS;
use model::{NodeIdx, RunKey, TenantId, WorkerId};
use sandbox::{
    Assignment, Completion, LogPiece, Progress, Runner, RunnerCommand, RunnerEvent, SequenceRef, TaskContext,
};
use store::{Claim, Report, StateStore, StoreError, TaskQueue, ValueStore, WorkOrder, WorkerRegistration};
use tokio::sync::{Notify, mpsc};
use tracing::{debug, error, info, warn};

use crate::arguments::{ArgumentError, ArgumentReader, Shared};
use crate::artefacts::{ArtefactError, Artefacts};
use crate::attempt::{Attempt, Attempts};
use crate::host::Host;
use crate::items::ItemCache;
use crate::lane::Lane;
use crate::log::AttemptLogs;
use crate::metric_names as names;
use crate::report;

/// Reports of one call; bounds the size of a commit.
const REPORTS_PER_CALL: usize = 1_000;
/// Pause before a report is repeated, doubled up to [`REPORT_PAUSE_MAX`].
const REPORT_PAUSE: Duration = Duration::from_millis(50);
const REPORT_PAUSE_MAX: Duration = Duration::from_secs(5);

/// What a worker works with.
pub struct WorkerParts {
    pub id: WorkerId,
    pub slots: u32,
    pub queue: Arc<dyn TaskQueue>,
    pub values: Arc<dyn ValueStore>,
    pub states: Arc<dyn StateStore>,
    pub blobs: BlobStore,
    pub logs: LogStore,
    pub artefacts: Arc<Artefacts>,
    pub command: RunnerCommand,
    pub clock: Arc<dyn Clock>,
}

/// A worker at work.
#[derive(Clone)]
pub struct Worker(Arc<Inner>);

struct Inner {
    id: WorkerId,
    slots: u32,
    queue: Arc<dyn TaskQueue>,
    arguments: ArgumentReader,
    blobs: BlobStore,
    logs: AttemptLogs,
    artefacts: Arc<Artefacts>,
    command: RunnerCommand,
    clock: Arc<dyn Clock>,
    host: Arc<Host>,
    attempts: Arc<Attempts>,
    lanes: Mutex<HashMap<TenantId, Arc<Lane>>>,
    reports: mpsc::UnboundedSender<Report>,
    /// Reports that are not durable yet.
    unreported: std::sync::atomic::AtomicUsize,
    is_stopping: AtomicBool,
    settled: Notify,
}

type Group = ((RunKey, NodeIdx, bool), Vec<Claim>);

impl Worker {
    /// Registers the worker and starts its loops, which end when the queue does.
    pub async fn start(parts: WorkerParts) -> Result<Self, StoreError> {
        let attempts = Arc::new(Attempts::default());
        let host = Arc::new(Host {
            attempts: attempts.clone(),
            values: parts.values.clone(),
            states: parts.states,
            blobs: parts.blobs.clone(),
            clock: parts.clock.clone(),
        });
        let (reports, reported) = mpsc::unbounded_channel();
        let arguments = ArgumentReader { values: parts.values, blobs: parts.blobs.clone(), items: ItemCache::new() };
        let worker = Self(Arc::new(Inner {
            id: parts.id,
            slots: parts.slots,
            queue: parts.queue,
            arguments,
            blobs: parts.blobs,
            logs: AttemptLogs::new(parts.logs),
            artefacts: parts.artefacts,
            command: parts.command,
            clock: parts.clock,
            host,
            attempts,
            lanes: Mutex::default(),
            reports,
            unreported: std::sync::atomic::AtomicUsize::new(0),
            is_stopping: AtomicBool::new(false),
            settled: Notify::new(),
        }));
        let registration = WorkerRegistration { worker: parts.id, slots: parts.slots };
        worker.0.queue.worker_register(registration).await?;
        tokio::spawn(worker.clone().take_orders());
        tokio::spawn(worker.clone().send_reports(reported));
        tokio::spawn(worker.clone().beat());
        Ok(worker)
    }

    /// Waits until everything that is held has ended and is reported, at most `grace`; then ends the rest, which will be run
    /// again and counts against nobody. The queue must have been drained before.
    pub async fn stop(&self, grace: Duration) {
        self.0.is_stopping.store(true, Ordering::SeqCst);
        if tokio::time::timeout(grace, self.settle()).await.is_err() {
            info!(held = self.0.attempts.len(), "grace is over, handing back what still runs");
        }
        let lanes: Vec<_> = self.lanes().values().cloned().collect();
        for lane in lanes {
            if let Some(runner) = lane.live().await {
                runner.kill();
            }
        }
        if tokio::time::timeout(REPORT_PAUSE_MAX, self.settle()).await.is_err() {
            warn!(held = self.0.attempts.len(), "what still runs will be found by its lease");
        }
    }

    async fn settle(&self) {
        loop {
            let settled = self.0.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if self.0.attempts.len() == 0 && self.0.unreported.load(Ordering::SeqCst) == 0 {
                return;
            }
            settled.await;
        }
    }

    async fn take_orders(self) {
        while let Some(order) = self.0.queue.next(self.0.id).await {
            match order {
                WorkOrder::Run(claims) => {
                    for group in groups(claims) {
                        tokio::spawn(self.clone().begin(group));
                    }
                }
                WorkOrder::Cancel(tokens) => self.cancel(&tokens).await,
                WorkOrder::Drain => info!("taking no more work"),
            }
        }
    }

    /// Prepares instances of one task and gives them to a runner.
    async fn begin(self, ((_, node, suspect), claims): Group) {
        gauge!(names::ATTEMPTS_HELD).set((self.0.attempts.len() + claims.len()) as f64);
        let Some(first) = claims.first() else { return };
        let run = first.run.clone();
        let positions: Vec<u32> = claims.iter().filter_map(|it| it.token.instance.map_index.position()).collect();
        let shared = match self.0.arguments.shared(&run, node, &positions).await {
            Ok(shared) => shared,
            Err(error) => return self.refuse(claims, &error),
        };
        let artefact = match self.0.artefacts.fetch(run.scope, run.component).await {
            Ok(artefact) => artefact,
            Err(ArtefactError::Invalid(error)) => return self.refuse(claims, &ArgumentError::Invalid(error)),
            Err(ArtefactError::Unavailable(error)) => {
                return self.refuse(claims, &ArgumentError::Unavailable(error));
            }
        };
        let assignments: Vec<_> = claims.into_iter().filter_map(|claim| self.assignment(&shared, claim)).collect();
        let ids: Vec<_> = assignments.iter().map(|assignment| assignment.id).collect();
        let lane = self.lane(run.scope.tenant());
        if suspect {
            for assignment in assignments {
                self.run_alone(&lane, &artefact, assignment).await;
            }
            return;
        }
        let on_start = |runner: Arc<Runner>, events| {
            tokio::spawn(self.clone().follow(lane.clone(), runner, events));
        };
        let on_choice = |pid| self.0.attempts.give_to(&ids, pid);
        if let Err(error) = lane.assign(&artefact, assignments, on_start, on_choice).await {
            error!(%error, "cannot give work to a runner");
            self.lose(&ids, &error.to_string(), false);
        }
    }

    /// The assignment of one claim; `None` when its arguments are not possible, which is reported.
    fn assignment(&self, shared: &Shared, claim: Claim) -> Option<Assignment> {
        let run = claim.run.clone();
        let instance = claim.token.instance;
        let args = match shared.arguments(instance.map_index) {
            Ok(args) => args,
            Err(error) => {
                self.refuse(vec![claim], &error);
                return None;
            }
        };
        let task = run.dag.task(instance.node);
        let entrypoint = task.entrypoint.clone().or_else(|| model::Entrypoint::new(task.task_id.as_str()).ok())?;
        let context = TaskContext {
            dag_id: run.dag_id.clone(),
            run_id: run.run_id.clone(),
            task_id: task.task_id.clone(),
            map_index: instance.map_index,
            map_path: instance.map_index.position().into_iter().collect(),
            map_key: instance.map_index.position().map(|position| position.to_string().into()),
            try_number: claim.token.try_number,
            logical_date: run.logical_date,
            data_interval_start: run.data_interval.map(|(start, _)| start),
            data_interval_end: run.data_interval.map(|(_, end)| end),
            params: run.params.clone(),
        };
        let sequences = shared.sequences.iter().enumerate();
        let sequences = sequences.map(|(id, sequence)| SequenceRef { id: id as u64, len: sequence.len }).collect();
        let (id, attempt) = self.0.attempts.insert(Attempt::new(claim, shared.sequences.clone()));
        attempt.show(&args);
        Some(Assignment {
            id,
            component: run.component,
            entrypoint,
            args,
            context,
            timeout_ms: task.timeout_ms.unwrap_or(TIMEOUT_DEFAULT_MS),
            memory_bytes: task.resources.memory_bytes.unwrap_or(MEMORY_MAX_BYTES),
            sequences,
        })
    }

    /// Follows one runner until it is gone.
    async fn follow(self, lane: Arc<Lane>, runner: Arc<Runner>, mut events: mpsc::Receiver<RunnerEvent>) {
        let pid = runner.pid();
        drop(runner);
        while let Some(event) = events.recv().await {
            match event {
                RunnerEvent::Started(ids) => debug!(pid, count = ids.len(), "attempts started"),
                RunnerEvent::Done(completions) => self.complete(completions).await,
                RunnerEvent::Log(pieces) => self.log(pieces).await,
                RunnerEvent::Progress(progress) => self.progress(progress).await,
                RunnerEvent::Died { reason, started, .. } => {
                    lane.forget(pid).await;
                    self.died(pid, &reason, &started);
                }
            }
        }
    }

    fn died(&self, pid: u32, reason: &str, started: &[u64]) {
        // What the runner never heard of waits as well.
        let mut waiting = self.0.attempts.of_runner(pid);
        waiting.retain(|id| !started.contains(id));
        if started.is_empty() && waiting.is_empty() {
            return;
        }
        let is_stopping = self.0.is_stopping.load(Ordering::SeqCst);
        if is_stopping {
            self.lose(started, "the worker stopped", false);
            return self.lose(&waiting, "the worker stopped", false);
        }
        counter!(names::RUNNERS_DIED).increment(1);
        warn!(pid, reason, started = started.len(), waiting = waiting.len(), "a runner died");
        self.lose(started, &format!("the runner died while it ran: {reason}"), true);
        // Those had not begun: another runner takes them under the same fence.
        let again = waiting.iter().filter_map(|id| self.0.attempts.remove(*id)).map(|it| it.claim.clone()).collect();
        for group in groups(again) {
            tokio::spawn(self.clone().begin(group));
        }
    }

    pub(crate) async fn complete(&self, completions: Vec<Completion>) {
        for mut completion in completions {
            let Some(attempt) = self.0.attempts.remove(completion.id) else { continue };
            histogram!(names::SANDBOX_SECONDS).record(completion.used.wall_us as f64 / 1e6);
            self.0.logs.finish(&attempt, std::mem::take(&mut completion.log)).await;
            let report = report::of_completion(&self.0.blobs, &attempt, completion, self.0.clock.now()).await;
            self.report(report);
        }
    }

    pub(crate) async fn log(&self, pieces: Vec<LogPiece>) {
        self.0.logs.pieces(&self.0.attempts, pieces).await;
    }

    pub(crate) async fn progress(&self, progress: Vec<Progress>) {
        self.0.logs.progress(&self.0.attempts, self.0.clock.now(), progress).await;
    }

    async fn cancel(&self, tokens: &[model::AttemptToken]) {
        let ids = self.0.attempts.find(tokens);
        let lanes: Vec<_> = self.lanes().values().cloned().collect();
        for lane in lanes {
            if let Some(runner) = lane.live().await {
                // A runner that is gone runs none of them.
                let _ = runner.cancel(ids.clone()).await;
            }
        }
    }

    fn refuse(&self, claims: Vec<Claim>, error: &ArgumentError) {
        for claim in claims {
            let attempt = Attempt::new(claim, Vec::new());
            let now = self.0.clock.now();
            self.report(match error {
                ArgumentError::Invalid(message) => report::refused(&attempt, now, message.clone()),
                ArgumentError::Unavailable(_) => report::lost(&attempt, now, error.to_string(), false),
            });
        }
    }

    pub(crate) fn lose(&self, ids: &[u64], message: &str, suspect: bool) {
        for attempt in ids.iter().filter_map(|id| self.0.attempts.remove(*id)) {
            self.report(report::lost(&attempt, self.0.clock.now(), message.to_owned(), suspect));
            let worker = self.clone();
            tokio::spawn(async move { worker.0.logs.finish(&attempt, Vec::new()).await });
        }
    }

    fn report(&self, report: Report) {
        self.0.unreported.fetch_add(1, Ordering::SeqCst);
        // The receiver lives as long as the worker.
        let _ = self.0.reports.send(report);
    }

    /// Sends reports, as many at a time as have gathered, and repeats them until they are durable.
    async fn send_reports(self, mut reported: mpsc::UnboundedReceiver<Report>) {
        let mut batch = Vec::new();
        while reported.recv_many(&mut batch, REPORTS_PER_CALL).await > 0 {
            let mut pause = REPORT_PAUSE;
            while let Err(error) = self.0.queue.report(self.0.id, batch.clone()).await {
                counter!(names::REPORTS_REPEATED).increment(batch.len() as u64);
                warn!(%error, count = batch.len(), "reports are not durable yet");
                self.0.clock.sleep(pause).await;
                pause = (pause * 2).min(REPORT_PAUSE_MAX);
            }
            self.0.unreported.fetch_sub(batch.len(), Ordering::SeqCst);
            self.0.settled.notify_waiters();
            batch.clear();
            gauge!(names::ATTEMPTS_HELD).set(self.0.attempts.len() as f64);
        }
    }

    /// Keeps the leases of what is held and of what is still being prepared.
    async fn beat(self) {
        loop {
            self.0.clock.sleep(Duration::from_millis(HEARTBEAT_MS)).await;
            if let Err(error) = self.0.queue.heartbeat(self.0.id).await {
                warn!(%error, "no heartbeat");
            }
        }
    }

    fn lane(&self, tenant: TenantId) -> Arc<Lane> {
        let new = || Arc::new(Lane::new(tenant, self.0.command.clone(), self.0.slots, self.0.host.clone()));
        self.lanes().entry(tenant).or_insert_with(new).clone()
    }

    fn lanes(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, Arc<Lane>>> {
        self.0.lanes.lock().expect("no panic while the lock is held")
    }
}

/// Claims of the same run, task and suspicion together.
fn groups(claims: Vec<Claim>) -> Vec<Group> {
    let mut groups: BTreeMap<(RunKey, NodeIdx, bool), Vec<Claim>> = BTreeMap::new();
    for claim in claims {
        let instance = claim.token.instance;
        groups.entry((instance.run, instance.node, claim.suspect)).or_default().push(claim);
    }
    groups.into_iter().collect()
}
