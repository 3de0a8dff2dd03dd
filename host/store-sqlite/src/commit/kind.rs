//! What the kinds of rows of a commit have in common, and how rows become the JSON that a statement reads.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::Timestamp;
use model::{RunKey, TenantScope};
use serde::{Serialize, Serializer};
use sqlx::SqliteConnection;
use store::StoreError;
use uuid::Uuid;

use crate::error::failed;

/// Rows of one kind.
pub(crate) trait Kind: Sized + Sync {
    /// Whose row it is.
    fn run(&self) -> RunKey;

    /// What it changes, when the order of two rows over the same thing matters: a number within the run, and a range.
    fn touches(&self) -> Option<(u32, RangeInclusive<i32>)> {
        None
    }

    /// Writes rows of which no two touch the same; false when one was not as expected.
    fn write(conn: &mut SqliteConnection, rows: &[Self]) -> impl Future<Output = Result<bool, StoreError>> + Send;
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

/// Runs `sql` over `rows` as a JSON array in its one parameter, and says how many rows it changed.
pub(crate) async fn run<T: Serialize>(
    conn: &mut SqliteConnection,
    sql: &'static str,
    rows: impl IntoIterator<Item = T>,
) -> Result<u64, StoreError> {
    let done = sqlx::query(sql).bind(json(rows)?).execute(conn).await.map_err(failed)?;
    Ok(done.rows_affected())
}

/// A JSON array of rows.
pub(crate) fn json<T: Serialize>(rows: impl IntoIterator<Item = T>) -> Result<String, StoreError> {
    let mut text = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::new(&mut text);
    let written = serializer.collect_seq(rows).map_err(|error| error.to_string());
    let text = written.and_then(|()| String::from_utf8(text).map_err(|error| error.to_string()));
    text.map_err(|detail| StoreError::Unavailable { detail: format!("rows cannot be written as JSON: {detail}") })
}

pub(crate) fn tenant(scope: TenantScope) -> i64 {
    scope.tenant().number()
}

/// A key for `unhex`.
pub(crate) struct Hex(Uuid);

pub(crate) fn hex(uuid: Uuid) -> Hex {
    Hex(uuid)
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.simple().encode_lower(&mut Uuid::encode_buffer()))
    }
}

pub(crate) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A text as databases take it: one of them refuses NUL, the other would end there.
pub(crate) struct Text<'a>(&'a str);

pub(crate) fn text(text: &str) -> Text<'_> {
    Text(text)
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.contains('\0') {
            serializer.serialize_str(&self.0.replace('\0', "\u{fffd}"))
        } else {
            serializer.serialize_str(self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(u32, RangeInclusive<i32>);

    impl Kind for Row {
        fn run(&self) -> RunKey {
            RunKey::from_uuid(Uuid::nil())
        }
        fn touches(&self) -> Option<(u32, RangeInclusive<i32>)> {
            Some((self.0, self.1.clone()))
        }
        async fn write(_: &mut SqliteConnection, _: &[Self]) -> Result<bool, StoreError> {
            Ok(true)
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
