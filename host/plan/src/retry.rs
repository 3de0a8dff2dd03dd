//! What becomes of an attempt whose execution ended, and when a failed one is tried again.

use jiff::Timestamp;
use model::document::{FailureKind, TaskDocument};
use model::limits::task::{
    LOST_EXECUTIONS_MAX, RETRY_DELAY_DEFAULT_MS, RETRY_DELAY_MAX_MS, RETRY_JITTER_DEFAULT_MILLI,
    RETRY_MULTIPLIER_MIN_MILLI,
};
use model::outcome::End;
use model::{MapIndex, NodeIdx, TaskState};

/// How far an instance has come with its tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Number of the current or last try; 0 before the first.
    pub(crate) try_number: u32,
    /// Number of the last try that the author grants.
    pub(crate) max_tries: u32,
    /// Executions of the current try that were lost.
    pub(crate) lost: u32,
    /// It was running when its runner died, and must run alone.
    pub(crate) suspect: bool,
    /// When the first execution of the current try let go of its worker to wait for something.
    pub(crate) since: Option<Timestamp>,
    /// When its wait is over.
    pub(crate) due: Option<Timestamp>,
    /// What is due is the end of the attempt, not what it waits for.
    pub(crate) times_out: bool,
}

impl Attempt {
    pub(crate) const fn new(try_number: u32, max_tries: u32) -> Self {
        Self { try_number, max_tries, lost: 0, suspect: false, since: None, due: None, times_out: false }
    }

    /// The next try.
    pub(crate) const fn next(self) -> Self {
        Self::new(self.try_number + 1, self.max_tries)
    }

    /// The same try, which waits no more.
    pub(crate) const fn woken(self) -> Self {
        Self { due: None, times_out: false, ..self }
    }
}

/// What becomes of the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing moves it on.
    Ended(TaskState),
    /// Another try, after so many milliseconds.
    Retry { delay_ms: u64 },
    /// The same try once more.
    Again { lost: u32, suspect: bool },
    /// The same try once more, when what it waits for is there.
    Wait,
}

/// Which attempt of which run: what a delay's jitter depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Which {
    pub(crate) seed: u64,
    pub(crate) node: NodeIdx,
    pub(crate) index: MapIndex,
}

/// Decides after the end of an execution of `attempt`.
pub(crate) fn next(task: &TaskDocument, which: Which, attempt: Attempt, end: &End) -> Next {
    match end {
        End::Success => Next::Ended(TaskState::Success),
        End::Skipped { .. } => Next::Ended(TaskState::Skipped),
        End::Cancelled { .. } | End::Failed { retry: false, .. } => Next::Ended(TaskState::Failed),
        End::HostLost { suspect, .. } => {
            let lost = attempt.lost + 1;
            if lost < LOST_EXECUTIONS_MAX {
                Next::Again { lost, suspect: attempt.suspect || *suspect }
            } else {
                Next::Ended(TaskState::Failed)
            }
        }
        End::Rescheduled | End::Deferred { .. } => Next::Wait,
        End::Failed { delay_ms, .. } => failed(task, which, attempt, FailureKind::Failed, *delay_ms),
        End::TimedOut { .. } => failed(task, which, attempt, FailureKind::TimedOut, None),
        End::Trapped { .. } => failed(task, which, attempt, FailureKind::Trapped, None),
        End::OverLimit { .. } => failed(task, which, attempt, FailureKind::OverLimit, None),
    }
}

/// Decides after a failure of `attempt`; its author may have said a delay in it.
pub(crate) fn failed(
    task: &TaskDocument,
    which: Which,
    attempt: Attempt,
    kind: FailureKind,
    said_ms: Option<u64>,
) -> Next {
    let is_tried_again = task.retry_on.is_empty() || task.retry_on.contains(&kind);
    if !is_tried_again || attempt.try_number >= attempt.max_tries {
        return Next::Ended(TaskState::Failed);
    }
    let delay_ms = match said_ms {
        Some(delay_ms) => delay_ms.min(RETRY_DELAY_MAX_MS),
        None => delay_ms(task, which, attempt.try_number),
    };
    Next::Retry { delay_ms }
}

