//! DAGs.

use control::{DagDetails, DagView};
use model::document::ParamDocument;
use model::limits::schedule::ACTIVE_RUNS_DEFAULT;
use model::schedule::Schedule;

use super::{dag_version, schedule};
use crate::wire::dag::{DagDetailsResponse, DagParamResponse, DagResponse, DagTagResponse};

/// Airflow's default, which its clients need as a number where a DAG says nothing.
const MAX_ACTIVE_TASKS: u32 = 16;

pub(crate) fn dag(view: &DagView) -> DagResponse {
    let DagView { row, current, next, pause_reason } = view;
    let document = current.dag().document();
    let dag_id = row.dag_id.to_string();
    let dag_display_name = current.display_name().to_owned();
    let tag = |name: &String| DagTagResponse {
        name: name.clone(),
        dag_id: dag_id.clone(),
        dag_display_name: dag_display_name.clone(),
    };
    DagResponse {
        is_paused: row.is_paused,
        is_stale: row.is_stale,
        last_parsed_time: Some(row.updated_at),
        last_parse_duration: None,
        last_expired: None,
        bundle_name: Some(row.bundle.to_string()),
        bundle_version: Some(row.current.bundle_version.uuid().to_string()),
        relative_fileloc: None,
        fileloc: row.current.component.to_string(),
        description: document.description.clone(),
        timetable_summary: document.schedule.as_ref().map(schedule::summary),
        timetable_description: Some(schedule::description(document.schedule.as_ref())),
        timetable_partitioned: false,
        timetable_periodic: current.is_backfillable(),
        tags: document.tags.iter().map(tag).collect(),
        max_active_tasks: document.max_active_tasks.unwrap_or(MAX_ACTIVE_TASKS),
        max_active_runs: Some(document.max_active_runs.unwrap_or(ACTIVE_RUNS_DEFAULT)),
        max_consecutive_failed_dag_runs: document.max_consecutive_failed_runs.unwrap_or(0),
        has_task_concurrency_limits: document.tasks.iter().any(|task| task.max_active_per_run.is_some()),
        has_import_errors: false,
        next_dagrun_logical_date: next.map(|next| next.logical_date),
        next_dagrun_data_interval_start: next.map(|next| next.data_interval.0),
        next_dagrun_data_interval_end: next.map(|next| next.data_interval.1),
        next_dagrun_run_after: next.map(|next| next.run_after),
        owners: document.owners.clone(),
        is_backfillable: current.is_backfillable(),
        pause_reason: pause_reason.clone().filter(|_| row.is_paused),
        file_token: row.current.component.to_hex(),
        dag_id,
        dag_display_name,
    }
}

pub(crate) fn dag_details(details: &DagDetails) -> DagDetailsResponse {
    let DagDetails { dag: view, active_runs } = details;
    let document = view.current.dag().document();
    let param = |(name, param): (&model::Key, &ParamDocument)| (name.to_string(), dag_param(param));
    let dag = dag(view);
    DagDetailsResponse {
        catchup: document.catchup,
        dag_run_timeout: document.run_timeout_ms.map(|ms| format!("PT{}S", ms as f64 / 1000.0)),
        asset_expression: document.schedule.as_ref().and_then(Schedule::assets).map(schedule::asset_expression),
        doc_md: document.doc_md.clone(),
        start_date: document.start_date,
        end_date: document.end_date,
        is_paused_upon_creation: None,
        params: document.params.iter().map(param).collect(),
        render_template_as_native_obj: false,
        template_search_path: None,
        timezone: Some(schedule::timezone(document.schedule.as_ref())),
        last_parsed: Some(view.row.updated_at),
        default_args: Default::default(),
        owner_links: Default::default(),
        is_favorite: false,
        active_runs_count: *active_runs,
        concurrency: dag.max_active_tasks,
        latest_dag_version: Some(dag_version(&view.current)),
        dag,
    }
}

/// A parameter, or a field of a form.
pub(crate) fn dag_param(param: &ParamDocument) -> DagParamResponse {
    DagParamResponse {
        value: param.default.clone(),
        schema: param.schema.clone(),
        description: param.description.clone(),
        required: param.default.is_none(),
    }
}
