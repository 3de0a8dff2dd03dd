//! All attempts of this worker, and where each of them is.
//!
//! An attempt is held from its claim to its end. It is with whoever prepares it, or with one runner; every move is made under
//! one lock, so that of two who want it (a runner's death and a cancellation, say) one gets it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use model::AttemptToken;
use store::Claim;

use crate::attempt::Attempt;

/// All of them, by the number that runners know them by.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<All>);

#[derive(Default)]
struct All {
    held: HashMap<u64, Held>,
    last_id: u64,
}

struct Held {
    attempt: Arc<Attempt>,
    place: Place,
    is_cancelled: bool,
}

/// Who has an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Somebody makes its arguments, or waits for a runner.
    Preparing,
    /// The runner with this process id, which may not have heard of it yet.
    Runner(u32),
}

impl Attempts {
    pub(crate) fn insert(&self, claim: Claim) -> (u64, Arc<Attempt>) {
        let attempt = Arc::new(Attempt::new(claim));
        let mut all = self.all();
        all.last_id += 1;
        let id = all.last_id;
        all.held.insert(id, Held { attempt: attempt.clone(), place: Place::Preparing, is_cancelled: false });
        (id, attempt)
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<Attempt>> {
        self.all().held.get(&id).map(|held| held.attempt.clone())
    }

    /// Whether it is held and nobody has cancelled it.
    pub(crate) fn is_wanted(&self, id: u64) -> bool {
        self.all().held.get(&id).is_some_and(|held| !held.is_cancelled)
    }

    /// Ends it. Whoever calls this owes the report.
    pub(crate) fn remove(&self, id: u64) -> Option<Arc<Attempt>> {
        let held = self.all().held.remove(&id)?;
        held.attempt.end();
        Some(held.attempt)
    }

    /// Notes which runner is about to get these; those that are still wanted.
    pub(crate) fn give(&self, ids: &[u64], runner: u32) -> Vec<u64> {
        let mut all = self.all();
        let mut given = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(held) = all.held.get_mut(id).filter(|held| !held.is_cancelled) {
                held.place = Place::Runner(runner);
                given.push(*id);
            }
        }
        given
    }

    /// Takes back those of `ids` that the runner still has, to prepare them again.
    pub(crate) fn take_back(&self, ids: &[u64], runner: u32) -> Vec<u64> {
        let mut all = self.all();
        let mut taken = Vec::new();
        for id in ids {
            if let Some(held) = all.held.get_mut(id).filter(|held| held.place == Place::Runner(runner)) {
                held.place = Place::Preparing;
                taken.push(*id);
            }
        }
        taken
    }

    /// Takes one back that its runner has just given up, to prepare it again; nothing when it is not held any more.
    pub(crate) fn prepare_again(&self, id: u64) -> Option<Arc<Attempt>> {
        let mut all = self.all();
        let held = all.held.get_mut(&id)?;
        held.place = Place::Preparing;
        Some(held.attempt.clone())
    }

    /// The attempts that a runner has.
    pub(crate) fn of_runner(&self, runner: u32) -> Vec<u64> {
        self.numbers(|held| held.place == Place::Runner(runner))
    }

    /// The attempts that no runner has.
    pub(crate) fn preparing(&self) -> Vec<u64> {
        self.numbers(|held| held.place == Place::Preparing)
    }

    /// Notes that these are cancelled: those that no runner has, and the others with their runners.
    pub(crate) fn cancel(&self, tokens: &[AttemptToken]) -> (Vec<u64>, Vec<(u32, u64)>) {
        let (mut preparing, mut with_runners) = (Vec::new(), Vec::new());
        let mut all = self.all();
        for (id, held) in all.held.iter_mut().filter(|(_, held)| tokens.contains(&held.attempt.token())) {
            held.is_cancelled = true;
            match held.place {
                Place::Preparing => preparing.push(*id),
                Place::Runner(runner) => with_runners.push((runner, *id)),
            }
        }
        (preparing, with_runners)
    }

    /// Those of `ids` that are cancelled.
    pub(crate) fn cancelled(&self, ids: &[u64]) -> Vec<u64> {
        let all = self.all();
        ids.iter().copied().filter(|id| all.held.get(id).is_some_and(|held| held.is_cancelled)).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.all().held.len()
    }

    fn numbers(&self, is_meant: impl Fn(&Held) -> bool) -> Vec<u64> {
        let all = self.all();
        all.held.iter().filter(|(_, held)| is_meant(held)).map(|(id, _)| *id).collect()
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().expect("no panic while the lock is held")
    }
}
