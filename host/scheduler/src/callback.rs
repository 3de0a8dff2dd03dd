//! Calls what runs owe. Whoever causes a callback writes it in the same commit; here it is begun when it is due and a slot is free, given
//! to the worker of this process like any other work, and ended as the worker reports. Nothing of a run depends on it.
//!
//! Rows alone say what is due, so nothing is lost with a process: an execution whose lease ends is begun anew, by whoever comes first, under
//! a higher fence. Between two looks it sleeps until the next callback is due, and never for longer than a slow poll; a commit that owes
//! something pokes it.
//! Not here: what has to be called (`cycle::callback`), what becomes of an execution that has ended (`callback::end`).

mod end;
mod queue;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use clock::Clock;
use jiff::Timestamp;
use metrics::gauge;
use model::callback::CallbackEvent;
use model::limits::callback::{LEASE_MS, LOST_MAX, RUNNING_MAX};
use model::outcome::End;
use model::{AttemptToken, InstanceKey, MapIndex, NodeIdx, Place, RunState, TaskState, TenantScope, WorkerId};
use serde_json::json;
use store::{CallbackRow, CallbackStore, CallbackToken, Claim, StoreError, TakenCallback, WorkOrder};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::warn;

pub(crate) use queue::CallbackQueue;

use crate::active::claimed_of_row;
use crate::command::Command;
use crate::metric_names as names;
use crate::news::News;
use crate::version::{Version, VersionError, Versions};
use end::{Held, ended};

/// How often the rows are looked at when nobody pokes and nothing is due.
const POLL: Duration = Duration::from_secs(10);
/// How often leases are renewed.
const RENEW_EVERY: Duration = Duration::from_millis(LEASE_MS / 3);

/// What the calls of callbacks work with. Clones share it.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) store: Arc<dyn CallbackStore>,
    pub(crate) versions: Arc<Versions>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) news: News,
    pub(crate) inbox: mpsc::Sender<Command>,
    /// No other process uses the database: what runs there was begun by one that is gone.
    pub(crate) is_alone: bool,
    pub(crate) held: Mutex<BTreeMap<AttemptToken, Held>>,
    pub(crate) worker: watch::Sender<Option<WorkerId>>,
}

