//! Orders: claimed attempts are prepared and given to runners; cancelled ones are ended wherever they are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use model::limits::task::{CALLBACK_TIMEOUT_MS, MEMORY_MAX_BYTES, TIMEOUT_DEFAULT_MS};
use model::limits::worker::{ITEM_CALLS_MAX, ITEM_ROUNDS_MAX};
use model::outcome::ResourcesUsed;
use model::{AttemptToken, Entrypoint, NodeIdx, RunKey, TaskId};
use sandbox::{Artefact, Assignment, LoadError, Runner, SequenceRef, TaskContext, Work};
use store::{Claim, ClaimedRun, WorkOrder};
use tracing::{error, info, warn};

use crate::Worker;
use crate::arguments::{ArgumentError, Arguments, Calls, Made, Wanting};
use crate::artefacts::ArtefactError;
use crate::attempt::Attempt;
use crate::caught::caught;
use crate::lane::{Lane, LaneError, RUNNERS_PER_ASSIGNMENT};
use crate::metric_names as names;

/// Pause before an attempt that could not begin is begun again; it grows with the time that the attempt has waited.
const PUT_OFF_PAUSE: Duration = Duration::from_millis(100);
const PUT_OFF_PAUSE_MAX: Duration = Duration::from_secs(5);

/// What a callback has for the name of a task.
const CALLBACK: &str = "callback";

/// Attempts of the same run, task and suspicion, which are prepared together.
pub(crate) struct Group {
    node: NodeIdx,
    is_callback: bool,
    is_suspect: bool,
    attempts: Vec<(u64, Arc<Attempt>)>,
}

impl Worker {
    pub(crate) async fn take_orders(self) {
        while let Some(order) = self.0.queue.next(self.0.id).await {
            match order {
                WorkOrder::Run(claims) => self.take(claims),
                WorkOrder::Cancel(tokens) => self.cancel(&tokens),
                WorkOrder::Drain => info!("taking no more work"),
            }
        }
    }

    fn take(&self, claims: Vec<Claim>) {
        let held: Vec<_> = claims.into_iter().map(|claim| self.0.attempts.insert(claim)).collect();
        gauge!(names::ATTEMPTS_HELD).set(self.0.attempts.len() as f64);
        if self.is_closed() {
            let ids: Vec<_> = held.iter().map(|(id, _)| *id).collect();
            return self.lose(&ids, "the worker stopped", false);
        }
        self.begin_all(held);
    }

    /// Begins attempts that are held and that no runner has.
    pub(crate) fn begin_all(&self, attempts: Vec<(u64, Arc<Attempt>)>) {
        for group in groups(attempts) {
            let worker = self.clone();
            tokio::spawn(async move {
                let ids: Vec<_> = group.attempts.iter().map(|(id, _)| *id).collect();
                if let Err(panic) = caught(worker.begin(group)).await {
                    error!(panic, count = ids.len(), "attempts could not be prepared");
                    worker.lose(&ids, &panic, false);
                }
            });
        }
    }

    /// Prepares instances of one task and gives them to a runner.
    async fn begin(&self, Group { node, is_callback, is_suspect, attempts }: Group) {
        let Some((_, first)) = attempts.first() else { return };
        let run = first.claim.run.clone();
        let made = match self.made(&run, node, is_callback, &attempts).await {
            Ok(made) => made,
            Err(ArgumentError::Unavailable(error)) => return self.put_off(attempts, &error),
            Err(error) => return self.refuse_all(&attempts, &error),
        };
        let artefact = match self.0.artefacts.fetch(run.scope, run.component).await {
            Ok(artefact) => artefact,
            Err(ArtefactError::Invalid(error)) => return self.refuse_all(&attempts, &ArgumentError::Invalid(error)),
            Err(ArtefactError::Unavailable(error)) => return self.put_off(attempts, &error),
        };
        let made = attempts.iter().zip(made);
        let wanted = made.filter(|((id, _), _)| self.0.attempts.is_wanted(*id));
        let assignments: Vec<_> =
            wanted.filter_map(|((id, attempt), made)| self.assignment(made, *id, attempt)).collect();
        drop(attempts);
        let lane = self.lane(run.scope.tenant());
        if is_suspect {
            for assignment in assignments {
                self.run_alone(&lane, &artefact, assignment).await;
            }
        } else {
            self.give(&lane, &artefact, assignments).await;
        }
    }

    /// What the attempts of a group are called with.
    async fn made(
        &self,
        run: &ClaimedRun,
        node: NodeIdx,
        is_callback: bool,
        attempts: &[(u64, Arc<Attempt>)],
    ) -> Result<Vec<Made>, ArgumentError> {
        if is_callback {
            return Ok(attempts.iter().map(|_| Made::Arguments(Arguments::default())).collect());
        }
        let wanting = |(_, attempt): &(u64, Arc<Attempt>)| Wanting {
            place: attempt.claim.place.clone(),
            answers: attempt.item_answers(),
        };
        let instances: Vec<_> = attempts.iter().map(wanting).collect();
        self.0.arguments.resolve(run, node, &instances).await
    }

