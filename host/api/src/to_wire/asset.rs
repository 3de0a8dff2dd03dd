//! Assets and their events.

use control::{AssetEventView, AssetSource, AssetUse, AssetView, RunRow, WaitingEvent};

use super::raw_json;
use crate::wire::asset::{
    AssetDagResponse, AssetEventResponse, AssetResponse, AssetRunResponse, AssetTaskResponse, LastAssetEventResponse,
    QueuedEventResponse,
};

/// Airflow's name of the group of what is in none.
const GROUP: &str = "asset";
const UNMAPPED: i32 = -1;

pub(crate) fn asset(view: &AssetView) -> AssetResponse {
    let AssetView { row, users, last_event } = view;
    let (created_at, updated_at) = (row.created_at, row.updated_at);
    let of = |kind| users.iter().filter(move |user| user.kind == kind);
    let tasks = |kind| {
        let task = |user: &control::AssetUser| AssetTaskResponse {
            dag_id: user.dag_id.to_string(),
            task_id: user.task_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            created_at,
            updated_at,
        };
        of(kind).map(task).collect()
    };
    let dag = |user: &control::AssetUser| AssetDagResponse { dag_id: user.dag_id.to_string(), created_at, updated_at };
    AssetResponse {
        id: row.id.number(),
        name: row.name.to_string(),
        uri: row.uri.clone().unwrap_or_else(|| row.name.to_string()),
        group: row.group.clone().unwrap_or_else(|| GROUP.to_owned()),
        extra: raw_json(&row.extra),
        created_at,
        updated_at,
        scheduled_dags: of(AssetUse::Awaited).map(dag).collect(),
        producing_tasks: tasks(AssetUse::Produced),
        consuming_tasks: tasks(AssetUse::Read),
        aliases: Vec::new(),
        watchers: Vec::new(),
        last_asset_event: last_event
            .as_ref()
            .map(|event| LastAssetEventResponse { id: event.id.number(), timestamp: event.at }),
    }
}

pub(crate) fn asset_event(view: &AssetEventView) -> AssetEventResponse {
    let AssetEventView { row, uri, group, runs } = view;
    let told = AssetEventResponse {
        id: row.id.number(),
        asset_id: row.asset.number(),
        name: row.name.to_string(),
        uri: uri.clone().unwrap_or_else(|| row.name.to_string()),
        group: group.clone().unwrap_or_else(|| GROUP.to_owned()),
        extra: raw_json(&row.extra),
        source_task_id: None,
        source_dag_id: None,
        source_run_id: None,
        source_map_index: UNMAPPED,
        source_user_name: None,
        created_dagruns: runs.iter().map(asset_run).collect(),
        timestamp: row.at,
        partition_key: None,
    };
    match &row.source {
        AssetSource::Api { by } => AssetEventResponse { source_user_name: Some(by.clone()), ..told },
        AssetSource::Task { dag_id, run_id, task_id, map_index, .. } => AssetEventResponse {
            source_task_id: Some(task_id.to_string()),
            source_dag_id: Some(dag_id.to_string()),
            source_run_id: Some(run_id.to_string()),
            source_map_index: map_index.number(),
            ..told
        },
    }
}

fn asset_run(row: &RunRow) -> AssetRunResponse {
    AssetRunResponse {
        run_id: row.run_id.to_string(),
        dag_id: row.dag_id.to_string(),
        logical_date: row.logical_date,
        start_date: row.started_at.unwrap_or(row.queued_at),
        end_date: row.ended_at,
        state: row.state.as_str(),
        data_interval_start: row.data_interval.map(|(start, _)| start),
        data_interval_end: row.data_interval.map(|(_, end)| end),
        partition_key: None,
    }
}

pub(crate) fn queued_event(dag_id: &model::DagId, event: &WaitingEvent) -> QueuedEventResponse {
    QueuedEventResponse {
        dag_id: dag_id.to_string(),
        dag_display_name: dag_id.to_string(),
        asset_id: event.asset.number(),
        created_at: event.at,
    }
}
