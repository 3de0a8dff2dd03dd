//! Values: those that successes leave, those of approvals, and those that go because their instances do.

use jiff::Timestamp;
use model::{InstanceKey, RunKey, TaskState, TenantScope};
use serde::Serialize;
use store::{NamedValue, NewValues, StoreError, StoredValue, Transition, storable_count};

use super::batch::Batch;
use super::json::{hex, micros, tenant, text};
use super::kind::Kind;

/// Values of instances that succeeded.
/// Called by `RunStore::commit`. Adds to the table's key, by which it also finds what a cleared run may have left.
pub(crate) const INSERT: &str = "
INSERT INTO xcom (tenant_id, run_key, node, map_index, key, created_at, size_bytes, digest, value)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    unhex(value ->> 7), value ->> 8
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO UPDATE SET created_at = excluded.created_at, size_bytes = excluded.size_bytes, digest = excluded.digest,
    value = excluded.value";

/// Values of instances that are no longer part of their runs, or wait again.
/// Called by `RunStore::commit`. Walks the table's key over the instances.
pub(crate) const DELETE: &str = "
DELETE FROM xcom
WHERE (tenant_id, run_key, node, map_index, key) IN (
    SELECT x.tenant_id, x.run_key, x.node, x.map_index, x.key
    FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first,
            value ->> 4 AS last
        FROM jsonb_each(?)) AS e
    CROSS JOIN xcom AS x ON x.tenant_id = e.tenant_id AND x.run_key = e.run_key AND x.node = e.node
        AND x.map_index BETWEEN e.first AND e.last)";

/// Who leaves a value, and when.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    pub(crate) scope: TenantScope,
    pub(crate) instance: InstanceKey,
    pub(crate) at: Timestamp,
}

/// The cells of a value.
pub(crate) fn row(of: Left, xcom: &NamedValue) -> impl Serialize {
    let (size, digest, value) = match &xcom.value {
        StoredValue::Inline(value) => (storable_count(value.len() as u64), None, Some(text(value))),
        StoredValue::Blob { digest, size_bytes } => (storable_count(*size_bytes), Some(digest.to_hex()), None),
    };
    let key = (tenant(of.scope), hex(of.instance.run.uuid()), of.instance.node, of.instance.map_index);
    (key.0, key.1, key.2, key.3, &xcom.key, micros(of.at), size, digest, value)
}

impl Kind for NewValues {
    fn run(&self) -> RunKey {
        self.instance.run
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let values = rows.iter().flat_map(|it| {
            let of = Left { scope: it.scope, instance: it.instance, at: it.at };
            it.values.iter().map(move |value| row(of, value))
        });
        batch.push(INSERT, values, None)
    }
}

/// Deletes the values of those that are no longer part of their runs.
pub(crate) fn push_removed(rows: &[Transition], batch: &mut Batch) -> Result<(), StoreError> {
    let removed = || rows.iter().filter(|it| it.to == TaskState::Removed);
    if removed().next().is_none() {
        return Ok(());
    }
    let ranges = removed().map(|it| (tenant(it.scope), hex(it.run.uuid()), it.node, it.first, it.last));
    batch.push(DELETE, ranges, None)
}
