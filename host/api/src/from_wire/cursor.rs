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
    /// Of lists whose order no key tells.
    Offset(u32),
}

const RULE: &str = "say what next_cursor of the page before says, or nothing for the first page";

pub(crate) fn of_runs(query: &mut QueryReader) -> Option<Cursor> {
    query.one("cursor", |text| text.parse().ok().filter(|it| !matches!(it, Cursor::AfterInstance(_))), RULE)
}

pub(crate) fn of_instances(query: &mut QueryReader) -> Option<Cursor> {
    query.one(
        "cursor",
        |text| text.parse().ok().filter(|it| matches!(it, Cursor::First | Cursor::AfterInstance(_))),
        RULE,
    )
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::First => Ok(()),
            Self::AfterRun(run) => write!(f, "r.{}", run.uuid().simple()),
            Self::AfterInstance(InstanceKey { run, node, map_index }) => {
                write!(f, "i.{}.{}.{map_index}", run.uuid().simple(), node.0)
            }
            Self::Offset(offset) => write!(f, "o.{offset}"),
        }
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
            ["i", key, node, map_index] => {
                let node = NodeIdx(node.parse().map_err(drop)?);
                let map_index = map_index.parse().ok().and_then(MapIndex::from_number).ok_or(())?;
                Ok(Self::AfterInstance(InstanceKey { run: run(key)?, node, map_index }))
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
        for cursor in [Cursor::First, Cursor::AfterRun(run), Cursor::AfterInstance(instance), Cursor::Offset(50)] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for forged in ["r.", "r.7", "i.7.1.1", "o.-1", "o.99999999999", "x", "r.1.2", "."] {
            assert_eq!(forged.parse::<Cursor>(), Err(()), "{forged}");
        }
    }
}
