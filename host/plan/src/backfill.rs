//! What a backfill does next. Pure: dates of a timetable and how their runs stand come in, what to begin comes out.
//!
//! Words: a *slice* is one date of a backfill. What it does about a date is decided when the date's turn comes, for its run may have
//! ended, or begun, since the backfill was made. Called by `control` (the dates of a dry run) and by the scheduler's backfill loop.

use jiff::Timestamp;
use model::limits::schedule::BACKFILL_DATES_MAX;
use model::{Reprocess, RunState, SliceState};

use crate::timetable::{Fire, Timetable};

/// A stretch with too many dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "there are more than {BACKFILL_DATES_MAX} dates from {from} to {to}; make several backfills of shorter stretches"
)]
pub struct TooManyDates {
    from: Timestamp,
    to: Timestamp,
}

/// The dates of a backfill, in the order in which they are begun.
pub fn dates(
    timetable: &Timetable,
    from: Timestamp,
    to: Timestamp,
    backwards: bool,
) -> Result<Vec<Fire>, TooManyDates> {
    let mut fires: Vec<_> = timetable.fires_within(from, to).take(BACKFILL_DATES_MAX + 1).collect();
    if fires.len() > BACKFILL_DATES_MAX {
        return Err(TooManyDates { from, to });
    }
    if backwards {
        fires.reverse();
    }
    Ok(fires)
}

/// What is done about a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A run is made.
    Make,
    /// Its run is cleared, so that it runs again.
    Clear,
    /// Its run stays as it is.
    Leave,
}

/// What is done about a date whose run, where it has one, stands like this.
pub const fn act(existing: Option<RunState>, reprocess: Reprocess) -> Act {
    match (existing, reprocess) {
        (None, _) => Act::Make,
        (Some(RunState::Failed), Reprocess::Failed | Reprocess::Completed) => Act::Clear,
        (Some(RunState::Success), Reprocess::Completed) => Act::Clear,
        (Some(_), _) => Act::Leave,
    }
}

/// How a backfill stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    pub waiting: usize,
    /// Slices whose runs have not ended.
    pub begun: usize,
}

impl Standing {
    /// Counts slices.
    pub fn of(slices: impl IntoIterator<Item = SliceState>) -> Self {
        let mut standing = Self::default();
        for slice in slices {
            match slice {
                SliceState::Waiting => standing.waiting += 1,
                SliceState::Begun => standing.begun += 1,
                SliceState::Ended | SliceState::Left => {}
            }
        }
        standing
    }

    /// How many more slices may be begun: the first that wait, in the order of the backfill.
    pub fn room(self, max_active_runs: u32) -> usize {
        let max = usize::try_from(max_active_runs).unwrap_or(usize::MAX);
        self.waiting.min(max.saturating_sub(self.begun))
    }

    /// True when each date was dealt with.
    pub const fn is_complete(self) -> bool {
        self.waiting == 0 && self.begun == 0
    }
}

#[cfg(test)]
mod tests {
    use model::json::parse_document;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn hourly() -> Timetable {
        let document = json!({
            "schema": "waft.dag/v1", "dag_id": "d", "tasks": [{"task_id": "t"}], "schedule": {"cron": {"expression": "@hourly"}},
        });
        Timetable::of(&parse_document(&document.to_string()).unwrap(), Timestamp::UNIX_EPOCH).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn dates_come_in_the_order_that_is_asked_for_and_both_ends_count() {
        let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T03:00:00Z"));
        let hours = |backwards| {
            let fires = dates(&hourly(), from, to, backwards).unwrap();
            fires.iter().map(|fire| fire.logical_date.to_string()[11..13].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(hours(false), ["00", "01", "02", "03"]);
        assert_eq!(hours(true), ["03", "02", "01", "00"]);
        assert_eq!(dates(&hourly(), to, from, false), Ok(vec![]));
        let all = dates(&hourly(), at("1970-01-01T00:00:00Z"), at("2200-01-01T00:00:00Z"), true);
        assert!(all.unwrap_err().to_string().contains("more than 10000 dates from 1970-01-01T00:00:00Z"));
    }

    #[test]
    fn what_is_done_about_a_date() {
        use Act::{Clear, Leave, Make};
        let states =
            [None, Some(RunState::Queued), Some(RunState::Running), Some(RunState::Success), Some(RunState::Failed)];
        for (reprocess, expect) in [
            (Reprocess::None, [Make, Leave, Leave, Leave, Leave]),
            (Reprocess::Failed, [Make, Leave, Leave, Leave, Clear]),
            (Reprocess::Completed, [Make, Leave, Leave, Clear, Clear]),
        ] {
            assert_eq!(states.map(|state| act(state, reprocess)), expect, "{reprocess}");
        }
    }

    proptest! {
        #[test]
        fn no_more_run_than_may_and_all_get_their_turn(count in 0usize..40, max in 1u32..7, ends in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut slices = vec![SliceState::Waiting; count];
            for end in ends.into_iter().chain(std::iter::repeat_n(0, 2 * count)) {
                let room = Standing::of(slices.iter().copied()).room(max);
                let waiting = slices.iter_mut().filter(|slice| **slice == SliceState::Waiting);
                waiting.take(room).for_each(|slice| *slice = SliceState::Begun);
                let begun: Vec<_> = (0..count).filter(|at| slices[*at] == SliceState::Begun).collect();
                prop_assert!(begun.len() <= max as usize);
                prop_assert!(begun.len() == max as usize || !slices.contains(&SliceState::Waiting));
                if let Some(at) = begun.get(usize::from(end) % begun.len().max(1)) {
                    slices[*at] = SliceState::Ended;
                }
            }
            prop_assert!(Standing::of(slices).is_complete());
        }
    }
}
