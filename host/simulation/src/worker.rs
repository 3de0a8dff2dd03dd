//! A simulated worker: takes claims from a [`TaskQueue`], beats, and ends executions when it is told to. It may stop for longer
//! than a lease and come back, or die without a word.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use clock::{Clock, Sim};
use model::limits::worker::HEARTBEAT_MS;
use model::outcome::{End, ResourcesUsed};
use model::{AttemptToken, Key, WorkerId};
use store::{
    Claim, Execution, NamedValue, RETURN_VALUE, Report, StoreError, StoredValue, TaskQueue, WorkOrder,
    WorkerRegistration,
};
use testkit::outcome::Outcome;
use tokio::task::JoinSet;

use crate::{Ground, SimStore, Trace};

/// First pause before a report is repeated; doubled up to [`REPORT_PAUSE_MAX`].
const REPORT_PAUSE: Duration = Duration::from_millis(50);
const REPORT_PAUSE_MAX: Duration = Duration::from_secs(5);

/// One lifetime of a worker.
pub struct SimWorker {
    shared: Shared,
    tasks: JoinSet<()>,
}

/// An execution that the worker believes to be its own.
#[derive(Debug, Clone)]
pub struct Held {
    pub claim: Claim,
    /// It was told to end it.
    pub is_cancelled: bool,
}

#[derive(Clone)]
struct Shared {
    id: WorkerId,
    slots: u32,
    queue: Arc<dyn TaskQueue>,
    clock: Sim,
    store: SimStore,
    trace: Trace,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    held: Vec<Held>,
    /// Reports that are not answered well yet.
    unanswered: usize,
    stopped_until: Duration,
}

impl SimWorker {
    /// Registers the worker.
    pub async fn start(
        ground: &Ground,
        id: WorkerId,
        slots: u32,
        queue: Arc<dyn TaskQueue>,
    ) -> Result<Self, StoreError> {
        queue.worker_register(WorkerRegistration { worker: id, slots }).await?;
        let Ground { clock, store, trace, .. } = ground.clone();
        let shared = Shared { id, slots, queue, clock, store, trace, state: Arc::default() };
        let mut tasks = JoinSet::new();
        tasks.spawn(shared.clone().take_orders());
        tasks.spawn(shared.clone().beat());
        Ok(Self { shared, tasks })
    }

    pub fn id(&self) -> WorkerId {
        self.shared.id
    }

    /// What it has been given and has not ended.
    pub fn held(&self) -> Vec<Held> {
        self.shared.state().held.clone()
    }

    /// True when every end that it reported is known to be durable.
    pub fn is_settled(&self) -> bool {
        self.shared.state().unanswered == 0
    }

    pub fn is_stopped(&self) -> bool {
        self.shared.state().stopped_until > self.shared.clock.monotonic()
    }

    /// Nothing of it moves for so long: it takes no orders, does not beat, reports nothing.
    pub fn stop_for(&self, duration: Duration) {
        self.shared.state().stopped_until = self.shared.clock.monotonic() + duration;
    }

    /// It goes on at once.
    pub fn go_on(&self) {
        self.shared.state().stopped_until = Duration::ZERO;
    }

    /// Ends executions that it holds, in one report, which is repeated until it is durable, and once more if `twice`.
    pub fn end(&mut self, ends: Vec<(AttemptToken, Outcome)>, twice: bool) {
        let reports = ends.into_iter().filter_map(|(token, outcome)| self.shared.report(token, outcome)).collect();
        self.shared.state().unanswered += 1;
        self.tasks.spawn(self.shared.clone().send(reports, twice));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the lock is held")
    }

    /// Waits while the worker is stopped.
    async fn runs(&self) {
        loop {
            let until = self.state().stopped_until;
            let now = self.clock.monotonic();
            if until <= now {
                return;
            }
            self.clock.sleep(until - now).await;
        }
    }

    async fn take_orders(self) {
        while let Some(order) = self.queue.next(self.id).await {
            self.runs().await;
            match order {
                WorkOrder::Run(claims) => claims.into_iter().for_each(|claim| self.take(claim)),
                WorkOrder::Cancel(tokens) => {
                    for held in self.state().held.iter_mut().filter(|held| tokens.contains(&held.claim.token)) {
                        held.is_cancelled = true;
                    }
                }
                WorkOrder::Drain => {}
            }
        }
    }

    fn take(&self, claim: Claim) {
        let token = claim.token;
        let mut state = self.state();
        if state.held.iter().any(|held| held.claim.token == token) {
            self.trace.broken(format!("handed out twice: {token:?}"));
        }
        if state.held.len() >= self.slots as usize {
            self.trace.broken(format!("a worker of {} slots was given more", self.slots));
        }
        if !self.store.was_claimed(claim.run.scope, token) {
            self.trace.broken(format!("handed out before it is durable: {token:?}"));
        }
        state.held.push(Held { claim, is_cancelled: false });
    }

    async fn beat(self) {
        loop {
            self.clock.sleep(Duration::from_millis(HEARTBEAT_MS)).await;
            self.runs().await;
            // The server may be gone; then so is this worker.
            let _ = self.queue.heartbeat(self.id).await;
        }
    }

    fn report(&self, token: AttemptToken, outcome: Outcome) -> Option<Report> {
        let mut state = self.state();
        let at = state.held.iter().position(|held| held.claim.token == token)?;
        let Held { claim, is_cancelled } = state.held.remove(at);
        drop(state);
        let outcome = if is_cancelled { Outcome::of_word("cancel") } else { outcome };
        let xcoms = if outcome.has_value && outcome.end == End::Success { vec![value(token)] } else { Vec::new() };
        let execution = Execution {
            started_at: claim.claimed_at,
            ended_at: self.clock.now(),
            end: outcome.end,
            used: ResourcesUsed::default(),
        };
        let (has_value, answer) = (outcome.has_value, outcome.answer);
        Some(Report { scope: claim.run.scope, token, execution, xcoms, has_value, answer, asset_events: Vec::new() })
    }

    async fn send(self, reports: Vec<Report>, twice: bool) {
        let mut pause = REPORT_PAUSE;
        let mut rest = if twice { 2 } else { 1 };
        while rest > 0 {
            self.runs().await;
            if self.queue.report(self.id, reports.clone()).await.is_ok() {
                rest -= 1;
                for report in reports.iter().filter(|it| self.store.is_unreported(self.id, it.scope, it.token)) {
                    self.trace.broken(format!("acknowledged before it is durable: {:?}", report.token));
                }
            } else {
                self.clock.sleep(pause).await;
                pause = (pause * 2).min(REPORT_PAUSE_MAX);
            }
        }
        self.state().unanswered -= 1;
    }
}

/// A result that says which execution left it.
fn value(token: AttemptToken) -> NamedValue {
    let text = format!("\"{}/{}\"", token.try_number.0, token.fence);
    NamedValue { key: Key::new(RETURN_VALUE).expect("the constant is a key"), value: StoredValue::Inline(text.into()) }
}
