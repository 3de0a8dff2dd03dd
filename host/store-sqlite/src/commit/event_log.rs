//! Who did what.

use model::RunKey;
use serde::Serialize;
use store::{NewEventLog, RunCommit, StoreError};
use uuid::Uuid;

use super::batch::Batch;
use super::json::{micros, tenant, text};
use super::kind::Kind;

/// Called by `RunStore::commit` and `EventLogStore::event_log_insert`. Adds to the table's indexes.
pub(crate) const INSERT: &str = "
INSERT INTO event_log (tenant_id, at, event, owner, dag_id, run_id, task_id, map_index, try_number, extra)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
    value ->> 9
FROM jsonb_each(?)";

/// An entry of a commit.
pub(crate) struct Entry<'a>(&'a NewEventLog);

impl<'a> Entry<'a> {
    /// All entries of a commit.
    pub(crate) fn of(commit: &'a RunCommit) -> Vec<Self> {
        commit.entries().map(Self).collect()
    }
}

impl Kind for Entry<'_> {
    // Nobody's run is overtaken by what is only added.
    fn run(&self) -> RunKey {
        RunKey::from_uuid(Uuid::nil())
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        batch.push(INSERT, rows.iter().map(|Entry(it)| row(it)), None)
    }
}

/// The cells of an entry.
pub(crate) fn row(it: &NewEventLog) -> impl Serialize {
    let what = (tenant(it.scope), micros(it.at), text(&it.event), text(&it.owner));
    let of = (it.dag_id.as_ref(), it.run_id.as_ref(), it.task_id.as_ref(), it.map_index, it.try_number);
    (what.0, what.1, what.2, what.3, of.0, of.1, of.2, of.3, of.4, text(&it.extra))
}
