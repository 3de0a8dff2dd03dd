//! Takes work that is offered to everybody for a worker's slots that the scheduler of its own process does not need, and hears
//! of what the worker holds no more.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use clock::Clock;
use model::dag::ScopeOf;
use model::{AttemptToken, Dag, Place, RunKey, ServerId, TenantScope, WorkerId};
use plan::{MachineLimits, Ready, RunMachine};
use store::{Claim, ClaimedRun, WorkOrder, WorkRow};
use tokio::sync::{Notify, mpsc, oneshot};
use tracing::{error, warn};

use super::waker::POLL;
use super::{SharedStore, Waker};
use crate::active::{claimed_of_row, lost};
use crate::command::Command;
use crate::recovery::Sources;
use crate::version::VersionError;

pub(crate) struct Puller {
    pub(crate) store: Arc<dyn SharedStore>,
    pub(crate) server: ServerId,
    pub(crate) sources: Sources,
    pub(crate) limits: MachineLimits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) waker: Waker,
    pub(crate) inbox: mpsc::Sender<Command>,
}

/// What the worker holds, shared with its queue.
#[derive(Default)]
pub(crate) struct Held {
    sets: Mutex<Sets>,
    registered: Notify,
    /// Whoever changes what is held in the database, or compares with it, does so alone.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
pub(crate) struct Sets {
    worker: Option<WorkerId>,
    /// Claimed by the scheduler of this process.
    pub(crate) local: BTreeSet<AttemptToken>,
    /// Taken from what is offered to everybody.
    pub(crate) shared: BTreeSet<AttemptToken>,
}

impl Held {
    pub(crate) fn sets(&self) -> MutexGuard<'_, Sets> {
        self.sets.lock().expect("no panic while the lock is held")
    }

    pub(crate) fn register(&self, worker: WorkerId) {
        self.sets().worker = Some(worker);
        self.registered.notify_waiters();
    }

    async fn worker(&self) -> WorkerId {
        loop {
            let registered = self.registered.notified();
            let worker = self.sets().worker;
            match worker {
                Some(worker) => return worker,
                None => registered.await,
            }
        }
    }
}

impl Puller {
    /// Takes offers whenever there may be some and slots are free. The orders are bounded by the slots.
    pub(crate) async fn pull(self: Arc<Self>, held: Arc<Held>, orders: mpsc::UnboundedSender<WorkOrder>) {
        let worker = held.worker().await;
        while let Some(slots) = self.reserve(worker).await {
            let taken = {
                let _turn = held.turn.lock().await;
                self.take(&held, slots).await
            };
            self.unreserve(worker, slots.saturating_sub(u32::try_from(taken.len()).unwrap_or(u32::MAX))).await;
            if taken.is_empty() {
                tokio::select! {
                    biased;
                    () = orders.closed() => return,
                    () = self.waker.offer() => {}
                }
            } else if orders.send(WorkOrder::Run(taken)).is_err() {
                return;
            }
        }
    }

    /// `None` when there will be no more slots.
    async fn reserve(&self, worker: WorkerId) -> Option<u32> {
        let (reply, slots) = oneshot::channel();
        self.inbox.send(Command::Reserve { worker, most: u32::MAX, reply }).await.ok()?;
        slots.await.ok()
    }

    pub(crate) async fn unreserve(&self, worker: WorkerId, slots: u32) {
        if slots > 0 {
            // A loop that has ended gives out nothing more either.
            let _ = self.inbox.send(Command::Unreserve { worker, slots }).await;
        }
    }

    async fn take(&self, held: &Held, slots: u32) -> Vec<Claim> {
        match self.store.work_take(self.server, slots).await {
            Ok(rows) => self.claims(held, rows).await,
            Err(error) => {
                warn!(%error, "cannot take work yet");
                Vec::new()
            }
        }
    }