/// `ceil(delay × multiplier^(try − 1))`, longer or shorter by a part that depends on nothing but the arguments, at most the cap.
fn delay_ms(task: &TaskDocument, which: Which, try_number: u32) -> u64 {
    const FRACTION_BITS: u32 = 20;
    let cap = task.retry_delay_max_ms.unwrap_or(RETRY_DELAY_MAX_MS).min(RETRY_DELAY_MAX_MS);
    let multiplier = u128::from(task.retry_multiplier_milli.unwrap_or(RETRY_MULTIPLIER_MIN_MILLI));
    let limit = u128::from(cap) << FRACTION_BITS;
    let mut delay = u128::from(task.retry_delay_ms.unwrap_or(RETRY_DELAY_DEFAULT_MS)) << FRACTION_BITS;
    for _ in 1..try_number {
        if delay >= limit || multiplier == 1000 {
            break;
        }
        delay = delay * multiplier / 1000;
    }
    let delay = u64::try_from(delay.min(limit).div_ceil(1 << FRACTION_BITS)).unwrap_or(cap);
    let most = i128::from(task.retry_jitter_milli.unwrap_or(RETRY_JITTER_DEFAULT_MILLI));
    // Thousandths of the most, −1000..=1000.
    let jitter = i128::from(hash(which, try_number) % 2001) - 1000;
    let jittered = i128::from(delay) + i128::from(delay) * most * jitter / 1_000_000;
    u64::try_from(jittered).unwrap_or(0).min(cap)
}

/// Splitmix64's finish over the arguments.
fn hash(which: Which, try_number: u32) -> u64 {
    let Which { seed, node, index } = which;
    let mut x = seed ^ (u64::from(node.0) << 32) ^ u64::from(index.number().cast_unsigned());
    x = x.wrapping_add(u64::from(try_number).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn which(index: u32) -> Which {
        Which { seed: 7, node: NodeIdx(3), index: MapIndex::at(index) }
    }

    fn check(task: serde_json::Value, try_number: u32, around_ms: u64) {
        let mut document = serde_json::json!({"task_id": "t"});
        document.as_object_mut().unwrap().extend(task.as_object().unwrap().clone());
        let task: TaskDocument = serde_json::from_value(document).unwrap();
        for index in 0..50 {
            let delay = delay_ms(&task, which(index), try_number);
            assert!(delay.abs_diff(around_ms) <= around_ms / 10, "{delay} is not near {around_ms}");
            assert_eq!(delay, delay_ms(&task, which(index), try_number));
        }
    }

    #[test]
    fn delays_grow_to_their_cap() {
        use serde_json::json;
        check(json!({}), 1, 1_000);
        check(json!({}), 90, 1_000);
        check(json!({"retry_delay_ms": 0}), 1, 0);
        check(json!({"retry_delay_ms": 1000, "retry_multiplier_milli": 2000}), 1, 1_000);
        check(json!({"retry_delay_ms": 1000, "retry_multiplier_milli": 2000}), 4, 8_000);
        check(json!({"retry_delay_ms": 1000, "retry_multiplier_milli": 1100}), 4, 1_331);
        check(json!({"retry_delay_ms": 1000, "retry_multiplier_milli": 10000}), 100, RETRY_DELAY_MAX_MS);
        check(json!({"retry_delay_ms": 1000, "retry_multiplier_milli": 2000, "retry_delay_max_ms": 5000}), 9, 5_000);
    }

    #[test]
    fn the_author_says_how_much_delays_vary() {
        let task = serde_json::json!({"task_id": "t", "retry_delay_ms": 5000, "retry_jitter_milli": 0});
        let task: TaskDocument = serde_json::from_value(task).unwrap();
        assert!((0..100).all(|index| delay_ms(&task, which(index), 1) == 5_000));
        let other = Which { seed: 8, ..which(1) };
        let task = TaskDocument { retry_jitter_milli: Some(1_000), ..task };
        assert_ne!(delay_ms(&task, other, 1), delay_ms(&task, which(1), 1), "runs do not retry in step");
    }

    #[test]
    fn only_what_the_author_names_is_tried_again() {
        let task = serde_json::json!({"task_id": "t", "retry_on": ["timed_out"]});
        let task: TaskDocument = serde_json::from_value(task).unwrap();
        let next = |end| next(&task, which(0), Attempt::new(1, 2), &end);
        let message = String::new;
        assert_eq!(next(End::Trapped { message: message() }), Next::Ended(TaskState::Failed));
        assert!(matches!(next(End::TimedOut { message: message() }), Next::Retry { .. }));
    }

    #[test]
    fn the_cap_holds_after_the_jitter() {
        let task = serde_json::from_value(
            serde_json::json!({"task_id": "t", "retry_delay_ms": 5000, "retry_delay_max_ms": 5000}),
        );
        let task: TaskDocument = task.unwrap();
        assert!((0..100).all(|index| delay_ms(&task, which(index), 1) <= 5_000));
    }
}
