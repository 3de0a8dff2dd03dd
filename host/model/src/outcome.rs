//! How an attempt ended, as its worker reports it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::asset::AssetName;
use crate::id::MemberId;
use crate::limits::task::{APPROVAL_SIGNAL_PREFIX, WAKE_NAME_MAX_BYTES, WAKE_TIMEOUT_MAX_MS};
use crate::state::EndKind;

/// The end of one execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum End {
    /// The body answered success. The value, if any, is among the execution's XComs as `return_value`.
    Success,
    /// The body answered skipped.
    Skipped { reason: String },
    /// The body answered failed, or its answer was not valid.
    Failed { message: String, retry: bool, delay_ms: Option<u64> },
    /// It ran past its timeout.
    TimedOut { message: String },
    /// The guest trapped.
    Trapped { message: String },
    /// It went over a limit; the message names the limit and both numbers.
    OverLimit { message: String },
    /// Somebody cancelled it.
    Cancelled { message: String },
    /// A sensor's body answered that it is not done.
    Rescheduled,
    /// The body answered that it waits.
    Deferred { wake: Wake },
    /// Its runner died, its lease ended or its worker drained. `suspect` when it was running at a death of its runner,
    /// so that it runs alone from now on.
    HostLost { message: String, suspect: bool },
}

impl End {
    /// The kind, without its data.
    pub const fn kind(&self) -> EndKind {
        match self {
            Self::Success => EndKind::Success,
            Self::Skipped { .. } => EndKind::Skipped,
            Self::Failed { .. } => EndKind::Failed,
            Self::TimedOut { .. } => EndKind::TimedOut,
            Self::Trapped { .. } => EndKind::Trapped,
            Self::OverLimit { .. } => EndKind::OverLimit,
            Self::Cancelled { .. } => EndKind::Cancelled,
            Self::Rescheduled => EndKind::Rescheduled,
            Self::Deferred { .. } => EndKind::Deferred,
            Self::HostLost { .. } => EndKind::HostLost,
        }
    }

    /// What is said about it, for people; nothing for a success.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Success | Self::Rescheduled | Self::Deferred { .. } => None,
            Self::Skipped { reason: message }
            | Self::Failed { message, .. }
            | Self::TimedOut { message }
            | Self::Trapped { message }
            | Self::OverLimit { message }
            | Self::Cancelled { message }
            | Self::HostLost { message, .. } => Some(message),
        }
    }
}

/// What a deferred attempt waits for, and for how long at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    pub on: WakeOn,
    pub timeout_ms: Option<u64>,
}

impl Wake {
    /// Tells what is wrong with it; a guest may have written it.
    pub fn check(&self) -> Result<(), String> {
        match &self.on {
            WakeOn::Until { at_us } => {
                let time = jiff::Timestamp::from_microsecond(*at_us);
                time.map_err(|_| format!("{at_us} microseconds since 1970 is no time"))?;
            }
            WakeOn::Asset(name) | WakeOn::Signal(name) | WakeOn::DagRun(name) => {
                if name.is_empty() || name.len() > WAKE_NAME_MAX_BYTES {
                    let bytes = name.len();
                    return Err(format!("a name has 1 to {WAKE_NAME_MAX_BYTES} bytes, and this one has {bytes}"));
                }
                if name.chars().any(char::is_control) {
                    return Err("a name holds no control characters".to_owned());
                }
                if matches!(&self.on, WakeOn::Signal(name) if name.starts_with(APPROVAL_SIGNAL_PREFIX)) {
                    return Err(format!("a signal whose name begins with {APPROVAL_SIGNAL_PREFIX} is an approval's"));
                }
            }
        }
        if let Some(timeout_ms) = self.timeout_ms.filter(|timeout_ms| *timeout_ms > WAKE_TIMEOUT_MAX_MS) {
            return Err(format!("a timeout is {WAKE_TIMEOUT_MAX_MS} ms at most, and this one is {timeout_ms}"));
        }
        Ok(())
    }
}

/// What a deferred attempt waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum WakeOn {
    /// A time, in microseconds since 1970 UTC.
    Until { at_us: i64 },
    /// An event of this asset.
    Asset(String),
    /// A signal of this name.
    Signal(String),
    /// The end of a run: the id of its DAG, a slash, its own id; or its own id alone, for a run of this DAG.
    DagRun(String),
}

/// What has woken a deferred attempt, for its next execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Woken {
    pub on: WakeOn,
    /// JSON text that came with it: of a signal its payload, of an asset event `{"asset":…,"extra":…}`, of a run
    /// `{"run_id":…,"state":…}`. A time brings nothing.
    pub payload: Option<Arc<str>>,
}

/// An event of an outlet, as a body tells it. It is written with the success of its attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmittedEvent {
    pub asset: AssetName,
    /// Text of a JSON object, which stands over what the document says of the asset.
    pub extra: Arc<str>,
}

/// Which of what stands downstream goes on after a branch, a short circuit or the like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Choice {
    All,
    /// These tasks and groups; none after a short circuit that answered false.
    Only(Vec<MemberId>),
}

/// What a success says besides its value.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// Of a branch, a short circuit or the like.
    pub choice: Option<Choice>,
    /// Length of the returned list or object, where something is mapped over it.
    pub list_length: Option<u32>,
    /// Lengths of the items of that list, where something is mapped over those; nothing for an item that is neither list nor object.
    pub item_lengths: Option<Vec<Option<u32>>>,
}

/// What an execution used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ResourcesUsed {
    /// Wall time from instantiation to drop.
    pub wall_us: u64,
    /// CPU time of the thread while the guest was polled.
    pub cpu_us: u64,
    /// Highest sum of linear memories and tables.
    pub memory_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_guest_may_wait_for() {
        let check = |on, timeout_ms| Wake { on, timeout_ms }.check();
        assert_eq!(check(WakeOn::Until { at_us: 0 }, None), Ok(()));
        assert_eq!(check(WakeOn::Signal("go".into()), Some(WAKE_TIMEOUT_MAX_MS)), Ok(()));
        assert!(check(WakeOn::Until { at_us: i64::MAX }, None).is_err());
        assert!(check(WakeOn::Asset(String::new()), None).is_err());
        assert!(check(WakeOn::DagRun("x".repeat(WAKE_NAME_MAX_BYTES + 1)), None).is_err());
        assert!(check(WakeOn::Signal("a\0b".into()), None).is_err());
        assert!(check(WakeOn::Signal("go".into()), Some(WAKE_TIMEOUT_MAX_MS + 1)).is_err());
    }
}