    /// What was taken, with the versions that it needs. What cannot be run here ends as lost.
    async fn claims(&self, held: &Held, rows: Vec<WorkRow>) -> Vec<Claim> {
        let mut runs: HashMap<RunKey, Option<Arc<ClaimedRun>>> = HashMap::new();
        let mut claims = Vec::with_capacity(rows.len());
        let mut machines: HashMap<RunKey, Option<RunMachine>> = HashMap::new();
        let now = self.clock.now();
        for row in rows {
            let key = row.run.key;
            let run = match runs.get(&key) {
                Some(run) => run.clone(),
                None => {
                    let run = self.run(&row).await;
                    runs.insert(key, run.clone());
                    run
                }
            };
            match run {
                Some(run) => {
                    held.sets().shared.insert(row.token);
                    if is_nested(&run.dag) && !machines.contains_key(&key) {
                        machines.insert(key, self.machine(&row).await);
                    }
                    let place = place(machines.get(&key).and_then(Option::as_ref), &row);
                    claims.push(Claim {
                        run,
                        token: row.token,
                        place,
                        suspect: row.suspect,
                        claimed_at: now,
                        woken: None,
                        notify: None,
                    });
                }
                None => self.give_back(row.scope, row.token, "its worker could not read the DAG version").await,
            }
        }
        claims
    }

    /// The run as its rows say: where instances of nested mappings stand follows from all of them.
    async fn machine(&self, row: &WorkRow) -> Option<RunMachine> {
        match self.sources.look(row.scope, row.run.key).await {
            Ok(read) => Some(read?.view(self.limits, self.clock.now())),
            Err(error) => {
                warn!(%error, run = %row.run.key, "cannot read now where instances of a run stand");
                None
            }
        }
    }

    async fn run(&self, row: &WorkRow) -> Option<Arc<ClaimedRun>> {
        let found = if row.run.clears == 0 {
            self.sources.versions.fetch(row.scope, row.run.version).await.map(Some)
        } else {
            // Its tasks may stand in other places than those of its version.
            self.sources.look(row.scope, row.run.key).await.map(|read| Some(read?.version))
        };
        match found {
            Ok(version) => version.map(|version| Arc::new(claimed_of_row(&row.run, &version))),
            Err(VersionError::Store(error)) => {
                warn!(%error, run = %row.run.key, "cannot read the version of a run now");
                None
            }
            Err(error) => {
                error!(%error, run = %row.run.key, "this program cannot run the version of a run");
                None
            }
        }
    }

    async fn give_back(&self, scope: TenantScope, token: AttemptToken, why: &str) {
        let now = self.clock.now();
        if let Err(error) = self.store.work_report(self.server, &[lost(scope, token, now, now, why)]).await {
            warn!(%error, "cannot give work back yet");
        }
    }

    /// Compares, now and then, what the worker holds with what the database says. What the database gave and nobody here knows,
    /// twice in a row, is given back: the answer that brought it was lost.
    pub(crate) async fn compare(self: Arc<Self>, held: Arc<Held>, orders: mpsc::UnboundedSender<WorkOrder>) {
        held.worker().await;
        let mut unknown = BTreeSet::new();
        loop {
            tokio::select! {
                biased;
                () = orders.closed() => return,
                () = self.clock.sleep(POLL) => {}
            }
            let _turn = held.turn.lock().await;
            let before = held.sets().shared.clone();
            let rows = match self.store.work_held(self.server).await {
                Ok(rows) => rows,
                Err(error) => {
                    warn!(%error, "cannot ask what was cancelled yet");
                    continue;
                }
            };
            let given: BTreeSet<_> = rows.iter().map(|(_, token)| *token).collect();
            let gone: Vec<_> = before.difference(&given).copied().collect();
            if !gone.is_empty() && orders.send(WorkOrder::Cancel(gone)).is_err() {
                return;
            }
            let is_known = |token: &AttemptToken| {
                let sets = held.sets();
                sets.local.contains(token) || sets.shared.contains(token)
            };
            let strange: Vec<_> = rows.into_iter().filter(|(_, token)| !is_known(token)).collect();
            for (scope, token) in strange.iter().filter(|(_, token)| unknown.contains(token)) {
                self.give_back(*scope, *token, "its worker never heard that it was given to it").await;
            }
            unknown = strange.into_iter().map(|(_, token)| token).collect();
        }
    }
}

/// An index alone does not tell where the instances of such a DAG stand.
fn is_nested(dag: &Dag) -> bool {
    dag.scopes().any(|(_, scope)| scope.depth > 1 || matches!(scope.of, ScopeOf::Group(_)))
}

fn place(machine: Option<&RunMachine>, row: &WorkRow) -> Place {
    let AttemptToken { instance, try_number, .. } = row.token;
    let ready = Ready { node: instance.node, map_index: instance.map_index, try_number, suspect: row.suspect };
    let place = machine.and_then(|machine| machine.places(&[ready]).pop());
    place.unwrap_or_else(|| Place::of_index(instance.map_index))
}
