//! A process's way to its database, on which things go wrong: an error before anything was done (F3), an error although it was
//! done (F4), a slow answer (F14), rows that somebody else seems to have changed. When the process dies the link is cut: what was
//! not executed never will be, and nobody hears of what was.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use clock::{Clock, Sim};
use jiff::Timestamp;
use model::{DagId, RunKey, TenantScope, VersionKey};
use store::{
    BundleRegistered, BundleRow, Catalog, Cleared, CommitError, DagFilter, DagRow, DagVersionRow, NewBundleVersion,
    Page, PageRequest, RunCommit, RunCommitted, RunSnapshot, RunStore, StoreError,
};
use testkit::dice::Dice;
use tokio::sync::Notify;

use crate::{Ground, SimStore, Trace};

/// How often things go wrong, in calls of a thousand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// An error; nothing was done.
    pub refused: u32,
    /// An error; everything was done.
    pub answer_lost: u32,
    /// A commit is told that it was overtaken.
    pub overtaken: u32,
    /// Calls that take some milliseconds.
    pub slow: u32,
    /// Calls that take longer than a lease.
    pub stuck: u32,
}

/// Where a call may be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Nothing is done yet.
    Before,
    /// Everything is done, and nobody knows.
    After,
}

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    Refused,
    AnswerLost,
}

/// One process's link to the database.
pub struct Link {
    name: String,
    store: SimStore,
    clock: Sim,
    trace: Trace,
    state: Mutex<State>,
    let_go: Notify,
}

struct State {
    dice: Dice,
    faults: Faults,
    is_cut: bool,
    /// Fates of the next calls, whatever the dice say.
    next: Vec<Fate>,
    held: Option<(&'static str, Side)>,
}

impl Link {
    pub fn new(name: String, ground: &Ground, dice: Dice) -> Arc<Self> {
        let state = State { dice, faults: Faults::default(), is_cut: false, next: Vec::new(), held: None };
        let Ground { clock, store, trace, .. } = ground.clone();
        Arc::new(Self { name, store, clock, trace, state: Mutex::new(state), let_go: Notify::new() })
    }

    /// From now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// The next call fails before anything is done.
    pub fn refuse_next(&self) {
        self.state().next.insert(0, Fate::Refused);
    }

    /// The next call fails although it is done.
    pub fn lose_next_answer(&self) {
        self.state().next.insert(0, Fate::AnswerLost);
    }

    /// Calls whose name begins so wait on that side of their execution, until [`Self::let_go`].
    pub fn hold(&self, call: &'static str, side: Side) {
        self.state().held = Some((call, side));
    }

    /// Lets go what is held; calls that come later are not held any more.
    pub fn let_go(&self) {
        self.state().held = None;
        self.let_go.notify_waiters();
    }

    /// The process is dead: no call of its returns any more.
    pub fn cut(&self) {
        self.state().is_cut = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the lock is held")
    }

    fn fate(&self) -> (Fate, Duration, Duration) {
        let mut state = self.state();
        let faults = state.faults;
        let mut pause = || match state.dice.roll(1_000) {
            roll if roll < faults.stuck => Duration::from_millis(u64::from(state.dice.roll(40_000))),
            roll if roll < faults.stuck + faults.slow => Duration::from_millis(u64::from(1 + state.dice.roll(20))),
            _ => Duration::ZERO,
        };
        let (before, after) = (pause(), pause());
        let roll = state.dice.roll(1_000);
        let fate = match state.next.pop() {
            Some(fate) => fate,
            None if roll < faults.refused => Fate::Refused,
            None if roll < faults.refused + faults.answer_lost => Fate::AnswerLost,
            None => Fate::Well,
        };
        (fate, before, after)
    }

    async fn pass(&self, what: &str, side: Side, pause: Duration) {
        let let_go = self.let_go.notified();
        if self.state().held.is_some_and(|(call, of)| of == side && what.starts_with(call)) {
            let_go.await;
        }
        if !pause.is_zero() {
            self.clock.sleep(pause).await;
        }
        if self.state().is_cut {
            std::future::pending().await
        }
    }

