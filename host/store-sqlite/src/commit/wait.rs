//! What instances wait for without a worker, and the signals that they take.

use model::{InstanceKey, RunKey, TenantScope};
use store::{NewWait, RunCommit, StoreError, TakenSignal};

use super::batch::Batch;
use super::json::{hex, micros, tenant, text};
use super::kind::Kind;

/// Waits that begin, each in the place of the instance's last one.
/// Called by `RunStore::commit`. Adds to the table's indexes.
pub(crate) const UPSERT: &str = "
INSERT INTO wait (tenant_id, run_key, node, map_index, fence, since, kind, key, form)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO UPDATE SET fence = excluded.fence, since = excluded.since, kind = excluded.kind, key = excluded.key,
    form = excluded.form";

/// Waits that are over.
/// Called by `RunStore::commit`. Finds rows by the table's key.
pub(crate) const DELETE: &str = "
DELETE FROM wait
WHERE (tenant_id, run_key, node, map_index) IN
    (SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3 FROM jsonb_each(?))";

/// Signals that nobody has taken yet.
/// Called by `RunStore::commit`. Finds rows by their unique ids.
pub(crate) const TAKE_SIGNALS: &str = "
UPDATE signal AS s
SET node = e.node, map_index = e.map_index
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS id, unhex(value ->> 2) AS run_key, value ->> 3 AS node,
        value ->> 4 AS map_index
    FROM jsonb_each(?)) AS e
WHERE s.tenant_id = e.tenant_id AND s.id = e.id AND s.run_key = e.run_key AND s.node IS NULL";

impl Kind for NewWait {
    fn run(&self) -> RunKey {
        self.instance.run
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let waits = rows.iter().map(|it| {
            let key = (tenant(it.scope), hex(it.instance.run.uuid()), it.instance.node, it.instance.map_index);
            let on = (it.kind.as_str(), text(&it.key), it.form.as_deref().map(text));
            (key.0, key.1, key.2, key.3, it.fence, micros(it.since), on.0, on.1, on.2)
        });
        batch.push(UPSERT, waits, Some(rows.len() as u64))
    }
}

/// An instance that waits for nothing any more.
pub(crate) struct Woken(TenantScope, InstanceKey);

impl Woken {
    /// Those of a commit.
    pub(crate) fn of(commit: &RunCommit) -> Vec<Self> {
        commit.woken.iter().map(|(scope, instance)| Self(*scope, *instance)).collect()
    }
}

impl Kind for Woken {
    fn run(&self) -> RunKey {
        self.1.run
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let keys = rows.iter().map(|Self(scope, it)| (tenant(*scope), hex(it.run.uuid()), it.node, it.map_index));
        batch.push(DELETE, keys, None)
    }
}

impl Kind for TakenSignal {
    fn run(&self) -> RunKey {
        self.instance.run
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let signals = rows.iter().map(|it| {
            let instance = it.instance;
            let ids = (tenant(it.scope), hex(it.signal.uuid()), hex(instance.run.uuid()));
            (ids.0, ids.1, ids.2, instance.node, instance.map_index)
        });
        batch.push(TAKE_SIGNALS, signals, Some(rows.len() as u64))
    }
}
