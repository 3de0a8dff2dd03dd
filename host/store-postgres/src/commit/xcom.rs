//! Values: those that successes leave, those of approvals, and those that go because their instances do.

use model::TaskState;
use serde_json::{Value, json};
use store::{Ended, NamedValue, RunCommit, StoredValue, Transition, storable};

use super::columns::{Columns, Document, micros};
use super::step::{Blame, Changes, Source, Statement, Step};
use crate::rows::{bytea, count, narrow, tenant};

const COLUMNS: &[(&str, &str)] = &[
    ("tenant_id", "bigint"),
    ("run_key", "uuid"),
    ("node", "integer"),
    ("map_index", "integer"),
    ("key", "text"),
    ("created_at", "bigint"),
    ("size_bytes", "bigint"),
    ("digest", "bytea"),
    ("value", "text"),
];

/// The values of attempts that succeeded.
/// Called by `RunStore::commit`. Adds to the table's key, by which it also finds what a cleared run may have left.
const UPSERT: &str = "
INSERT INTO xcom (tenant_id, run_key, node, map_index, key, created_at, size_bytes, digest, value)
SELECT e.tenant_id, e.run_key, e.node, e.map_index, e.key, e.created_at, e.size_bytes, e.digest, e.value
FROM {rows}
ON CONFLICT (tenant_id, run_key, node, map_index, key) DO UPDATE
SET created_at = excluded.created_at, size_bytes = excluded.size_bytes, digest = excluded.digest, value = excluded.value";

pub(crate) const XCOMS: Step = Step {
    source: Source::Arrays,
    columns: COLUMNS,
    statements: &[Statement { name: "xcom::UPSERT", sql: UPSERT, changes: Changes::Any }],
    blame: Blame::Overtaken,
};

pub(crate) fn bind_xcoms(ended: &[Ended], columns: &mut Columns) {
    let succeeded = || ended.iter().filter(|it| it.to == TaskState::Success);
    let rows = || succeeded().flat_map(|it| last_of_each_key(&it.xcoms).map(move |xcom| (it, xcom)));
    columns.push(rows().map(|(it, _)| tenant(it.scope)));
    columns.push(rows().map(|(it, _)| it.instance.run.uuid()));
    columns.push(rows().map(|(it, _)| narrow(it.instance.node.0)));
    columns.push(rows().map(|(it, _)| it.instance.map_index.number()));
    columns.push(rows().map(|(_, xcom)| xcom.key.as_str()));
    columns.push(rows().map(|(it, _)| micros(it.execution.ended_at)));
    columns.push(rows().map(|(_, xcom)| match &xcom.value {
        StoredValue::Inline(value) => count(value.len() as u64),
        StoredValue::Blob { size_bytes, .. } => count(*size_bytes),
    }));
    columns.push(rows().map(|(_, xcom)| match &xcom.value {
        StoredValue::Inline(_) => None,
        StoredValue::Blob { digest, .. } => Some(&digest.bytes()[..]),
    }));
    columns.push(rows().map(|(_, xcom)| match &xcom.value {
        StoredValue::Inline(value) => Some(storable(value)),
        StoredValue::Blob { .. } => None,
    }));
}

/// A statement may write a row once only.
fn last_of_each_key(xcoms: &[NamedValue]) -> impl Iterator<Item = &NamedValue> {
    let is_last = |(at, xcom): &(usize, &NamedValue)| xcoms[at + 1..].iter().all(|later| later.key != xcom.key);
    xcoms.iter().enumerate().filter(is_last).map(|(_, xcom)| xcom)
}

/// Values of instances that succeed without an execution.
pub(crate) const VALUES: Step = Step {
    source: Source::Document("values"),
    columns: COLUMNS,
    statements: &[Statement { name: "xcom::UPSERT of approvals", sql: UPSERT, changes: Changes::Any }],
    blame: Blame::Overtaken,
};

/// Values of instances that are no longer part of their runs.
/// Called by `RunStore::commit`. Walks the table's key over the instances.
pub(crate) const DELETE: &str = "
DELETE FROM xcom AS x
USING {rows}
WHERE x.tenant_id = e.tenant_id AND x.run_key = e.run_key AND x.node = e.node AND x.map_index BETWEEN e.first AND e.last";

pub(crate) const REMOVED: Step = Step {
    source: Source::Document("removed"),
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("node", "integer"),
        ("first", "integer"),
        ("last", "integer"),
    ],
    statements: &[Statement { name: "xcom::DELETE", sql: DELETE, changes: Changes::Any }],
    blame: Blame::Overtaken,
};

/// The instances of a change of state.
pub(crate) fn range(it: &Transition) -> Value {
    json!({
        "tenant_id": tenant(it.scope), "run_key": it.run.uuid(), "node": it.node, "first": it.first, "last": it.last,
    })
}

pub(crate) fn push_values(commit: &RunCommit, document: &mut Document) {
    let removed = commit.transitions.iter().filter(|it| it.to == TaskState::Removed);
    document.push("removed", removed.map(range));
    let values = commit.values.iter().flat_map(|it| it.values.iter().map(move |value| (it, value)));
    document.push_last(
        "values",
        values.map(|(it, named)| {
            let (size, digest, value): (_, Value, Value) = match &named.value {
                StoredValue::Inline(value) => (count(value.len() as u64), Value::Null, storable(value).into()),
                StoredValue::Blob { digest, size_bytes } => (count(*size_bytes), bytea(*digest).into(), Value::Null),
            };
            let row = json!({
                "tenant_id": tenant(it.scope), "run_key": it.instance.run.uuid(), "node": it.instance.node,
                "map_index": it.instance.map_index, "key": named.key, "created_at": micros(it.at), "size_bytes": size,
                "digest": digest, "value": value,
            });
            ((it.scope, it.instance, named.key.clone()), row)
        }),
    );
}
