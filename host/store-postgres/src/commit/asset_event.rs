//! Events of assets that successes tell of.

use model::RunKey;
use serde::Serialize;
use store::{AssetSource, NewAssetEvent, StoreError, storable};
use uuid::Uuid;

use super::columns::{Columns, micros};
use super::step::{Blame, Changes, Statement, Step};
use crate::rows::tenant;

/// Assets of the events that nobody has described yet.
/// Called by `RunStore::commit`. Finds rows by the unique name.
const INSERT_ASSETS: &str = "
INSERT INTO asset (tenant_id, name, extra, created_at, updated_at)
SELECT e.tenant_id, e.event::json ->> 0, '{}', (e.event::json ->> 2)::bigint, (e.event::json ->> 2)::bigint
FROM {rows}
ON CONFLICT DO NOTHING";

/// Events, which from then on wait for those who wait for their assets.
/// Called by `RunStore::commit`. Finds assets by the unique name, and who waits by the key of `asset_user`; adds to the table's
/// indexes and to the key of `asset_waiting`.
const INSERT_EVENTS: &str = "
INSERT INTO asset_event (tenant_id, asset_id, extra, at, told_by, dag_id, run_key, run_id, task_id, map_index)
SELECT e.tenant_id, a.id, e.event::json ->> 1, (e.event::json ->> 2)::bigint, e.event::json ->> 3, e.event::json ->> 4,
    CASE WHEN e.event::json ->> 3 IS NULL THEN e.run_key END, e.event::json ->> 5, e.event::json ->> 6,
    (e.event::json ->> 7)::integer
FROM {rows}
CROSS JOIN LATERAL (
    SELECT id FROM asset WHERE tenant_id = e.tenant_id AND name = e.event::json ->> 0 OFFSET 0) AS a";

/// Most of a row is one text, for a function has no more than a hundred arguments.
pub(crate) const ASSET_EVENTS: Step = Step {
    columns: &[("tenant_id", "bigint"), ("run_key", "uuid"), ("event", "text")],
    statements: &[
        Statement { name: "asset_event::INSERT_ASSETS", sql: INSERT_ASSETS, changes: Changes::Any },
        Statement { name: "asset_event::INSERT_EVENTS", sql: INSERT_EVENTS, changes: Changes::One },
    ],
    blame: Blame::Overtaken,
};

pub(crate) fn bind_asset_events(rows: &[NewAssetEvent], columns: &mut Columns) -> Result<(), StoreError> {
    let failed = |error: serde_json::Error| StoreError::Unavailable { detail: error.to_string() };
    let texts = rows.iter().map(|it| serde_json::to_string(&cells(it)).map_err(failed));
    let texts = texts.collect::<Result<Vec<_>, _>>()?;
    columns.push(rows.iter().map(|it| tenant(it.scope)));
    columns.push(rows.iter().map(|it| run(it).uuid()));
    columns.push(texts.into_iter());
    Ok(())
}

/// The run that tells of the event.
pub(crate) fn run(event: &NewAssetEvent) -> RunKey {
    match &event.source {
        AssetSource::Task { run, .. } => *run,
        AssetSource::Api { .. } => RunKey::from_uuid(Uuid::nil()),
    }
}

fn cells(event: &NewAssetEvent) -> impl Serialize {
    let (asset, extra, at) = (event.asset.as_str(), storable(&event.extra), micros(event.at));
    match &event.source {
        AssetSource::Api { by } => (asset, extra, at, Some(storable(by)), None, None, None, None),
        AssetSource::Task { dag_id, run_id, task_id, map_index, .. } => {
            let names = (Some(dag_id.as_str()), Some(run_id.as_str()), Some(task_id.as_str()));
            (asset, extra, at, None, names.0, names.1, names.2, Some(map_index.number()))
        }
    }
}
