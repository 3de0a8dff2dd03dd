//! Runs.

use control::DagRunView;
use model::RunType;

use super::{dag_version, duration_s, raw_json};
use crate::wire::dag_run::DagRunResponse;

pub(crate) fn dag_run(view: &DagRunView) -> DagRunResponse {
    let DagRunView { row, version, .. } = view;
    DagRunResponse {
        dag_run_id: row.run_id.to_string(),
        dag_id: row.dag_id.to_string(),
        dag_display_name: version.display_name().to_owned(),
        logical_date: row.logical_date,
        queued_at: Some(row.queued_at),
        start_date: row.started_at,
        end_date: row.ended_at,
        duration: duration_s(row.started_at, row.ended_at),
        data_interval_start: row.data_interval.map(|(start, _)| start),
        data_interval_end: row.data_interval.map(|(_, end)| end),
        run_after: row.run_after,
        last_scheduling_decision: None,
        run_type: row.run_type.as_str(),
        state: row.state.as_str(),
        triggered_by: Some(triggered_by(view)),
        triggering_user_name: (row.run_type == RunType::Backfill).then(|| row.triggered_by.clone()),
        conf: raw_json(&row.conf),
        note: row.note.clone(),
        dag_versions: vec![dag_version(version)],
        bundle_version: Some(version.row.bundle_version.uuid().to_string()),
        partition_key: None,
        run_key: row.key.to_string(),
        params: raw_json(&row.params),
        reason: row.reason.clone(),
        clear_number: row.clears,
    }
}

/// What made the run, in Airflow's words. Rows of backfills say who wanted them.
fn triggered_by(view: &DagRunView) -> String {
    match view.row.run_type {
        RunType::Manual => view.row.triggered_by.clone(),
        RunType::Scheduled => "timetable".to_owned(),
        RunType::Backfill => "backfill".to_owned(),
        RunType::AssetTriggered => "asset".to_owned(),
    }
}
