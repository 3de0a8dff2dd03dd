//! States of runs and task instances, and how an execution ends.

/// A text that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a state; states are {1}")]
pub struct UnknownState(pub(crate) String, pub(crate) &'static str);

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
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

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::state::UnknownState;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err($crate::state::UnknownState(text.chars().take(40).collect(), concat!($($text, " "),*))),
                }
            }
        }
    };
}

pub(crate) use states;

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

    /// The states that may follow this one.
    pub const fn next(self) -> &'static [RunState] {
        match self {
            Self::Queued => &[Self::Running, Self::Failed],
            Self::Running => &[Self::Success, Self::Failed],
            Self::Success | Self::Failed => &[],
        }
    }

    /// True where `next` may follow this state.
    pub fn may_become(self, next: Self) -> bool {
        self.next().contains(&next)
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
        /// A sensor that is not done; the time of its next question moves it on. The attempt goes on.
        UpForReschedule = "up_for_reschedule",
        /// Waits for a time, an asset event, a signal or another run without a worker; that, or its timeout, moves it on. The
        /// attempt goes on.
        Deferred = "deferred",
        /// An approval that nobody has answered; an answer, or its timeout, moves it on.
        AwaitingInput = "awaiting_input",
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

    /// The states that may follow this one.
    pub const fn next(self) -> &'static [TaskState] {
        match self {
            // Success without running is that of an empty task; failure that of an expansion that is too large.
            Self::None => &[
                Self::Scheduled,
                Self::AwaitingInput,
                Self::Success,
                Self::Failed,
                Self::Skipped,
                Self::UpstreamFailed,
                Self::Removed,
            ],
            // Skipped where the run ends before its turn comes; failed where its turn comes too late.
            Self::Scheduled => {
                &[Self::Queued, Self::Running, Self::UpForRetry, Self::Failed, Self::Skipped, Self::Removed]
            }
            // Scheduled again where its worker is lost or hands it back.
            Self::Queued => {
                &[Self::Scheduled, Self::Running, Self::UpForRetry, Self::Failed, Self::Skipped, Self::Removed]
            }
            Self::UpForRetry => &[Self::Scheduled, Self::Failed, Self::Skipped, Self::Removed],
            Self::UpForReschedule | Self::Deferred => {
                &[Self::Scheduled, Self::UpForRetry, Self::Failed, Self::Skipped, Self::Removed]
            }
            Self::AwaitingInput => &[Self::UpForRetry, Self::Success, Self::Failed, Self::Skipped, Self::Removed],
            // Scheduled again where its host is lost.
            Self::Running => &[
                Self::Scheduled,
                Self::UpForRetry,
                Self::UpForReschedule,
                Self::Deferred,
                Self::Success,
                Self::Failed,
                Self::Skipped,
                Self::Removed,
            ],
            // No longer part of the run, because what it was mapped over has become shorter.
            Self::Success | Self::Failed | Self::Skipped | Self::UpstreamFailed => &[Self::Removed],
            Self::Removed => &[],
        }
    }

    /// True where `next` may follow this state.
    pub fn may_become(self, next: Self) -> bool {
        self.next().contains(&next)
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
        /// A sensor answered that it is not done: the attempt goes on.
        Rescheduled = "rescheduled",
        /// The body waits for something without a worker: the attempt goes on.
        Deferred = "deferred",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_transitions() {
        let mut table = String::new();
        for state in RunState::ALL {
            table +=
                &format!("run {state} → {:?}\n", state.next().iter().map(|next| next.as_str()).collect::<Vec<_>>());
        }
        for state in TaskState::ALL {
            table +=
                &format!("task {state} → {:?}\n", state.next().iter().map(|next| next.as_str()).collect::<Vec<_>>());
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn only_an_ended_state_is_the_last() {
        for state in RunState::ALL {
            assert_eq!(state.is_ended(), state.next().is_empty(), "{state}");
            assert!(!state.may_become(*state), "{state}");
        }
        for state in TaskState::ALL {
            let is_last = state.next().iter().all(|next| *next == TaskState::Removed);
            assert_eq!(state.is_ended(), is_last, "{state}");
            assert!(!state.may_become(*state), "{state}");
        }
    }

    #[test]
    fn names_read_back() {
        for state in TaskState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        let unknown = "sleeping".parse::<RunState>().unwrap_err();
        assert_eq!(unknown.to_string(), "\"sleeping\" is not a state; states are queued running success failed ");
    }
}
