//! Trigger rules: what becomes of a task, given how its direct upstream instances ended.
//!
//! [`verdict`] is the only place that knows them. Its answer is the verdict for all upstream instances ended, given early only when
//! nothing that may still come can change it, so that it never depends on the order in which they end. Therefore it can change only
//! when the first instance ends in some way, and when the last one ends; [`Counts::end`] tells.
//!
//! Not here: branches, setups that a task needs, holes of a mapping (`machine`).

use model::TaskState;
use model::document::TriggerRule;

/// How the relevant upstream instances stand. An upstream task that is not expanded yet has no instances and is pending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub pending: u32,
    pub success: u32,
    pub skipped: u32,
    pub failed: u32,
    pub upstream_failed: u32,
    pub removed: u32,
}

impl Counts {
    /// So many that have not ended.
    pub const fn pending(pending: u32) -> Self {
        Self { pending, success: 0, skipped: 0, failed: 0, upstream_failed: 0, removed: 0 }
    }

    /// Those that have ended.
    pub const fn ended(self) -> u32 {
        self.success + self.skipped + self.failed + self.upstream_failed + self.removed
    }

    /// All of them.
    pub const fn total(self) -> u32 {
        self.pending + self.ended()
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            pending: self.pending + other.pending,
            success: self.success + other.success,
            skipped: self.skipped + other.skipped,
            failed: self.failed + other.failed,
            upstream_failed: self.upstream_failed + other.upstream_failed,
            removed: self.removed + other.removed,
        }
    }

    /// How many ended so; none where the state is no end.
    pub const fn of(self, state: TaskState) -> u32 {
        match state {
            TaskState::Success => self.success,
            TaskState::Skipped => self.skipped,
            TaskState::Failed => self.failed,
            TaskState::UpstreamFailed => self.upstream_failed,
            TaskState::Removed => self.removed,
            _ => 0,
        }
    }

    /// True when some ended in one of these ways.
    pub fn has(self, states: &[TaskState]) -> bool {
        states.iter().any(|state| self.of(*state) > 0)
    }

    /// Pending ones end. True when a verdict may be another one for it.
    pub(crate) fn end(&mut self, state: TaskState, count: u32) -> bool {
        let is_first = self.of(state) == 0;
        *self.of_mut(state) += count;
        self.pending -= count;
        is_first || self.pending == 0
    }

    /// What had ended is pending again.
    pub(crate) fn reopen(&mut self, state: TaskState, count: u32) {
        *self.of_mut(state) -= count;
        self.pending += count;
    }

    fn of_mut(&mut self, state: TaskState) -> &mut u32 {
        match state {
            TaskState::Success => &mut self.success,
            TaskState::Skipped => &mut self.skipped,
            TaskState::Failed => &mut self.failed,
            TaskState::UpstreamFailed => &mut self.upstream_failed,
            TaskState::Removed => &mut self.removed,
            state => unreachable!("{state} is no end"),
        }
    }
}

/// What becomes of a task's instances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// Not decided.
    #[default]
    Wait,
    Run,
    Skip,
    UpstreamFail,
    /// There can be no instances: too many, or nothing to map over.
    Fail,
    /// No longer part of the run.
    Remove,
}

/// Applies a rule. `setups` are those of a teardown, which are among `upstream` too; `index` is the position of a mapped instance.
pub fn verdict(rule: TriggerRule, upstream: Counts, setups: Counts, index: Option<u32>) -> Verdict {
    let Counts { success, skipped, failed, upstream_failed, removed, .. } = upstream;
    let total = upstream.total();
    if total == 0 {
        return Verdict::Run;
    }
    let is_done = upstream.pending == 0;
    let is_all = |count: u32| count == total;
    let has_failed = failed + upstream_failed > 0;
    // The first line that holds.
    let first = |lines: &[(bool, Verdict)]| lines.iter().find(|(holds, _)| *holds).map_or(Verdict::Wait, |it| it.1);
    match rule {
        TriggerRule::AllSuccess => first(&[
            (has_failed, Verdict::UpstreamFail),
            (!is_done, Verdict::Wait),
            (skipped > 0, Verdict::Skip),
            (removed > 0 && success > 0 && index.is_some_and(|index| index >= success), Verdict::Remove),
            (true, Verdict::Run),
        ]),
        TriggerRule::AllFailed => first(&[(success + skipped > 0, Verdict::Skip), (is_done, Verdict::Run)]),
        TriggerRule::AllDone => first(&[(is_done, Verdict::Run)]),
        TriggerRule::AllDoneMinOneSuccess => first(&[
            (skipped > 0, Verdict::Skip),
            (!is_done, Verdict::Wait),
            (success == 0, Verdict::UpstreamFail),
            (true, Verdict::Run),
        ]),
        TriggerRule::AllDoneSetupSuccess => first(&[
            (!is_done, Verdict::Wait),
            (setups.total() == 0 || setups.success > 0, Verdict::Run),
            (setups.skipped == setups.total(), Verdict::Skip),
            (true, Verdict::UpstreamFail),
        ]),
        TriggerRule::OneSuccess => first(&[
            (success > 0, Verdict::Run),
            (!is_done, Verdict::Wait),
            (is_all(skipped), Verdict::Skip),
            (true, Verdict::UpstreamFail),
        ]),
        TriggerRule::OneFailed => first(&[(has_failed, Verdict::Run), (is_done, Verdict::Skip)]),
        TriggerRule::OneDone => first(&[(success + failed > 0, Verdict::Run), (is_done, Verdict::Skip)]),
        TriggerRule::NoneFailed => first(&[(has_failed, Verdict::UpstreamFail), (is_done, Verdict::Run)]),
        TriggerRule::NoneFailedMinOneSuccess => first(&[
            (has_failed, Verdict::UpstreamFail),
            (!is_done, Verdict::Wait),
            (is_all(skipped), Verdict::Skip),
            (success == 0, Verdict::UpstreamFail),
            (true, Verdict::Run),
        ]),
        TriggerRule::NoneSkipped => first(&[(skipped > 0, Verdict::Skip), (is_done, Verdict::Run)]),
        // With one that was removed it can hold no more.
        TriggerRule::AllSkipped => {
            first(&[(success > 0 || has_failed || removed > 0, Verdict::Skip), (is_done, Verdict::Run)])
        }
        TriggerRule::Always => Verdict::Run,
    }
}

#[cfg(test)]
mod tests;
