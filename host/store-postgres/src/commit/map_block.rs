//! Contexts of levels of mapping, and what successes said beside their values.

use serde_json::{Value, json};
use store::{RunCommit, StoreError, storable};

use super::columns::Document;
use super::step::{Blame, Changes, Source, Statement, Step};
use crate::rows::tenant;

/// New blocks, and what has become of others.
/// Called by `RunStore::commit`. Adds to the table's key.
const UPSERT_BLOCKS: &str = "
INSERT INTO map_block (tenant_id, run_key, level, first, parent, length, first_position, live)
SELECT e.tenant_id, e.run_key, e.level, e.first, e.parent, e.length, e.first_position, e.live
FROM {rows}
ON CONFLICT (tenant_id, run_key, level, first) DO UPDATE
SET parent = excluded.parent, length = excluded.length, first_position = excluded.first_position, live = excluded.live";

pub(crate) const BLOCKS: Step = Step {
    source: Source::Document("blocks"),
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("level", "integer"),
        ("first", "bigint"),
        ("parent", "bigint"),
        ("length", "bigint"),
        ("first_position", "bigint"),
        ("live", "bigint"),
    ],
    statements: &[Statement { name: "map_block::UPSERT_BLOCKS", sql: UPSERT_BLOCKS, changes: Changes::One }],
    blame: Blame::Overtaken,
};

/// Called by `RunStore::commit`. Adds to the table's key.
const UPSERT_ANSWERS: &str = "
INSERT INTO answer (tenant_id, run_key, node, map_index, answer)
SELECT e.tenant_id, e.run_key, e.node, e.map_index, e.answer
FROM {rows}
ON CONFLICT (tenant_id, run_key, node, map_index) DO UPDATE SET answer = excluded.answer";

pub(crate) const ANSWERS: Step = Step {
    source: Source::Document("answers"),
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("node", "integer"),
        ("map_index", "integer"),
        ("answer", "text"),
    ],
    statements: &[Statement { name: "map_block::UPSERT_ANSWERS", sql: UPSERT_ANSWERS, changes: Changes::One }],
    blame: Blame::Overtaken,
};

pub(crate) fn push(commit: &RunCommit, document: &mut Document) -> Result<(), StoreError> {
    document.push_last(
        "blocks",
        commit.blocks.iter().map(|it| {
            let block = it.block;
            let row = json!({
                "tenant_id": tenant(it.scope), "run_key": it.run.uuid(), "level": block.level, "first": block.first,
                "parent": block.parent, "length": block.length, "first_position": block.offset, "live": block.live,
            });
            ((it.scope, it.run, block.level, block.first), row)
        }),
    );
    let mut answers = Vec::with_capacity(commit.answers.len());
    for it in &commit.answers {
        let answer = serde_json::to_string(&it.answer.answer).map_err(|error| StoreError::Unavailable {
            detail: format!("an answer cannot be written as JSON: {error}"),
        })?;
        let row: Value = json!({
            "tenant_id": tenant(it.scope), "run_key": it.run.uuid(), "node": it.answer.node,
            "map_index": it.answer.map_index, "answer": storable(&answer),
        });
        answers.push(((it.scope, it.run, it.answer.node, it.answer.map_index), row));
    }
    document.push_last("answers", answers.into_iter());
    Ok(())
}
