//! Callbacks that runs owe from now on, and deadlines that they have met.

use model::limits::callback::PER_RUN_MAX;
use serde_json::{Value, json};
use store::{NewCallback, RunCommit, storable};

use super::columns::{Document, micros};
use super::step::{Blame, Changes, Source, Statement, Step};
use crate::rows::tenant;

/// The rows with their numbers, which go on from the last one of the run: found by the table's key.
macro_rules! numbered {
    () => {
        "
    SELECT e.*, (row_number() OVER (PARTITION BY e.tenant_id, e.run_key ORDER BY e.position))::integer - 1
        + coalesce((SELECT max(c.number) + 1 FROM callback AS c
            WHERE c.tenant_id = e.tenant_id AND c.run_key = e.run_key), 0) AS number
    FROM {rows}"
    };
}

/// Counts what is left out, before the rest is written.
/// Called by `RunStore::commit`. Finds rows by the tables' keys.
const COUNT_LEFT_OUT: &str = concat!(
    "
INSERT INTO callback_left_out AS l (tenant_id, run_key, count)
SELECT n.tenant_id, n.run_key, count(*)
FROM (",
    numbered!(),
    ") AS n
WHERE n.node IS NOT NULL AND n.number >= n.most
GROUP BY n.tenant_id, n.run_key
ON CONFLICT (tenant_id, run_key) DO UPDATE SET count = l.count + excluded.count"
);

/// Called by `RunStore::commit`. Adds to the table's indexes.
const INSERT: &str = concat!(
    "
INSERT INTO callback (tenant_id, run_key, number, event, callback, node, map_index, instance_try, message, created_at, due_at)
SELECT n.tenant_id, n.run_key, n.number, n.event, n.callback, n.node, n.map_index, n.instance_try, n.message, n.created_at, n.due_at
FROM (",
    numbered!(),
    ") AS n
WHERE n.node IS NULL OR n.number < n.most"
);

pub(crate) const CALLBACKS: Step = Step {
    source: Source::Document("callbacks"),
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("position", "integer"),
        ("event", "text"),
        ("callback", "text"),
        ("node", "integer"),
        ("map_index", "integer"),
        ("instance_try", "integer"),
        ("message", "text"),
        ("created_at", "bigint"),
        ("due_at", "bigint"),
        ("most", "integer"),
    ],
    statements: &[
        Statement { name: "callback::COUNT_LEFT_OUT", sql: COUNT_LEFT_OUT, changes: Changes::Any },
        Statement { name: "callback::INSERT", sql: INSERT, changes: Changes::Any },
    ],
    blame: Blame::Overtaken,
};

/// Deadlines that nobody has begun to tell of, and that are later than the end.
/// Called by `RunStore::commit`. Walks the table's key over the run, and not the index of what is due; locks what it finds.
const DELETE_DEADLINES: &str = "
DELETE FROM callback AS c
USING {rows}
WHERE c.tenant_id = e.tenant_id AND c.run_key = e.run_key AND c.number >= 0
    AND c.event = 'deadline_missed' AND c.state = 'waiting' AND c.fence = 0 AND coalesce(c.due_at, 0) > e.at";

pub(crate) const DEADLINES_MET: Step = Step {
    source: Source::Document("deadlines_met"),
    columns: &[("tenant_id", "bigint"), ("run_key", "uuid"), ("at", "bigint")],
    statements: &[Statement { name: "callback::DELETE_DEADLINES", sql: DELETE_DEADLINES, changes: Changes::Any }],
    blame: Blame::Overtaken,
};

pub(crate) fn push(commit: &RunCommit, document: &mut Document) {
    let met = commit.deadlines_met.iter();
    let met = met.map(|it| json!({ "tenant_id": tenant(it.scope), "run_key": it.run.uuid(), "at": micros(it.at) }));
    document.push("deadlines_met", met);
    document.push("callbacks", commit.callbacks.iter().enumerate().map(|(position, it)| row(position, it)));
}

fn row(position: usize, it: &NewCallback) -> Value {
    let subject = it.subject;
    json!({
        "tenant_id": tenant(it.scope), "run_key": it.run.uuid(), "position": position, "event": it.event.as_str(),
        "callback": it.callback.as_str(), "node": subject.map(|it| it.node), "map_index": subject.map(|it| it.map_index),
        "instance_try": subject.map(|it| it.try_number), "message": it.message.as_deref().map(storable),
        "created_at": micros(it.at), "due_at": micros(it.due_at), "most": PER_RUN_MAX,
    })
}
