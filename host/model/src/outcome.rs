//! How an attempt ended, as its worker reports it.

use serde::{Deserialize, Serialize};

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
            Self::HostLost { .. } => EndKind::HostLost,
        }
    }

    /// What is said about it, for people; nothing for a success.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Success => None,
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
