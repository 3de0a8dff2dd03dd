//! The attempts that a runner process was given and has not ended, and how long it may take over each of them.
//!
//! What the process says is checked against them. Times are handed in, counted from any one moment.

use std::collections::HashMap;
use std::time::Duration;

use model::limits::worker::{BEGIN_MAX_MS, KILL_AFTER_DEADLINE_MS};

/// All of them.
pub(super) struct Assigned {
    attempts: HashMap<u64, Attempt>,
    slots: usize,
    running: usize,
    /// When the process last had no room for another attempt, or could not be heard.
    busy_at: Duration,
}

struct Attempt {
    given: Duration,
    timeout: Duration,
    started: Option<Duration>,
}

impl Assigned {
    /// Nothing yet, for a process that runs so many at a time.
    pub(super) fn new(slots: u32) -> Self {
        Self { attempts: HashMap::new(), slots: slots as usize, running: 0, busy_at: Duration::ZERO }
    }

    pub(super) fn give(&mut self, id: u64, timeout: Duration, now: Duration) {
        self.attempts.insert(id, Attempt { given: now, timeout, started: None });
    }

    pub(super) fn start(&mut self, id: u64, now: Duration) -> Result<(), &'static str> {
        let attempt = self.attempts.get_mut(&id).ok_or("the start of an attempt it was not given")?;
        if attempt.started.replace(now).is_some() {
            return Err("an attempt that starts twice");
        }
        self.running += 1;
        Ok(())
    }

    pub(super) fn end(&mut self, id: u64, now: Duration) -> Result<(), &'static str> {
        let attempt = self.attempts.remove(&id).ok_or("the end of an attempt it was not given")?;
        if attempt.started.is_some() {
            if self.running >= self.slots {
                self.busy_at = now;
            }
            self.running -= 1;
        }
        Ok(())
    }

    pub(super) fn has(&self, id: u64) -> bool {
        self.attempts.contains_key(&id)
    }

    /// Notes that nobody listens to the process now, so that nothing that it does not say is its fault.
    pub(super) fn excuse(&mut self, now: Duration) {
        self.busy_at = now;
    }

    /// Why the process has to be ended: an attempt runs past its deadline, or waits though there is room for it.
    pub(super) fn overdue(&self, now: Duration) -> Option<String> {
        let has_room = self.running < self.slots;
        let begin_max = Duration::from_millis(BEGIN_MAX_MS);
        let patience = Duration::from_millis(KILL_AFTER_DEADLINE_MS);
        self.attempts.iter().find_map(|(id, attempt)| match attempt.started {
            Some(started) => (now > started.saturating_add(attempt.timeout).saturating_add(patience))
                .then(|| format!("attempt {id} was {KILL_AFTER_DEADLINE_MS} ms past its deadline")),
            None => (has_room && now > attempt.given.max(self.busy_at).saturating_add(begin_max))
                .then(|| format!("attempt {id} had not begun {BEGIN_MAX_MS} ms after there was room for it")),
        })
    }

    /// Those that have started, and those that have not.
    pub(super) fn numbers(&self) -> (Vec<u64>, Vec<u64>) {
        let (mut started, mut waiting): (Vec<_>, Vec<_>) =
            self.attempts.keys().copied().partition(|id| self.attempts[id].started.is_some());
        started.sort_unstable();
        waiting.sort_unstable();
        (started, waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN_MAX: Duration = Duration::from_millis(BEGIN_MAX_MS);
    const TIMEOUT: Duration = Duration::from_secs(3600);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// One slot, which an attempt has had from second 1 on; another one waits.
    fn one_runs_and_one_waits() -> Assigned {
        let mut assigned = Assigned::new(1);
        assigned.give(1, TIMEOUT, at(0));
        assigned.give(2, TIMEOUT, at(0));
        assigned.start(1, at(1)).expect("it was given");
        assigned
    }

    #[test]
    fn an_attempt_that_never_begins_is_overdue() {
        let mut assigned = Assigned::new(1);
        assigned.give(1, TIMEOUT, at(10));
        assert_eq!(assigned.overdue(at(10) + BEGIN_MAX), None);
        let why = assigned.overdue(at(11) + BEGIN_MAX).expect("it is overdue");
        assert!(why.starts_with("attempt 1 had not begun"), "{why}");
    }

    #[test]
    fn who_waits_for_a_slot_is_not_overdue_until_it_is_free() {
        let mut assigned = one_runs_and_one_waits();
        assert_eq!(assigned.overdue(at(1000) + BEGIN_MAX), None);
        assigned.end(1, at(2000)).expect("it was given");
        assert_eq!(assigned.overdue(at(2000) + BEGIN_MAX), None);
        assert!(assigned.overdue(at(2001) + BEGIN_MAX).is_some_and(|why| why.starts_with("attempt 2 ")));
    }

    #[test]
    fn an_attempt_that_runs_past_its_deadline_is_overdue() {
        let assigned = one_runs_and_one_waits();
        let last = at(1) + TIMEOUT + Duration::from_millis(KILL_AFTER_DEADLINE_MS);
        assert_eq!(assigned.overdue(last), None);
        let why = assigned.overdue(last + at(1)).expect("it is overdue");
        assert!(why.starts_with("attempt 1 was"), "{why}");
    }

    #[test]
    fn what_could_not_be_heard_is_excused() {
        let mut assigned = Assigned::new(1);
        assigned.give(1, TIMEOUT, at(0));
        assigned.excuse(at(100));
        assert_eq!(assigned.overdue(at(100) + BEGIN_MAX), None);
        assert!(assigned.overdue(at(101) + BEGIN_MAX).is_some());
    }

    #[test]
    fn nothing_begins_twice_or_ends_unknown() {
        let mut assigned = one_runs_and_one_waits();
        assert!(
            assigned.start(1, at(2)).is_err() && assigned.start(3, at(2)).is_err() && assigned.end(3, at(2)).is_err()
        );
        assert_eq!(assigned.numbers(), (vec![1], vec![2]));
        assigned.end(2, at(2)).expect("it was given");
        assert!(assigned.has(1) && !assigned.has(2));
    }
}
