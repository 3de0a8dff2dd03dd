//! Cursors: where a list goes on. To clients they are texts that mean nothing.

use std::str::FromStr;

use model::limits::http::OFFSET_MAX;
use model::{InstanceKey, MapIndex, NodeIdx, RunKey};
use uuid::Uuid;

use crate::query::QueryReader;

/// Where a list goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// At its beginning.
    First,
    AfterRun(RunKey),
    AfterInstance(InstanceKey),
    /// The page that ends before it.
    BeforeRun(RunKey),
    BeforeInstance(InstanceKey),
    /// Of lists whose order no key tells.
    Offset(u32),
}

const RULE: &str = "say what next_cursor or previous_cursor of another page says, or nothing for the first page";

pub(crate) fn of_runs(query: &mut QueryReader) -> Option<Cursor> {
    let is_other = |it: &Cursor| matches!(it, Cursor::AfterInstance(_) | Cursor::BeforeInstance(_));
    query.one("cursor", |text| text.parse().ok().filter(|it| !is_other(it)), RULE)
}

pub(crate) fn of_instances(query: &mut QueryReader) -> Option<Cursor> {
    let is_own = |it: &Cursor| matches!(it, Cursor::First | Cursor::AfterInstance(_) | Cursor::BeforeInstance(_));
    query.one("cursor", |text| text.parse().ok().filter(is_own), RULE)
}

impl Cursor {
    /// The page is read backwards, from its end to its beginning.
    pub(crate) fn is_backwards(self) -> bool {
        matches!(self, Self::BeforeRun(_) | Self::BeforeInstance(_))
    }

    /// Which of the pages before and after this one there are: `more` says whether the list goes on in the direction in which the page
    /// was read. A page that was reached from another one has that one beside it.
    pub(crate) fn neighbours(self, more: bool) -> (bool, bool) {
        match self {
            Self::First => (false, more),
            Self::AfterRun(_) | Self::AfterInstance(_) => (true, more),
            Self::BeforeRun(_) | Self::BeforeInstance(_) => (more, true),
            Self::Offset(offset) => (offset > 0, more),
        }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::First => Ok(()),
            Self::AfterRun(run) => write!(f, "r.{}", run.uuid().simple()),
            Self::BeforeRun(run) => write!(f, "rb.{}", run.uuid().simple()),
            Self::AfterInstance(key) => write!(f, "i.{}", Place(*key)),
            Self::BeforeInstance(key) => write!(f, "ib.{}", Place(*key)),
            Self::Offset(offset) => write!(f, "o.{offset}"),
        }
    }
}

/// An instance as it stands in cursors.
struct Place(InstanceKey);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let InstanceKey { run, node, map_index } = self.0;
        write!(f, "{}.{}.{map_index}", run.uuid().simple(), node.0)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let run = |text: &str| Uuid::try_parse(text).map(RunKey::from_uuid).map_err(drop);
        let parts: Vec<&str> = text.split('.').collect();
        match parts.as_slice() {
            [""] => Ok(Self::First),
            ["r", key] => Ok(Self::AfterRun(run(key)?)),
            ["o", offset] => {
                let offset = offset.parse().ok().filter(|offset| *offset <= OFFSET_MAX);
                offset.map(Self::Offset).ok_or(())
            }
            ["rb", key] => Ok(Self::BeforeRun(run(key)?)),
            [kind @ ("i" | "ib"), key, node, map_index] => {
                let node = NodeIdx(node.parse().map_err(drop)?);
                let map_index = map_index.parse().ok().and_then(MapIndex::from_number).ok_or(())?;
                let key = InstanceKey { run: run(key)?, node, map_index };
                Ok(if *kind == "i" { Self::AfterInstance(key) } else { Self::BeforeInstance(key) })
            }
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back_and_others_are_refused() {
        let run = RunKey::from_uuid(Uuid::from_u128(7));
        let instance = InstanceKey { run, node: NodeIdx(3), map_index: MapIndex::NONE };
        let backwards = [Cursor::BeforeRun(run), Cursor::BeforeInstance(instance)];
        let forwards = [Cursor::First, Cursor::AfterRun(run), Cursor::AfterInstance(instance), Cursor::Offset(50)];
        for cursor in forwards.into_iter().chain(backwards) {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for forged in ["r.", "r.7", "i.7.1.1", "rb.", "ib.1", "o.-1", "o.99999999999", "x", "r.1.2", "."] {
            assert_eq!(forged.parse::<Cursor>(), Err(()), "{forged}");
        }
    }
}