    async fn call<T, E: From<StoreError> + std::fmt::Debug>(
        &self,
        what: &str,
        act: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let (fate, before, after) = self.fate();
        let failed = || StoreError::Unavailable { detail: format!("simulated: {fate:?}") };
        self.pass(what, Side::Before, before).await;
        if fate == Fate::Refused {
            self.trace.line(format_args!("{} {what}: refused", self.name));
            return Err(failed().into());
        }
        let answer = act.await;
        match &answer {
            Ok(_) => self.trace.line(format_args!("{} {what}: done", self.name)),
            Err(error) => self.trace.line(format_args!("{} {what}: {error:?}", self.name)),
        }
        self.pass(what, Side::After, after).await;
        if fate == Fate::AnswerLost {
            self.trace.line(format_args!("{} {what}: the answer is lost", self.name));
            return Err(failed().into());
        }
        answer
    }
}

/// The parts of a commit that are not empty.
fn told(commit: &RunCommit) -> String {
    let parts = [
        ("runs", commit.runs.len()),
        ("ended", commit.ended.len()),
        ("expansions", commit.expansions.len()),
        ("inserts", commit.instances.len()),
        ("transitions", commit.transitions.len()),
        ("claims", commit.claims.len()),
        ("run states", commit.run_states.len()),
    ];
    let parts = parts.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}"));
    format!("commit of {}", parts.collect::<Vec<_>>().join(", "))
}

fn touched(commit: &RunCommit) -> Option<RunKey> {
    let ended = commit.ended.iter().map(|it| it.instance.run);
    ended.chain(commit.claims.iter().map(|it| it.instance.run)).chain(commit.runs.iter().map(|it| it.key)).next()
}

#[async_trait]
impl RunStore for Link {
    async fn commit(&self, commit: RunCommit) -> Result<RunCommitted, CommitError> {
        let what = told(&commit);
        let is_overtaken = {
            let mut state = self.state();
            let per_mille = state.faults.overtaken;
            state.dice.per_mille(per_mille)
        };
        if let Some(run) = touched(&commit).filter(|_| is_overtaken) {
            self.pass(&what, Side::Before, Duration::ZERO).await;
            self.trace.line(format_args!("{} {what}: told that it was overtaken", self.name));
            return Err(CommitError::Overtaken(vec![run]));
        }
        self.call(&what, self.store.commit(commit)).await
    }

    async fn epoch_advance(&self) -> Result<u32, StoreError> {
        self.call("advance of the epoch", self.store.epoch_advance()).await
    }

    async fn tenants_with_work(&self) -> Result<Vec<TenantScope>, StoreError> {
        self.call("read of tenants", self.store.tenants_with_work()).await
    }

    async fn runs_unfinished(
        &self,
        scope: TenantScope,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunKey>, StoreError> {
        self.call("read of unfinished runs", self.store.runs_unfinished(scope, after, limit)).await
    }

    async fn run_snapshot(&self, scope: TenantScope, run: RunKey) -> Result<Option<RunSnapshot>, StoreError> {
        self.call("read of a run", self.store.run_snapshot(scope, run)).await
    }

    async fn run_clear(
        &self,
        scope: TenantScope,
        run: RunKey,
        only_failed: bool,
        now: Timestamp,
    ) -> Result<Cleared, StoreError> {
        self.call("clear", self.store.run_clear(scope, run, only_failed, now)).await
    }
}

#[async_trait]
impl Catalog for Link {
    async fn bundle_register(
        &self,
        scope: TenantScope,
        version: NewBundleVersion,
    ) -> Result<BundleRegistered, StoreError> {
        self.call("registration", self.store.bundle_register(scope, version)).await
    }

    async fn bundle_list(&self, scope: TenantScope, page: PageRequest) -> Result<Page<BundleRow>, StoreError> {
        self.call("read of bundles", self.store.bundle_list(scope, page)).await
    }

    async fn dag_fetch(&self, scope: TenantScope, dag_id: &DagId) -> Result<Option<DagRow>, StoreError> {
        self.call("read of a DAG", self.store.dag_fetch(scope, dag_id)).await
    }

    async fn dag_list(
        &self,
        scope: TenantScope,
        filter: &DagFilter,
        page: PageRequest,
    ) -> Result<Page<DagRow>, StoreError> {
        self.call("read of DAGs", self.store.dag_list(scope, filter, page)).await
    }

    async fn dag_version_fetch(
        &self,
        scope: TenantScope,
        key: VersionKey,
    ) -> Result<Option<DagVersionRow>, StoreError> {
        self.call("read of a version", self.store.dag_version_fetch(scope, key)).await
    }

    async fn dag_version_find(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        version_number: u32,
    ) -> Result<Option<DagVersionRow>, StoreError> {
        self.call("read of a version", self.store.dag_version_find(scope, dag_id, version_number)).await
    }

    async fn dag_version_list(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        page: PageRequest,
    ) -> Result<Page<DagVersionRow>, StoreError> {
        self.call("read of versions", self.store.dag_version_list(scope, dag_id, page)).await
    }
}
