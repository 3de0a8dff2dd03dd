//! Notes.

use async_trait::async_trait;
use model::{MapIndex, NodeIdx, RunKey, TenantScope};
use store::{InstanceNote, NoteStore, StoreError};

use crate::SqliteStore;
use crate::change::{Change, bound};
use crate::error::failed;
use crate::rows::{self, Cells};

/// Called by `NoteStore::run_note_put`. Finds the row by the table's key.
pub(crate) const PUT_RUN: &str = "UPDATE dag_run_input SET note = ?3 WHERE tenant_id = ?1 AND run_key = ?2";

/// Called by `NoteStore::instance_note_put`. Walks the key of `task_instance` between two places; finds its own rows by key.
pub(crate) const PUT: &str = "
INSERT INTO task_instance_note (tenant_id, run_key, node, map_index, note)
SELECT tenant_id, run_key, node, map_index, ?6
FROM task_instance
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index >= ?4 AND map_index <= ?5
ON CONFLICT DO UPDATE SET note = excluded.note";

/// Called by `NoteStore::instance_note_put`. Walks the table's key between two places.
pub(crate) const DELETE: &str = "
DELETE FROM task_instance_note
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index >= ?4 AND map_index <= ?5";

/// Called by `NoteStore::instance_notes`. Walks the table's key between two places.
pub(crate) const LIST: &str = "
SELECT node, map_index, note
FROM task_instance_note
WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) >= (?3, ?4) AND (node, map_index) <= (?5, ?6)
ORDER BY node, map_index";

#[async_trait]
impl NoteStore for SqliteStore {
    async fn run_note_put(&self, scope: TenantScope, run: RunKey, note: Option<&str>) -> Result<bool, StoreError> {
        let values = bound().and(rows::tenant(scope)).and(rows::bytes(run.uuid())).and(rows::text_opt(note));
        Ok(self.writer.apply(Change::of(PUT_RUN, values, None)).await?.rows == 1)
    }

    async fn instance_note_put(
        &self,
        scope: TenantScope,
        run: RunKey,
        node: NodeIdx,
        (first, last): (MapIndex, MapIndex),
        note: Option<&str>,
    ) -> Result<u64, StoreError> {
        let values = bound()
            .and(rows::tenant(scope))
            .and(rows::bytes(run.uuid()))
            .and(node.0)
            .and(first.number())
            .and(last.number());
        let change = match note {
            Some(_) => Change::of(PUT, values.and(rows::text_opt(note)), None),
            None => Change::of(DELETE, values, None),
        };
        Ok(self.writer.apply(change).await?.rows)
    }

    async fn instance_notes(
        &self,
        scope: TenantScope,
        run: RunKey,
        (first, last): ((NodeIdx, MapIndex), (NodeIdx, MapIndex)),
    ) -> Result<Vec<InstanceNote>, StoreError> {
        let query = sqlx::query(LIST)
            .bind(rows::tenant(scope))
            .bind(rows::bytes(run.uuid()))
            .bind(first.0.0)
            .bind(first.1.number())
            .bind(last.0.0)
            .bind(last.1.number());
        let found = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        let note = |row| {
            let cells = Cells::of(row, "task_instance_note");
            Ok(InstanceNote {
                node: cells.node()?,
                map_index: cells.map_index()?,
                note: cells.text("note")?.to_owned(),
            })
        };
        found.iter().map(note).collect()
    }
}
