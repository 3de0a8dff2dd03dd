//! What the kinds of rows of a commit have in common.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use model::RunKey;
use store::StoreError;

use super::batch::Batch;

/// Rows of one kind.
pub(crate) trait Kind: Sized + Sync {
    /// Whose row it is.
    fn run(&self) -> RunKey;

    /// What it changes, when the order of two rows over the same thing matters: a number within the run, and a range.
    fn touches(&self) -> Option<(u32, RangeInclusive<i32>)> {
        None
    }

    /// Adds what writes the rows, of which there is one at least and no two touch the same.
    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError>;
}

/// Cuts rows into as few parts as keep the order of rows that touch the same, without empty parts.
pub(crate) fn parts<K: Kind>(rows: &[K]) -> Vec<&[K]> {
    let mut parts = Vec::new();
    let mut begin = 0;
    // First touched of each range in the part, with its last.
    let mut touched: BTreeMap<(RunKey, u32, i32), i32> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        let Some((number, range)) = row.touches() else { continue };
        let run = row.run();
        let before = touched.range((run, number, i32::MIN)..=(run, number, *range.end())).next_back();
        if before.is_some_and(|(_, last)| last >= range.start()) {
            parts.push(&rows[begin..at]);
            begin = at;
            touched.clear();
        }
        touched.insert((run, number, *range.start()), *range.end());
    }
    if begin < rows.len() {
        parts.push(&rows[begin..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    struct Row(u32, RangeInclusive<i32>);

    impl Kind for Row {
        fn run(&self) -> RunKey {
            RunKey::from_uuid(Uuid::nil())
        }
        fn touches(&self) -> Option<(u32, RangeInclusive<i32>)> {
            Some((self.0, self.1.clone()))
        }
        fn push(_: &[Self], _: &mut Batch) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[track_caller]
    fn check(rows: &[(u32, RangeInclusive<i32>)], expect: &[usize]) {
        let rows: Vec<_> = rows.iter().map(|(number, range)| Row(*number, range.clone())).collect();
        let lengths: Vec<_> = parts(&rows).into_iter().map(<[_]>::len).collect();
        assert_eq!(lengths, expect);
    }

    #[test]
    fn rows_that_touch_the_same_stand_in_different_parts() {
        check(&[], &[]);
        check(&[(0, -1..=-1)], &[1]);
        check(&[(0, 0..=4), (0, 5..=9), (1, 0..=9)], &[3]);
        check(&[(0, 0..=4), (0, 4..=9)], &[1, 1]);
        check(&[(0, 0..=99), (0, 50..=50), (0, 51..=51)], &[1, 2]);
        check(&[(0, 7..=7), (0, 3..=3), (0, 0..=9)], &[2, 1]);
        check(&[(0, 5..=9), (0, 0..=4), (0, 9..=12), (0, 5..=5)], &[2, 2]);
    }
}
