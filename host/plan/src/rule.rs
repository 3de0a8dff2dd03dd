//! Trigger rules: what becomes of a task, given how its direct upstream instances ended.
//!
//! A verdict holds for all instances of a task, and it is the verdict for all upstream instances ended: it is given early only when
//! nothing that may still come can change it, so it never depends on the order in which they end. Therefore a rule needs no counts:
//! which ends have been seen, and whether more may come, decide.

use model::TaskState;
use model::document::TriggerRule;

/// A set of ended states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen(u8);

impl Seen {
    fn bit(state: TaskState) -> u8 {
        match state {
            TaskState::Success => 1,
            TaskState::Skipped => 2,
            TaskState::Failed => 4,
            TaskState::UpstreamFailed => 8,
            TaskState::Removed => 16,
            TaskState::None | TaskState::Scheduled | TaskState::Queued | TaskState::UpForRetry | TaskState::Running => {
                0
            }
        }
    }

    /// True when it was not there.
    pub(crate) fn insert(&mut self, state: TaskState) -> bool {
        let before = self.0;
        self.0 |= Self::bit(state);
        self.0 != before
    }

    pub(crate) fn add(&mut self, other: Seen) {
        self.0 |= other.0;
    }

    pub(crate) fn contains(self, state: TaskState) -> bool {
        self.0 & Self::bit(state) != 0
    }

    pub(crate) fn any(self, states: &[TaskState]) -> bool {
        states.iter().any(|state| self.contains(*state))
    }
}

/// What a task knows of its direct upstream instances. An upstream task that is not expanded yet has no instances and is pending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Upstream {
    /// Upstream tasks with unfinished instances.
    pub(crate) pending: u32,
    pub(crate) seen: Seen,
}

/// What becomes of a task's instances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not decided.
    #[default]
    Wait,
    Run,
    Skip,
    UpstreamFail,
    /// There can be no instances: too many, or nothing to map over.
    Fail,
}

/// Applies a rule.
pub(crate) fn verdict(rule: TriggerRule, upstream: Upstream) -> Verdict {
    let Upstream { pending, seen } = upstream;
    match rule {
        TriggerRule::AllSuccess => {
            if seen.any(&[TaskState::Failed, TaskState::UpstreamFailed]) {
                Verdict::UpstreamFail
            } else if pending > 0 {
                Verdict::Wait
            } else if seen.contains(TaskState::Skipped) {
                Verdict::Skip
            } else {
                Verdict::Run
            }
        }
    }
}
