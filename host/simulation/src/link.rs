//! A process's way to its database, on which things go wrong: an error before anything was done (F3), an error although it was
//! done (F4), an error before it is done, a slow answer (F14), rows that somebody else seems to have changed, no way at all for a
//! while (F6). When the process dies the link is cut: nobody hears of what was executed. When it stands still (F2), so does
//! everything on the link.

mod callback;
mod catalog;
mod cluster;
mod process_clock;
mod run_store;
mod settings;
mod time;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use clock::{Clock, Sim};
use model::RunKey;
use store::{RunCommit, StoreError};
use testkit::dice::Dice;
use tokio::sync::Notify;

pub use cluster::SharedLink;
pub use process_clock::ProcessClock;

use crate::{Ground, SimStore, Trace};

/// How often things go wrong, in calls of a thousand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// An error; nothing was done.
    pub refused: u32,
    /// An error; everything was done.
    pub answer_lost: u32,
    /// An error; it is done when nobody counts with it any more.
    pub late: u32,
    /// A commit is told that it was overtaken.
    pub overtaken: u32,
    /// Calls that take some milliseconds.
    pub slow: u32,
    /// Calls that take longer than a lease.
    pub stuck: u32,
    /// Wakes that are not heard.
    pub wakes_lost: u32,
}

/// What does not pass while there is no way to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    Nothing,
    /// What is asked arrives, and no answer does.
    OnlyRequests,
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
    Late,
}

/// One process's link to the database.
pub struct Link {
    name: String,
    store: SimStore,
    clock: Sim,
    trace: Trace,
    state: Mutex<State>,
    let_go: Notify,
    /// Wakes were missed.
    missed: Notify,
    died: Notify,
}

struct State {
    dice: Dice,
    faults: Faults,
    is_cut: bool,
    partition: Option<Partition>,
    stopped_until: Duration,
    /// Fates of the next calls, whatever the dice say.
    next: Vec<Fate>,
    held: Option<(&'static str, Side)>,
    /// A run with this conf is more than the database takes.
    too_large: Option<&'static str>,
    /// A call has come that is held.
    is_holding: bool,
}

impl Link {
    pub fn new(name: String, ground: &Ground, dice: Dice) -> Arc<Self> {
        let state = State {
            dice,
            faults: Faults::default(),
            is_cut: false,
            partition: None,
            stopped_until: Duration::ZERO,
            next: Vec::new(),
            held: None,
            too_large: None,
            is_holding: false,
        };
        let Ground { clock, store, trace, .. } = ground.clone();
        let (state, let_go, missed, died) = (Mutex::new(state), Notify::new(), Notify::new(), Notify::new());
        Arc::new(Self { name, store, clock, trace, state, let_go, missed, died })
    }

    /// From now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// The next call is done, whatever the dice say.
    pub fn let_next(&self) {
        self.state().next.insert(0, Fate::Well);
    }

    /// The next call fails before anything is done.
    pub fn refuse_next(&self) {
        self.state().next.insert(0, Fate::Refused);
    }

    /// The next call fails although it is done.
    pub fn lose_next_answer(&self) {
        self.state().next.insert(0, Fate::AnswerLost);
    }

    /// The next call, which must be one that changes something, fails, and is done later.
    pub fn delay_next(&self) {
        self.state().next.insert(0, Fate::Late);
    }

    /// A run with this conf is more than the database takes.
    pub fn take_no_conf(&self, conf: &'static str) {
        self.state().too_large = Some(conf);
    }

    /// Calls whose name begins so wait on that side of their execution, until [`Self::let_go`].
    pub fn hold(&self, call: &'static str, side: Side) {
        let mut state = self.state();
        state.held = Some((call, side));
        state.is_holding = false;
    }

    /// Whether a call has come since that is held.
    pub fn is_holding(&self) -> bool {
        self.state().is_holding
    }

    /// Lets go what is held; calls that come later are not held any more.
    pub fn let_go(&self) {
        self.state().held = None;
        self.let_go.notify_waiters();
    }

    /// The process is dead: no call of its returns any more.
    pub fn cut(&self) {
        self.state().is_cut = true;
        self.died.notify_waiters();
    }

    /// Waits until the process is dead; who asked something of it then hears no more.
    pub async fn is_dead(&self) {
        let died = self.died.notified();
        let is_cut = self.state().is_cut;
        if !is_cut {
            died.await;
        }
    }

    /// From now on there is no way, or there is one again.
    pub fn set_partition(&self, partition: Option<Partition>) {
        if std::mem::replace(&mut self.state().partition, partition).is_some() && partition.is_none() {
            self.missed.notify_one();
        }
    }

