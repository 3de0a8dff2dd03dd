//! Who did what.

use serde_json::{Value, json};
use store::{NewEventLog, storable};

use super::columns::{Document, micros};
use super::step::{Blame, Changes, Source, Statement, Step};
use crate::rows::tenant;

/// Called by `RunStore::commit` and `EventLogStore::event_log_insert`. Adds to the table's indexes.
const INSERT: &str = "
INSERT INTO event_log (tenant_id, at, event, owner, dag_id, run_id, task_id, map_index, try_number, extra)
SELECT e.tenant_id, e.at, e.event, e.owner, e.dag_id, e.run_id, e.task_id, e.map_index, e.try_number, e.extra
FROM {rows}";

pub(crate) const LOGS: Step = Step {
    source: Source::Document("logs"),
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("at", "bigint"),
        ("event", "text"),
        ("owner", "text"),
        ("dag_id", "text"),
        ("run_id", "text"),
        ("task_id", "text"),
        ("map_index", "integer"),
        ("try_number", "integer"),
        ("extra", "text"),
    ],
    statements: &[Statement { name: "event_log::INSERT", sql: INSERT, changes: Changes::Any }],
    blame: Blame::Overtaken,
};

/// The statement that adds entries of a document, and gives their numbers.
pub(crate) fn insert() -> String {
    format!("{} RETURNING id", LOGS.statements[0].over(&LOGS.rows_of_parameters(1)))
}

pub(crate) fn push<'a>(rows: impl Iterator<Item = &'a NewEventLog>, document: &mut Document) {
    document.push("logs", rows.map(row));
}

fn row(it: &NewEventLog) -> Value {
    json!({
        "tenant_id": tenant(it.scope), "at": micros(it.at), "event": storable(&it.event), "owner": storable(&it.owner),
        "dag_id": it.dag_id, "run_id": it.run_id, "task_id": it.task_id, "map_index": it.map_index,
        "try_number": it.try_number, "extra": storable(&it.extra),
    })
}