impl Caller {
    pub(crate) fn new(
        store: Arc<dyn CallbackStore>,
        versions: Arc<Versions>,
        clock: Arc<dyn Clock>,
        news: News,
        inbox: mpsc::Sender<Command>,
        is_alone: bool,
    ) -> Self {
        let (held, worker) = (Mutex::default(), watch::Sender::new(None));
        Self(Arc::new(Parts { store, versions, clock, news, inbox, is_alone, held, worker }))
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<AttemptToken, Held>> {
        self.0.held.lock().expect("no panic while the lock is held")
    }

    /// Gives the worker that has registered what is due, until there is no worker any more. The orders are bounded by its slots.
    async fn call(self, orders: mpsc::UnboundedSender<WorkOrder>) {
        let mut registered = self.0.worker.subscribe();
        let worker = tokio::select! {
            biased;
            () = orders.closed() => return,
            worker = registered.wait_for(Option::is_some) => worker.ok().and_then(|worker| *worker),
        };
        let Some(worker) = worker else { return };
        if self.0.is_alone {
            while let Err(error) = self.0.store.callbacks_let_go(self.0.clock.now()).await {
                warn!(%error, "cannot look at callbacks yet");
                self.0.clock.sleep(POLL).await;
            }
        }
        let mut turn = 0;
        loop {
            let (due, next) = self.due().await;
            let mut begun = 0;
            if !due.is_empty() {
                let Some(slots) = self.reserve(worker).await else { return };
                turn += 1;
                let claims = self.begin(due, turn, slots).await;
                begun = claims.len();
                self.unreserve(worker, slots.saturating_sub(u32::try_from(begun).unwrap_or(u32::MAX))).await;
                if begun > 0 && orders.send(WorkOrder::Run(claims)).is_err() {
                    return;
                }
            }
            // What was due and could not be begun is looked at again later.
            let pause = if begun > 0 { Duration::ZERO } else { next.unwrap_or(POLL).min(POLL) };
            tokio::select! {
                biased;
                () = orders.closed() => return,
                () = self.0.news.poked_to_call() => {}
                () = self.0.clock.sleep(pause) => {}
            }
        }
    }

    /// Keeps the leases of what runs here.
    async fn renew(self, orders: mpsc::UnboundedSender<WorkOrder>) {
        loop {
            tokio::select! {
                biased;
                () = orders.closed() => return,
                () = self.0.clock.sleep(RENEW_EVERY) => {}
            }
            let tokens: Vec<_> = self.held().iter().map(|(token, held)| token_of(*token, held.scope)).collect();
            if tokens.is_empty() {
                continue;
            }
            if let Err(error) = self.0.store.callbacks_renew(&tokens, self.lease_until()).await {
                warn!(%error, "cannot renew the leases of callbacks yet");
            }
        }
    }

    fn lease_until(&self) -> Timestamp {
        later(self.0.clock.now(), LEASE_MS)
    }

    /// Tenants that something is due for, and how long it takes until more is.
    async fn due(&self) -> (Vec<TenantScope>, Option<Duration>) {
        let all = match self.0.store.callbacks_due().await {
            Ok(all) => all,
            Err(error) => {
                warn!(%error, "cannot look at callbacks yet");
                return (Vec::new(), None);
            }
        };
        let now = self.0.clock.now();
        let (due, later): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, at)| *at <= now);
        let next =
            later.into_iter().map(|(_, at)| Duration::try_from(at.duration_since(now)).unwrap_or_default()).min();
        (due.into_iter().map(|(scope, _)| scope).collect(), next)
    }

    /// Waits until a slot is free; `None` when there will be no more.
    async fn reserve(&self, worker: WorkerId) -> Option<u32> {
        let running = u32::try_from(self.held().len()).unwrap_or(u32::MAX);
        let most = RUNNING_MAX.saturating_sub(running);
        if most == 0 {
            return Some(0);
        }
        let (reply, slots) = oneshot::channel();
        self.0.inbox.send(Command::Reserve { worker, most, reply }).await.ok()?;
        slots.await.ok()
    }

    async fn unreserve(&self, worker: WorkerId, slots: u32) {
        if slots > 0 {
            // A loop that has ended gives out nothing more either.
            let _ = self.0.inbox.send(Command::Unreserve { worker, slots }).await;
        }
    }

    /// Begins callbacks of tenants in turn, as many as there are slots.
    async fn begin(&self, mut due: Vec<TenantScope>, turn: usize, slots: u32) -> Vec<Claim> {
        let count = due.len();
        due.rotate_left(turn % count);
        let mut left = slots;
        let mut claims = Vec::new();
        for (scope, rest) in due.into_iter().zip((1..=count).rev()) {
            let share = left.div_ceil(u32::try_from(rest).unwrap_or(u32::MAX)).min(left);
            if share == 0 {
                break;
            }
            let now = self.0.clock.now();
            let taken = match self.0.store.callbacks_take(scope, now, self.lease_until(), share).await {
                Ok(taken) => taken,
                Err(error) => {
                    warn!(%error, "cannot begin callbacks yet");
                    break;
                }
            };
            for taken in taken {
                if let Some(claim) = self.claim(taken, now).await {
                    left = left.saturating_sub(1);
                    claims.push(claim);
                }
            }
        }
        gauge!(names::CALLBACKS_RUNNING).set(self.held().len() as f64);
        claims
    }

    /// The claim of a callback that was begun. One that cannot be run here ends.
    async fn claim(&self, TakenCallback { row, run }: TakenCallback, now: Timestamp) -> Option<Claim> {
        let held = Held { scope: row.scope, lost_executions: row.lost_executions };
        let map_index = MapIndex::at(row.number);
        let instance = InstanceKey { run: row.run, node: NodeIdx::CALLBACK, map_index };
        let token = AttemptToken { instance, try_number: row.try_number, fence: row.fence };
        if row.lost_executions > LOST_MAX {
            let message = "its executions were lost".to_owned();
            self.end_here(token, held, End::HostLost { message, suspect: true }, now).await;
            return None;
        }
        let version = match self.0.versions.fetch(run.scope, run.version).await {
            Ok(version) => version,
            Err(error) => {
                let message = error.to_string();
                let end = match error {
                    VersionError::Store(_) => End::HostLost { message, suspect: false },
                    _ => End::Failed { message, retry: false, delay_ms: None },
                };
                self.end_here(token, held, end, now).await;
                return None;
            }
        };
        self.held().insert(token, held);
        let event = event_of(&row, &version, run.run_id.as_str(), run.state);
        Some(Claim {
            run: Arc::new(claimed_of_row(&run, &version)),
            token,
            place: Place::of_index(MapIndex::NONE),
            suspect: row.lost_executions > 0,
            claimed_at: now,
            woken: None,
            notify: Some(event.into()),
        })
    }

    async fn end_here(&self, token: AttemptToken, held: Held, end: End, now: Timestamp) {
        // Its lease ends it where this does not arrive.
        if let Err(error) = self.0.store.callbacks_end(&[ended(token, held, end, now)]).await {
            warn!(%error, "cannot end a callback yet");
        }
    }

    /// Ends what the worker has reported; returns when it is durable.
    async fn report(&self, reports: &[store::Report]) -> Result<(), StoreError> {
        let now = self.0.clock.now();
        let ends: Vec<_> = reports
            .iter()
            .map(|report| {
                let held = self.held().get(&report.token).copied();
                let held = held.unwrap_or(Held { scope: report.scope, lost_executions: 0 });
                ended(report.token, held, report.execution.end.clone(), now)
            })
            .collect();
        failpoint::begins("callback::end");
        self.0.store.callbacks_end(&ends).await?;
        failpoint::ends("callback::end");
        let freed = reports.iter().filter(|report| self.held().remove(&report.token).is_some()).count();
        gauge!(names::CALLBACKS_RUNNING).set(self.held().len() as f64);
        for end in ends {
            metrics::counter!(names::CALLBACKS_ENDED, "state" => end.to.as_str()).increment(1);
        }
        let worker = *self.0.worker.borrow();
        if let Some(worker) = worker {
            self.unreserve(worker, u32::try_from(freed).unwrap_or(u32::MAX)).await;
        }
        // One of them may be due again.
        self.0.news.poke_to_call();
        Ok(())
    }
}

