//! Backfills: runs for a stretch of the past, as an object that can be looked at, paused and cancelled.

use crate::state::states;

states! {
    /// What a backfill does about a date that has a run already.
    Reprocess {
        /// Leaves it.
        None = "none",
        /// Runs it again when it failed.
        Failed = "failed",
        /// Runs it again when it has ended, however.
        Completed = "completed",
    }
}

states! {
    /// State of a backfill.
    BackfillState {
        /// Runs are made as its concurrency allows; the scheduler moves it on when all have ended.
        Running = "running",
        /// No more runs are made; what runs goes on. People move it on.
        Paused = "paused",
        /// Ended: each of its dates was dealt with.
        Completed = "completed",
        /// Ended: somebody cancelled it; what runs goes on.
        Cancelled = "cancelled",
    }
}

impl BackfillState {
    /// Nothing moves it on by itself.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }

    /// The states that may follow this one.
    pub const fn next(self) -> &'static [BackfillState] {
        match self {
            Self::Running => &[Self::Paused, Self::Completed, Self::Cancelled],
            Self::Paused => &[Self::Running, Self::Cancelled],
            Self::Completed | Self::Cancelled => &[],
        }
    }

    /// True where `next` may follow this state.
    pub fn may_become(self, next: Self) -> bool {
        self.next().contains(&next)
    }
}

states! {
    /// State of one date of a backfill.
    SliceState {
        /// Its turn has not come.
        Waiting = "waiting",
        /// Its run is made, or about to be; how the run stands, the run says.
        Begun = "begun",
        /// Its run has ended.
        Ended = "ended",
        /// Another run has the date, and the backfill leaves it.
        Left = "left",
    }
}
