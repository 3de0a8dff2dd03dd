//! Events of assets that successes tell of.

use model::RunKey;
use serde_json::{Value, json};
use store::{AssetSource, NewAssetEvent, storable};
use uuid::Uuid;

use super::columns::{Document, micros};
use super::step::{Blame, Changes, Source, Statement, Step};
use crate::rows::tenant;

/// Assets of the events that nobody has described yet.
/// Called by `RunStore::commit`. Finds rows by the unique name.
const INSERT_ASSETS: &str = "
INSERT INTO asset (tenant_id, name, extra, created_at, updated_at)
SELECT e.tenant_id, e.asset, '{}', e.at, e.at
FROM {rows}
ON CONFLICT DO NOTHING";

/// Events, which from then on wait for those who wait for their assets.
/// Called by `RunStore::commit`. Finds assets by the unique name, and who waits by the key of `asset_user`; adds to the table's
/// indexes and to the key of `asset_waiting`.
const INSERT_EVENTS: &str = "
INSERT INTO asset_event (tenant_id, asset_id, extra, at, told_by, dag_id, run_key, run_id, task_id, map_index)
SELECT e.tenant_id, a.id, e.extra, e.at, e.told_by, e.dag_id, CASE WHEN e.told_by IS NULL THEN e.run_key END, e.run_id, e.task_id,
    e.map_index
FROM {rows}
CROSS JOIN LATERAL (
    SELECT id FROM asset WHERE tenant_id = e.tenant_id AND name = e.asset OFFSET 0) AS a";

pub(crate) const ASSET_EVENTS: Step = Step {
    source: Source::Document("asset_events"),
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("asset", "text"),
        ("extra", "text"),
        ("at", "bigint"),
        ("told_by", "text"),
        ("dag_id", "text"),
        ("run_id", "text"),
        ("task_id", "text"),
        ("map_index", "integer"),
    ],
    statements: &[
        Statement { name: "asset_event::INSERT_ASSETS", sql: INSERT_ASSETS, changes: Changes::Any },
        Statement { name: "asset_event::INSERT_EVENTS", sql: INSERT_EVENTS, changes: Changes::One },
    ],
    blame: Blame::Overtaken,
};

pub(crate) fn push(rows: &[NewAssetEvent], document: &mut Document) {
    document.push("asset_events", rows.iter().map(row));
}

/// The run that tells of the event.
pub(crate) fn run(event: &NewAssetEvent) -> RunKey {
    match &event.source {
        AssetSource::Task { run, .. } => *run,
        AssetSource::Api { .. } => RunKey::from_uuid(Uuid::nil()),
    }
}

fn row(event: &NewAssetEvent) -> Value {
    let (told_by, task) = match &event.source {
        AssetSource::Api { by } => (Some(storable(by)), None),
        AssetSource::Task { dag_id, run_id, task_id, map_index, .. } => {
            (None, Some((dag_id, run_id, task_id, *map_index)))
        }
    };
    json!({
        "tenant_id": tenant(event.scope), "run_key": run(event).uuid(), "asset": event.asset.as_str(),
        "extra": storable(&event.extra), "at": micros(event.at), "told_by": told_by, "dag_id": task.map(|it| it.0),
        "run_id": task.map(|it| it.1), "task_id": task.map(|it| it.2), "map_index": task.map(|it| it.3),
    })
}
