//! Whether the order of a commit's rows matters: two rows of one kind may touch the same.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use model::RunKey;
use store::RunCommit;

/// No row touches what another one of its kind does, so a statement may take them in any order.
pub(crate) fn is_any(commit: &RunCommit) -> bool {
    let expansions = commit.expansions.iter().map(|it| (it.run, it.node.0, 0..=0));
    let marks = commit.marks.iter().map(|it| (it.run, it.node.0, it.first.number()..=it.last.number()));
    let resets = commit.resets.iter().map(|it| (it.run, it.node.0, it.first.number()..=it.last.number()));
    let reopened = commit.reopened.iter().map(|it| (it.run, 0, 0..=0));
    let transitions = commit.transitions.iter().map(|it| (it.run, it.node.0, it.first.number()..=it.last.number()));
    let states = commit.run_states.iter().map(|it| (it.run, 0, 0..=0));
    are_apart(expansions)
        && are_apart(transitions)
        && are_apart(states)
        && are_apart(marks)
        && are_apart(resets)
        && are_apart(reopened)
}

/// What rows touch: a run, a number within it, and a range.
fn are_apart(touched: impl Iterator<Item = (RunKey, u32, RangeInclusive<i32>)>) -> bool {
    // First touched of each range, with its last.
    let mut ranges: BTreeMap<(RunKey, u32, i32), i32> = BTreeMap::new();
    for (run, number, range) in touched {
        let before = ranges.range((run, number, i32::MIN)..=(run, number, *range.end())).next_back();
        if before.is_some_and(|(_, last)| last >= range.start()) {
            return false;
        }
        ranges.insert((run, number, *range.start()), *range.end());
    }
    true
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[track_caller]
    fn check(rows: &[(u128, u32, RangeInclusive<i32>)], expect: bool) {
        let rows =
            rows.iter().map(|(run, number, range)| (RunKey::from_uuid(Uuid::from_u128(*run)), *number, range.clone()));
        assert_eq!(are_apart(rows), expect);
    }

    #[test]
    fn rows_that_touch_the_same_are_found() {
        check(&[], true);
        check(&[(1, 0, -1..=-1)], true);
        check(&[(1, 0, 0..=4), (1, 0, 5..=9), (1, 1, 0..=9), (2, 0, 0..=9)], true);
        check(&[(1, 0, 0..=4), (1, 0, 4..=9)], false);
        check(&[(1, 0, 0..=99), (1, 0, 50..=50)], false);
        check(&[(1, 0, 7..=7), (1, 0, 3..=3), (1, 0, 0..=9)], false);
        check(&[(1, 0, 5..=9), (1, 0, 0..=4), (1, 0, 10..=12)], true);
    }
}