    /// Nothing of the process moves until then.
    pub fn stop_until(&self, until: Duration) {
        self.state().stopped_until = until;
    }

    pub fn is_stopped(&self) -> bool {
        self.state().stopped_until > self.clock.monotonic()
    }

    /// Waits while the process stands still; for ever when it is dead.
    async fn runs(&self) {
        loop {
            let (is_cut, until) = {
                let state = self.state();
                (state.is_cut, state.stopped_until)
            };
            if is_cut {
                std::future::pending::<()>().await;
            }
            let now = self.clock.monotonic();
            if until <= now {
                return;
            }
            // It may be told to go on earlier.
            self.clock.sleep((until - now).min(Duration::from_secs(1))).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the lock is held")
    }

    fn fate(&self, may_be_late: bool) -> (Fate, Duration, Duration) {
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
            None if may_be_late && roll < faults.refused + faults.answer_lost + faults.late => Fate::Late,
            None => Fate::Well,
        };
        (fate, before, after)
    }

    async fn pass(&self, what: &str, side: Side, pause: Duration) {
        let let_go = self.let_go.notified();
        if self.state().held.is_some_and(|(call, of)| of == side && what.starts_with(call)) {
            self.state().is_holding = true;
            let_go.await;
        }
        if self.trace.spins() {
            std::future::pending::<()>().await;
        }
        if !pause.is_zero() {
            self.clock.sleep(pause).await;
        }
        self.runs().await;
    }

    /// How long a call waits until it is given up because there is no way.
    fn partition(&self) -> Option<(Partition, Duration)> {
        let mut state = self.state();
        let partition = state.partition?;
        Some((partition, Duration::from_millis(u64::from(state.dice.roll(5_000)))))
    }

    /// A call that changes something, and may do so when the caller has given up, or is dead.
    async fn write<T, E>(&self, what: &str, act: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + std::fmt::Debug + Send + 'static,
    {
        let (fate, before, after) = self.fate(true);
        if fate != Fate::Late || self.partition().is_some() {
            return self.meet(what, fate, before, after, act).await;
        }
        self.pass(what, Side::Before, before).await;
        let pause = Duration::from_millis(u64::from(self.state().dice.roll(20_000)));
        let (clock, trace) = (self.clock.clone(), self.trace.clone());
        let line = format!("{} {what}", self.name);
        trace.line(format_args!("{line}: given up, and to be done in {pause:?}"));
        tokio::spawn(async move {
            clock.sleep(pause).await;
            match act.await {
                Ok(_) => trace.line(format_args!("{line}: done, late")),
                Err(error) => trace.line(format_args!("{line}: late: {error:?}")),
            }
        });
        Err(failed(fate).into())
    }

    async fn call<T, E: From<StoreError> + std::fmt::Debug>(
        &self,
        what: &str,
        act: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let (fate, before, after) = self.fate(false);
        self.meet(what, fate, before, after, act).await
    }

    async fn meet<T, E: From<StoreError> + std::fmt::Debug>(
        &self,
        what: &str,
        mut fate: Fate,
        before: Duration,
        after: Duration,
        act: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.pass(what, Side::Before, before).await;
        if let Some((partition, pause)) = self.partition() {
            fate = if partition == Partition::Nothing { Fate::Refused } else { Fate::AnswerLost };
            self.pass(what, Side::Before, pause).await;
        }
        if fate == Fate::Refused {
            self.trace.line(format_args!("{} {what}: refused", self.name));
            return Err(failed(fate).into());
        }
        let answer = act.await;
        match &answer {
            Ok(_) => self.trace.line(format_args!("{} {what}: done", self.name)),
            Err(error) => self.trace.line(format_args!("{} {what}: {error:?}", self.name)),
        }
        self.pass(what, Side::After, after).await;
        if fate == Fate::AnswerLost {
            self.trace.line(format_args!("{} {what}: the answer is lost", self.name));
            return Err(failed(fate).into());
        }
        answer
    }

    /// A run that a commit is to be told about that it was overtaken there, though it was not.
    async fn overtakes(&self, what: &str, commit: &RunCommit) -> Option<RunKey> {
        let is_overtaken = {
            let mut state = self.state();
            let per_mille = state.faults.overtaken;
            state.dice.per_mille(per_mille)
        };
        let run = run_store::touched(commit).filter(|_| is_overtaken)?;
        self.pass(what, Side::Before, Duration::ZERO).await;
        self.trace.line(format_args!("{} {what}: told that it was overtaken", self.name));
        Some(run)
    }
}

fn failed(fate: Fate) -> StoreError {
    StoreError::Unavailable { detail: format!("simulated: {fate:?}") }
}