    /// Begins attempts again after a pause, because something is not there that none of them is to blame for. What that takes too
    /// long for is given back as lost.
    fn put_off(&self, attempts: Vec<(u64, Arc<Attempt>)>, why: &str) {
        let now = self.0.clock.monotonic();
        let (over, again): (Vec<_>, Vec<_>) =
            attempts.into_iter().partition(|(_, attempt)| now - attempt.waits_since(now) >= self.0.outage_wait);
        if !over.is_empty() {
            error!(why, count = over.len(), "attempts cannot begin");
            self.lose(&over.iter().map(|(id, _)| *id).collect::<Vec<_>>(), why, false);
        }
        let Some(waited) = again.iter().map(|(_, attempt)| now - attempt.waits_since(now)).max() else { return };
        warn!(why, count = again.len(), "attempts cannot begin yet");
        let worker = self.clone();
        tokio::spawn(async move {
            worker.0.clock.sleep((waited / 2).clamp(PUT_OFF_PAUSE, PUT_OFF_PAUSE_MAX)).await;
            worker.begin_all(again.into_iter().filter(|(id, _)| worker.0.attempts.is_wanted(*id)).collect());
        });
    }

    fn refuse_all(&self, attempts: &[(u64, Arc<Attempt>)], error: &ArgumentError) {
        attempts.iter().for_each(|(id, _)| self.refuse(*id, error));
    }

    /// The assignment of one attempt; `None` when its arguments are not possible, which is reported.
    fn assignment(&self, made: Made, id: u64, attempt: &Attempt) -> Option<Assignment> {
        match self.try_assignment(made, id, attempt) {
            Ok(assignment) => Some(assignment),
            Err(error) => {
                self.refuse(id, &error);
                None
            }
        }
    }

    fn try_assignment(&self, made: Made, id: u64, attempt: &Attempt) -> Result<Assignment, ArgumentError> {
        let run = &attempt.claim.run;
        let (sequences, work, map_key) = match made {
            Made::Arguments(Arguments { text, sequences, map_key, secrets }) => {
                secrets.iter().for_each(|secret| attempt.hide(secret));
                attempt.prepare(&text, sequences.clone());
                (sequences, work_of(attempt, text)?, map_key)
            }
            Made::Calls(Calls { calls, sequences, secrets }) => {
                if attempt.item_answers().rounds() == ITEM_ROUNDS_MAX {
                    let message =
                        format!("its items pass through bodies more than {ITEM_ROUNDS_MAX} times {ITEM_CALLS_MAX}");
                    return Err(ArgumentError::Invalid(message));
                }
                secrets.iter().for_each(|secret| attempt.hide(secret));
                attempt.prepare_items(&calls, sequences.clone());
                (sequences, Work::Items(calls), None)
            }
            Made::Refused(error) => return Err(error),
        };
        let task = attempt.task();
        let numbered = sequences.iter().enumerate();
        let used = Duration::from_micros(attempt.used_with(ResourcesUsed::default()).wall_us);
        let timeout_ms = match task {
            Some(task) => task.timeout_ms.unwrap_or(TIMEOUT_DEFAULT_MS),
            None => CALLBACK_TIMEOUT_MS,
        };
        Ok(Assignment {
            id,
            component: run.component,
            work,
            context: context_of(attempt, map_key)?,
            timeout_ms: timeout_ms.saturating_sub(u64::try_from(used.as_millis()).unwrap_or(u64::MAX)).max(1),
            memory_bytes: task.and_then(|task| task.resources.memory_bytes).unwrap_or(MEMORY_MAX_BYTES),
            sequences: numbered.map(|(id, sequence)| SequenceRef { id: id as u64, len: sequence.len() }).collect(),
            outlets: task.into_iter().flat_map(|task| &task.outlets).map(|outlet| outlet.name.clone()).collect(),
        })
    }

    /// Gives attempts to the tenant's shared runner; what cannot be given is lost.
    async fn give(&self, lane: &Arc<Lane>, artefact: &Artefact, mut assignments: Vec<Assignment>) {
        if let Err(error) = self.try_give(lane, artefact, &mut assignments).await {
            let ids = numbers(&assignments);
            let attempts = ids.into_iter().filter_map(|id| Some((id, self.0.attempts.get(id)?))).collect();
            self.put_off(attempts, &error.to_string());
        }
    }

