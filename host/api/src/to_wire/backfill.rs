//! Backfills.

use control::{BackfillView, PlannedDate};
use model::{BackfillState, SliceState};

use super::raw_json;
use crate::wire::backfill::{BackfillResponse, DryRunBackfillResponse};

pub(crate) fn backfill(view: &BackfillView) -> BackfillResponse {
    let BackfillView { row, display_name, dates } = view;
    let count = |state: &SliceState| (state.as_str(), dates.get(state).copied().unwrap_or_default());
    BackfillResponse {
        id: row.id.number(),
        dag_id: row.dag_id.to_string(),
        dag_display_name: display_name.clone(),
        from_date: row.from,
        to_date: row.to,
        dag_run_conf: raw_json(&row.conf),
        is_paused: row.state == BackfillState::Paused,
        reprocess_behavior: row.reprocess.as_str(),
        max_active_runs: row.max_active_runs,
        created_at: row.created_at,
        completed_at: row.ended_at,
        updated_at: row.updated_at,
        state: row.state.as_str(),
        run_backwards: row.is_backwards,
        triggering_user_name: row.created_by.clone(),
        dates: SliceState::ALL.iter().map(count).collect(),
    }
}

pub(crate) fn planned_date(planned: &PlannedDate) -> DryRunBackfillResponse {
    let PlannedDate { logical_date, is_cleared } = *planned;
    let action = if is_cleared { "clear" } else { "create" };
    DryRunBackfillResponse { logical_date, partition_key: None, partition_date: None, action }
}
