//! Events of assets that successes tell of.

use model::RunKey;
use serde::Serialize;
use store::{AssetSource, NewAssetEvent, StoreError};
use uuid::Uuid;

use super::batch::Batch;
use super::json::{hex, micros, tenant, text};
use super::kind::Kind;

/// Assets of the events that nobody has described yet.
/// Called by `RunStore::commit` and `AssetStore::asset_event_insert`. Finds rows by the unique name.
pub(crate) const INSERT_ASSETS: &str = "
INSERT INTO asset (tenant_id, name, extra, created_at, updated_at)
SELECT value ->> 0, value ->> 1, '{}', value ->> 3, value ->> 3
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO NOTHING";

/// Events, which from then on wait for those who wait for their assets.
/// Called by `RunStore::commit` and `AssetStore::asset_event_insert`. Finds assets by the unique name, and who waits by the key of
/// `asset_user`; adds to the table's indexes and to the key of `asset_waiting`.
pub(crate) const INSERT_EVENTS: &str = "
INSERT INTO asset_event (tenant_id, asset_id, extra, at, told_by, dag_id, run_key, run_id, task_id, map_index)
SELECT e.value ->> 0, a.id, e.value ->> 2, e.value ->> 3, e.value ->> 4, e.value ->> 5, unhex(e.value ->> 6), e.value ->> 7,
    e.value ->> 8, e.value ->> 9
FROM jsonb_each(?) AS e
CROSS JOIN asset AS a ON a.tenant_id = e.value ->> 0 AND a.name = e.value ->> 1";

impl Kind for NewAssetEvent {
    fn run(&self) -> RunKey {
        match &self.source {
            AssetSource::Task { run, .. } => *run,
            // Nobody's run is overtaken by an event that no run tells of.
            AssetSource::Api { .. } => RunKey::from_uuid(Uuid::nil()),
        }
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        batch.push(INSERT_ASSETS, rows.iter().map(row), None)?;
        batch.push(INSERT_EVENTS, rows.iter().map(row), Some(rows.len() as u64))
    }
}

/// The cells of an event.
pub(crate) fn row(event: &NewAssetEvent) -> impl Serialize {
    let head = (tenant(event.scope), event.asset.as_str(), text(&event.extra), micros(event.at));
    match &event.source {
        AssetSource::Api { by } => (head.0, head.1, head.2, head.3, Some(text(by)), None, None, None, None, None),
        AssetSource::Task { dag_id, run, run_id, task_id, map_index } => {
            let (run, index) = (Some(hex(run.uuid())), Some(*map_index));
            let names = (Some(dag_id.as_str()), Some(run_id.as_str()), Some(task_id.as_str()));
            (head.0, head.1, head.2, head.3, None, names.0, run, names.1, names.2, index)
        }
    }
}