fn token_of(token: AttemptToken, scope: TenantScope) -> CallbackToken {
    // Its number stands where a map index does.
    let number = token.instance.map_index.position().unwrap_or_default();
    CallbackToken { scope, run: token.instance.run, number, fence: token.fence }
}

fn later(now: Timestamp, by_ms: u64) -> Timestamp {
    now.checked_add(Duration::from_millis(by_ms)).unwrap_or(Timestamp::MAX)
}

/// What the callback is told.
fn event_of(row: &CallbackRow, version: &Version, run_id: &str, run_state: RunState) -> String {
    let task_id = row.subject.and_then(|it| version.dag.document().tasks.get(it.node.0 as usize)).map(|it| &it.task_id);
    let state = match (row.event, row.subject.is_some()) {
        (CallbackEvent::Success, _) => RunState::Success.as_str(),
        (CallbackEvent::Failure, _) => RunState::Failed.as_str(),
        (CallbackEvent::Retry, _) => TaskState::UpForRetry.as_str(),
        (CallbackEvent::Skipped, _) => TaskState::Skipped.as_str(),
        (CallbackEvent::DeadlineMissed, _) => run_state.as_str(),
    };
    let mut event = json!({
        "callback": row.callback, "event": row.event, "dag_id": version.dag_id, "run_id": run_id, "state": state,
    });
    if let (Some(subject), Some(task_id)) = (row.subject, task_id) {
        event["task_id"] = json!(task_id);
        event["map_index"] = json!(subject.map_index);
        event["try_number"] = json!(subject.try_number);
    }
    if let Some(message) = &row.message {
        event["message"] = json!(**message);
    }
    event.to_string()
}
