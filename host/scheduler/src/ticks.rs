//! When runs want to be woken: one time for each run that wants it at all, so that there are never more times than runs.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use model::RunKey;

#[derive(Debug, Default)]
pub(crate) struct Ticks {
    by_time: BTreeSet<(Timestamp, RunKey)>,
    by_run: HashMap<RunKey, Timestamp>,
}

impl Ticks {
    /// Replaces the run's time.
    pub(crate) fn set(&mut self, run: RunKey, at: Option<Timestamp>) {
        let before = match at {
            Some(at) => self.by_run.insert(run, at),
            None => self.by_run.remove(&run),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, run));
        }
        self.by_time.extend(at.map(|at| (at, run)));
    }

    /// The earliest time.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes a run whose time has come.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<RunKey> {
        let (_, run) = *self.by_time.first().filter(|(at, _)| *at <= now)?;
        self.set(run, None);
        Some(run)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn run(number: u128) -> RunKey {
        RunKey::from_uuid(Uuid::from_u128(number))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a valid time")
    }

    #[test]
    fn the_earliest_comes_first_and_only_when_it_is_due() {
        let mut ticks = Ticks::default();
        ticks.set(run(1), Some(at(20)));
        ticks.set(run(2), Some(at(10)));
        assert_eq!(ticks.next(), Some(at(10)));
        assert_eq!(ticks.take_due(at(9)), None);
        assert_eq!(ticks.take_due(at(25)), Some(run(2)));
        assert_eq!(ticks.take_due(at(25)), Some(run(1)));
        assert_eq!((ticks.take_due(at(25)), ticks.next()), (None, None));
    }

    #[test]
    fn times_do_not_pile_up() {
        let mut ticks = Ticks::default();
        for second in 0..1_000 {
            // A retry, then again the run's deadline.
            ticks.set(run(1), Some(at(second)));
            assert_eq!(ticks.take_due(at(second)), Some(run(1)));
            ticks.set(run(1), Some(at(5_000)));
            ticks.set(run(1), Some(at(5_000)));
            ticks.set(run(2), Some(at(second)));
            ticks.set(run(2), None);
        }
        assert_eq!((ticks.by_time.len(), ticks.by_run.len()), (1, 1));
    }
}
