//! Contexts of levels of mapping, and what successes said beside their values.

use model::RunKey;
use store::{NewAnswer, NewBlock, StoreError};

use super::batch::Batch;
use super::json::{hex, one, tenant};
use super::kind::Kind;

/// New blocks, and what has become of others.
/// Called by `RunStore::commit`. Adds to the table's key.
pub(crate) const UPSERT_BLOCKS: &str = "
INSERT INTO map_block (tenant_id, run_key, level, first, parent, length, first_position, live)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO UPDATE SET parent = excluded.parent, length = excluded.length, first_position = excluded.first_position,
    live = excluded.live";

/// Called by `RunStore::commit`. Adds to the table's key.
pub(crate) const UPSERT_ANSWERS: &str = "
INSERT INTO answer (tenant_id, run_key, node, map_index, answer)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO UPDATE SET answer = excluded.answer";

impl Kind for NewBlock {
    fn run(&self) -> RunKey {
        self.run
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let blocks = rows.iter().map(|it| {
            let block = it.block;
            let head = (tenant(it.scope), hex(it.run.uuid()), block.level, block.first);
            (head.0, head.1, head.2, head.3, block.parent, block.length, block.offset, block.live)
        });
        batch.push(UPSERT_BLOCKS, blocks, Some(rows.len() as u64))
    }
}

impl Kind for NewAnswer {
    fn run(&self) -> RunKey {
        self.run
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let answers = rows.iter().map(|it| {
            let key = (tenant(it.scope), hex(it.run.uuid()), it.answer.node, it.answer.map_index);
            Ok((key.0, key.1, key.2, key.3, one(&it.answer.answer)?))
        });
        let answers = answers.collect::<Result<Vec<_>, StoreError>>()?;
        batch.push(UPSERT_ANSWERS, answers, Some(rows.len() as u64))
    }
}
