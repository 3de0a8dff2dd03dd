//! What becomes of a callback whose execution has ended. It is called a few times, with a pause that doubles; executions that are lost do
//! not count, but have a limit of their own.

use jiff::Timestamp;
use model::callback::CallbackState;
use model::limits::callback::{LOST_MAX, RETRY_DELAY_MAX_MS, RETRY_DELAY_MS, TRIES_MAX};
use model::outcome::End;
use model::{AttemptToken, TenantScope, TryNumber};
use store::CallbackEnd;

use super::{later, token_of};

/// What is known of a callback that was begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) scope: TenantScope,
    /// Executions of its attempt that were lost before.
    pub(crate) lost_executions: u32,
}

pub(super) fn ended(token: AttemptToken, held: Held, end: End, now: Timestamp) -> CallbackEnd {
    let tries = token.try_number;
    let over = |to, error| CallbackEnd {
        token: token_of(token, held.scope),
        to,
        try_number: tries,
        lost_executions: held.lost_executions,
        due_at: None,
        ended_at: Some(now),
        error,
    };
    let again = |try_number, lost_executions, pause_ms, error| CallbackEnd {
        token: token_of(token, held.scope),
        to: CallbackState::Waiting,
        try_number,
        lost_executions,
        due_at: Some(later(now, pause_ms)),
        ended_at: None,
        error: Some(error),
    };
    match end {
        End::Success | End::Skipped { .. } => over(CallbackState::Success, None),
        End::HostLost { message, .. } => {
            let lost = held.lost_executions.saturating_add(1);
            if lost > LOST_MAX {
                let error = format!("infra-exhausted: {lost} executions were lost; the last one: {message}");
                return CallbackEnd { lost_executions: lost, ..over(CallbackState::Failed, Some(error)) };
            }
            again(tries, lost, pause_ms(lost), message)
        }
        End::Failed { message, retry: false, .. } => over(CallbackState::Failed, Some(message)),
        End::Failed { message, delay_ms, .. } => retried(tries, message, delay_ms, over, again),
        End::TimedOut { message }
        | End::Trapped { message }
        | End::OverLimit { message }
        | End::Cancelled { message } => retried(tries, message, None, over, again),
        End::Rescheduled | End::Deferred { .. } => {
            over(CallbackState::Failed, Some("a callback cannot wait for anything".to_owned()))
        }
    }
}

fn retried(
    tries: TryNumber,
    message: String,
    delay_ms: Option<u64>,
    over: impl Fn(CallbackState, Option<String>) -> CallbackEnd,
    again: impl Fn(TryNumber, u32, u64, String) -> CallbackEnd,
) -> CallbackEnd {
    if tries.0 >= TRIES_MAX {
        return over(CallbackState::Failed, Some(message));
    }
    let pause_ms = delay_ms.map_or_else(|| pause_ms(tries.0), |delay_ms| delay_ms.min(RETRY_DELAY_MAX_MS));
    again(TryNumber(tries.0 + 1), 0, pause_ms, message)
}

/// The pause after so many attempts.
fn pause_ms(count: u32) -> u64 {
    let doubled = RETRY_DELAY_MS.checked_shl(count.saturating_sub(1)).unwrap_or(RETRY_DELAY_MAX_MS);
    doubled.min(RETRY_DELAY_MAX_MS)
}

#[cfg(test)]
mod tests {
    use model::{Fence, InstanceKey, MapIndex, NodeIdx, RunKey, TenantId};

    use super::*;

    fn after(try_number: u32, lost_executions: u32, end: End) -> (CallbackState, u32, u32, Option<i64>) {
        let run = RunKey::from_uuid(uuid::Uuid::nil());
        let instance = InstanceKey { run, node: NodeIdx::CALLBACK, map_index: MapIndex::at(3) };
        let token = AttemptToken { instance, try_number: TryNumber(try_number), fence: Fence::from_row(1) };
        let held = Held { scope: TenantScope::assume(TenantId::DEFAULT), lost_executions };
        let end = ended(token, held, end, Timestamp::UNIX_EPOCH);
        assert_eq!(end.token.number, 3);
        assert_eq!(end.due_at.is_none(), end.to.is_ended());
        (end.to, end.try_number.0, end.lost_executions, end.due_at.map(Timestamp::as_millisecond))
    }

    fn trapped() -> End {
        End::Trapped { message: "unreachable".to_owned() }
    }

    fn lost() -> End {
        End::HostLost { message: "gone".to_owned(), suspect: true }
    }

    #[test]
    fn failures_are_tried_again_later_and_later_and_have_an_end() {
        use CallbackState::{Failed, Success, Waiting};
        assert_eq!(after(1, 0, End::Success), (Success, 1, 0, None));
        assert_eq!(after(1, 2, trapped()), (Waiting, 2, 0, Some(1_000)));
        assert_eq!(after(3, 0, trapped()), (Waiting, 4, 0, Some(4_000)));
        assert_eq!(after(TRIES_MAX, 0, trapped()), (Failed, TRIES_MAX, 0, None));
        let never = End::Failed { message: "no".to_owned(), retry: false, delay_ms: None };
        assert_eq!(after(1, 0, never), (Failed, 1, 0, None));
        let soon = End::Failed { message: "no".to_owned(), retry: true, delay_ms: Some(5) };
        assert_eq!(after(1, 0, soon), (Waiting, 2, 0, Some(5)));
    }

    #[test]
    fn lost_executions_are_no_tries_and_have_a_limit() {
        assert_eq!(after(2, 0, lost()), (CallbackState::Waiting, 2, 1, Some(1_000)));
        assert_eq!(after(2, LOST_MAX, lost()), (CallbackState::Failed, 2, LOST_MAX + 1, None));
    }
}