    /// Leaves in `assignments` those that are still with the caller.
    async fn try_give(
        &self,
        lane: &Arc<Lane>,
        artefact: &Artefact,
        assignments: &mut Vec<Assignment>,
    ) -> Result<(), LaneError> {
        let on_start = |runner: &Runner, events| {
            tokio::spawn(self.clone().follow(lane.clone(), runner.pid(), events));
        };
        for _ in 0..RUNNERS_PER_ASSIGNMENT {
            assignments.retain(|assignment| self.0.attempts.is_wanted(assignment.id));
            if assignments.is_empty() {
                return Ok(());
            }
            let runner = lane.runner(&on_start).await?;
            match runner.load(artefact).await {
                Ok(()) => {}
                Err(LoadError::Gone) => {
                    lane.forget(runner.pid()).await;
                    continue;
                }
                Err(error) => return Err(LaneError::Load(error.to_string())),
            }
            failpoint::begins("broker::dispatch");
            let given = self.0.attempts.give(&numbers(assignments), runner.pid());
            assignments.retain(|assignment| given.contains(&assignment.id));
            if runner.assign(assignments.clone()).await.is_ok() {
                failpoint::ends("broker::dispatch");
                self.cancel_late(&runner, &given).await;
                return Ok(());
            }
            lane.forget(runner.pid()).await;
            // Whoever heard of its death first has the rest.
            let back = self.take_back(&given, runner.pid());
            assignments.retain(|assignment| back.contains(&assignment.id));
        }
        Err(LaneError::Dying)
    }

    /// Takes back what a dead runner has not begun; those that are cancelled end here.
    pub(crate) fn take_back(&self, ids: &[u64], pid: u32) -> Vec<u64> {
        let mut back = self.0.attempts.take_back(ids, pid);
        let cancelled = self.0.attempts.cancelled(&back);
        self.end_cancelled(&cancelled);
        back.retain(|id| !cancelled.contains(id));
        back
    }

    /// Tells a runner of cancellations that came before it had heard of the attempts.
    pub(crate) async fn cancel_late(&self, runner: &Runner, ids: &[u64]) {
        let late = self.0.attempts.cancelled(ids);
        if !late.is_empty() {
            // A runner that is gone runs none of them.
            let _ = runner.cancel(late).await;
        }
    }

    fn cancel(&self, tokens: &[AttemptToken]) {
        let (preparing, with_runners) = self.0.attempts.cancel(tokens);
        self.end_cancelled(&preparing);
        let mut by_runner: HashMap<u32, Vec<u64>> = HashMap::new();
        for (pid, id) in with_runners {
            by_runner.entry(pid).or_default().push(id);
        }
        if by_runner.is_empty() {
            return;
        }
        // Orders do not wait for runners that are slow to hear, nor do the runners of one tenant for those of another.
        let by_runner = Arc::new(by_runner);
        for lane in self.all_lanes() {
            let by_runner = by_runner.clone();
            tokio::spawn(async move {
                for runner in lane.runners().await {
                    if let Some(ids) = by_runner.get(&runner.pid()) {
                        // A runner that is gone runs none of them.
                        let _ = runner.cancel(ids.clone()).await;
                    }
                }
            });
        }
    }
}

/// What is called: of a task its body, else the callback.
fn work_of(attempt: &Attempt, args: String) -> Result<Work, ArgumentError> {
    let Some(task) = attempt.task() else {
        let event = attempt.claim.notify.clone().unwrap_or_else(|| "{}".into());
        return Ok(Work::Notify { event });
    };
    let named = || Entrypoint::new(task.task_id.as_str()).ok();
    match task.entrypoint.clone().or_else(named) {
        Some(entrypoint) => Ok(Work::Body { entrypoint, args }),
        None => {
            let message = format!("the task's name {} is no name of an entrypoint", task.task_id);
            Err(ArgumentError::Invalid(message))
        }
    }
}

fn context_of(attempt: &Attempt, map_key: Option<Arc<str>>) -> Result<TaskContext, ArgumentError> {
    let (run, token) = (&attempt.claim.run, attempt.token());
    let task_id = match attempt.task() {
        Some(task) => task.task_id.clone(),
        None => TaskId::new(CALLBACK).map_err(|error| ArgumentError::Invalid(error.to_string()))?,
    };
    Ok(TaskContext {
        dag_id: run.dag_id.clone(),
        run_id: run.run_id.clone(),
        task_id,
        map_index: token.instance.map_index,
        map_path: attempt.claim.place.levels().iter().map(|level| level.position).collect(),
        map_key,
        try_number: token.try_number,
        logical_date: run.logical_date,
        data_interval_start: run.data_interval.map(|(start, _)| start),
        data_interval_end: run.data_interval.map(|(_, end)| end),
        params: run.params.clone(),
        woken: attempt.claim.woken.clone(),
    })
}

fn numbers(assignments: &[Assignment]) -> Vec<u64> {
    assignments.iter().map(|assignment| assignment.id).collect()
}

fn groups(attempts: Vec<(u64, Arc<Attempt>)>) -> impl Iterator<Item = Group> {
    let mut groups: BTreeMap<(RunKey, NodeIdx, bool, bool), Group> = BTreeMap::new();
    for (id, attempt) in attempts {
        let (instance, is_suspect) = (attempt.token().instance, attempt.claim.suspect);
        let is_callback = attempt.claim.notify.is_some();
        let group = groups.entry((instance.run, instance.node, is_callback, is_suspect));
        let new = || Group { node: instance.node, is_callback, is_suspect, attempts: Vec::new() };
        group.or_insert_with(new).attempts.push((id, attempt));
    }
    groups.into_values()
}
