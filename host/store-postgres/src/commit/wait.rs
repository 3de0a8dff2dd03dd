//! What instances wait for without a worker, and the signals that they take.

use serde_json::json;
use store::{RunCommit, storable};

use super::columns::{Document, micros};
use super::step::{Blame, Changes, Source, Statement, Step};
use crate::rows::tenant;

/// Waits that begin, each in the place of the instance's last one.
/// Called by `RunStore::commit`. Adds to the table's indexes.
const UPSERT: &str = "
INSERT INTO wait (tenant_id, run_key, node, map_index, fence, since, kind, key, form)
SELECT e.tenant_id, e.run_key, e.node, e.map_index, e.fence, e.since, e.kind, e.key, e.form
FROM {rows}
ON CONFLICT (tenant_id, run_key, node, map_index) DO UPDATE
SET fence = excluded.fence, since = excluded.since, kind = excluded.kind, key = excluded.key, form = excluded.form";

pub(crate) const WAITS: Step = Step {
    source: Source::Document("waits"),
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("node", "integer"),
        ("map_index", "integer"),
        ("fence", "bigint"),
        ("since", "bigint"),
        ("kind", "text"),
        ("key", "text"),
        ("form", "text"),
    ],
    statements: &[Statement { name: "wait::UPSERT", sql: UPSERT, changes: Changes::One }],
    blame: Blame::Overtaken,
};

/// Waits that are over.
/// Called by `RunStore::commit`. Finds rows by the table's key.
const DELETE: &str = "
DELETE FROM wait AS w
USING {rows}
WHERE w.tenant_id = e.tenant_id AND w.run_key = e.run_key AND w.node = e.node AND w.map_index = e.map_index";

pub(crate) const WOKEN: Step = Step {
    source: Source::Document("woken"),
    columns: &[("tenant_id", "bigint"), ("run_key", "uuid"), ("node", "integer"), ("map_index", "integer")],
    statements: &[Statement { name: "wait::DELETE", sql: DELETE, changes: Changes::Any }],
    blame: Blame::Overtaken,
};

/// Signals that nobody has taken yet.
/// Called by `RunStore::commit`. Finds rows by their unique ids; locks them.
const TAKE_SIGNALS: &str = "
UPDATE signal AS s
SET node = e.node, map_index = e.map_index
FROM {rows}
WHERE s.tenant_id = e.tenant_id AND s.id = e.id AND s.run_key = e.run_key AND s.node IS NULL";

pub(crate) const SIGNALS: Step = Step {
    source: Source::Document("signals"),
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("id", "uuid"),
        ("node", "integer"),
        ("map_index", "integer"),
    ],
    statements: &[Statement { name: "wait::TAKE_SIGNALS", sql: TAKE_SIGNALS, changes: Changes::One }],
    blame: Blame::Overtaken,
};

pub(crate) fn push(commit: &RunCommit, document: &mut Document) {
    document.push_last(
        "waits",
        commit.waits.iter().map(|it| {
            let row = json!({
                "tenant_id": tenant(it.scope), "run_key": it.instance.run.uuid(), "node": it.instance.node,
                "map_index": it.instance.map_index, "fence": it.fence.number(), "since": micros(it.since),
                "kind": it.kind.as_str(), "key": storable(&it.key), "form": it.form.as_deref().map(storable),
            });
            ((it.scope, it.instance), row)
        }),
    );
    document.push(
        "woken",
        commit.woken.iter().map(|(scope, it)| {
            json!({
                "tenant_id": tenant(*scope), "run_key": it.run.uuid(), "node": it.node, "map_index": it.map_index,
            })
        }),
    );
    document.push(
        "signals",
        commit.signals.iter().map(|it| {
            json!({
                "tenant_id": tenant(it.scope), "run_key": it.instance.run.uuid(), "id": it.signal.uuid(),
                "node": it.instance.node, "map_index": it.instance.map_index,
            })
        }),
    );
}
