//! What becomes of an attempt whose execution ended, and when a failed one is tried again.

use model::document::TaskDocument;
use model::limits::task::{
    LOST_EXECUTIONS_MAX, RETRY_DELAY_DEFAULT_MS, RETRY_DELAY_MAX_MS, RETRY_MULTIPLIER_MIN_MILLI,
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
}

/// Decides after the end of an execution of `attempt`.
pub(crate) fn next(task: &TaskDocument, node: NodeIdx, index: MapIndex, attempt: Attempt, end: &End) -> Next {
    let retry_delay_ms = match end {
        End::Success => return Next::Ended(TaskState::Success),
        End::Skipped { .. } => return Next::Ended(TaskState::Skipped),
        End::Cancelled { .. } | End::Failed { retry: false, .. } => return Next::Ended(TaskState::Failed),
        End::HostLost { suspect, .. } => {
            let lost = attempt.lost + 1;
            return if lost < LOST_EXECUTIONS_MAX {
                Next::Again { lost, suspect: attempt.suspect || *suspect }
            } else {
                Next::Ended(TaskState::Failed)
            };
        }
        End::Failed { delay_ms, .. } => *delay_ms,
        End::TimedOut { .. } | End::Trapped { .. } | End::OverLimit { .. } => None,
    };
    if attempt.try_number >= attempt.max_tries {
        return Next::Ended(TaskState::Failed);
    }
    let delay_ms = match retry_delay_ms {
        Some(delay_ms) => delay_ms.min(RETRY_DELAY_MAX_MS),
        None => delay_ms(task, node, index, attempt.try_number),
    };
    Next::Retry { delay_ms }
}

/// `ceil(delay × multiplier^(try − 1))` with ±10 % that depend on nothing but the arguments, at most the cap.
fn delay_ms(task: &TaskDocument, node: NodeIdx, index: MapIndex, try_number: u32) -> u64 {
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
    // Thousandths of a tenth, −1000..=1000.
    let jitter = i128::from(hash(node, index, try_number) % 2001) - 1000;
    let jittered = i128::from(delay) + i128::from(delay) * jitter / 10_000;
    u64::try_from(jittered).unwrap_or(0).min(cap)
}

/// Splitmix64's finish over the arguments.
fn hash(node: NodeIdx, index: MapIndex, try_number: u32) -> u64 {
    let mut x = (u64::from(node.0) << 32) ^ u64::from(index.number().cast_unsigned());
    x = x.wrapping_add(u64::from(try_number).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(task: serde_json::Value, try_number: u32, around_ms: u64) {
        let mut document = serde_json::json!({"task_id": "t"});
        document.as_object_mut().unwrap().extend(task.as_object().unwrap().clone());
        let task: TaskDocument = serde_json::from_value(document).unwrap();
        for index in 0..50 {
            let delay = delay_ms(&task, NodeIdx(3), MapIndex::at(index), try_number);
            assert!(delay.abs_diff(around_ms) <= around_ms / 10, "{delay} is not near {around_ms}");
            assert_eq!(delay, delay_ms(&task, NodeIdx(3), MapIndex::at(index), try_number));
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
    fn the_cap_holds_after_the_jitter() {
        let task = serde_json::from_value(
            serde_json::json!({"task_id": "t", "retry_delay_ms": 5000, "retry_delay_max_ms": 5000}),
        );
        let task: TaskDocument = task.unwrap();
        assert!((0..100).all(|index| delay_ms(&task, NodeIdx(0), MapIndex::at(index), 1) <= 5_000));
    }
}
