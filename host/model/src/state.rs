//! States of runs and task instances, and how an execution ends.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a state; states are {1}")]
pub struct UnknownState(String, &'static str);

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The text in rows and on the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownState;
            fn from_str(text: &str) -> Result<Self, UnknownState> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(UnknownState(text.chars().take(40).collect(), concat!($($text, " "),*))),
                }
            }
        }
    };
}

states! {
    /// State of a run.
    RunState {
        /// Accepted; the scheduler moves it on when the DAG may run one more.
        Queued = "queued",
        /// Some instance is unfinished; the run's machine moves it on.
        Running = "running",
        /// Ended: no leaf failed.
        Success = "success",
        /// Ended: a leaf failed, the run timed out, was cancelled or could not go on.
        Failed = "failed",
    }
}

impl RunState {
    /// Nothing moves it on by itself.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Success | Self::Failed)
    }
}

states! {
    /// State of a task instance.
    TaskState {
        /// Waits for upstream instances; the run's machine moves it on.
        None = "none",
        /// Its trigger rule is satisfied; a claim moves it on.
        Scheduled = "scheduled",
        /// Given to a worker elsewhere that has not started it; the worker moves it on.
        Queued = "queued",
        /// Failed and will be tried again; a timer moves it on.
        UpForRetry = "up_for_retry",
        /// A worker holds its lease; the attempt's end or the lease's end moves it on.
        Running = "running",
        /// Ended: the body answered success.
        Success = "success",
        /// Ended: retries spent, or the failure said not to try again.
        Failed = "failed",
        /// Ended: not needed.
        Skipped = "skipped",
        /// Ended: something it needs failed.
        UpstreamFailed = "upstream_failed",
        /// Ended: no longer part of the run.
        Removed = "removed",
    }
}

impl TaskState {
    /// Nothing moves it on by itself.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Skipped | Self::UpstreamFailed | Self::Removed)
    }
}

states! {
    /// Why a run exists.
    RunType {
        /// Somebody or something triggered it.
        Manual = "manual",
        /// A timetable made it.
        Scheduled = "scheduled",
        /// A backfill made it.
        Backfill = "backfill",
        /// Asset events made it.
        AssetTriggered = "asset_triggered",
    }
}

states! {
    /// How one execution of an attempt ended.
    EndKind {
        /// The body answered success.
        Success = "success",
        /// The body answered skipped.
        Skipped = "skipped",
        /// The body answered failed, or what it answered was not valid.
        Failed = "failed",
        /// It ran past its timeout.
        TimedOut = "timed_out",
        /// The guest trapped.
        Trapped = "trapped",
        /// It went over a limit.
        OverLimit = "over_limit",
        /// Somebody cancelled it.
        Cancelled = "cancelled",
        /// Its runner died, its lease ended or its worker drained: not the author's fault, and not counted against retries.
        HostLost = "host_lost",
    }
}

impl EndKind {
    /// Spends one of the author's retries.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut | Self::Trapped | Self::OverLimit)
    }
}
