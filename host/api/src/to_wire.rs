//! What use-cases answer → what is sent.

use control::{
    BundleRow, Culprit, DagDetails, DagRunView, DagVersion, DagView, Deployed, Health, InstanceView, LogLevel,
    LogRecord, LogSource, ResultState, RunResult, RunStatus, TryView, WaitEnd, Waited, XcomView,
};
use jiff::Timestamp;
use model::document::TaskKind;
use model::{Dag, NodeIdx, TaskState};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::problem::problem_item;
use crate::wire::bundle::{BundleResponse, DeployResponse, DeployedDagResponse};
use crate::wire::dag::{DagDetailsResponse, DagParamResponse, DagResponse, DagTagResponse};
use crate::wire::dag_run::DagRunResponse;
use crate::wire::dag_version::DagVersionResponse;
use crate::wire::health::{DagProcessorStatus, HealthResponse, PartStatus, SchedulerStatus, TriggererStatus};
use crate::wire::log::LogLineResponse;
use crate::wire::raw_json::RawJson;
use crate::wire::task_instance::{TaskInstanceResponse, TryResponse, UsedResponse};
use crate::wire::wait::{FailedInstance, ResultRef, WaitProgress, WaitResponse};
use crate::wire::xcom::{XcomResponse, XcomValueResponse};

const POOL: &str = "default_pool";
/// Airflow's default, which its clients need as a number where a DAG says nothing.
const MAX_ACTIVE_TASKS: u32 = 16;

/// A text that is JSON, as it is; `null` where it is none, which only damage can cause.
pub(crate) fn raw_json(text: &str) -> RawJson {
    RawJson(RawValue::from_string(text.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned()))
}

/// Airflow's `max_tries` leaves out the first try.
fn retries(max_tries: u32) -> u32 {
    max_tries.saturating_sub(1)
}

fn duration_s(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<f64> {
    Some(to?.duration_since(from?).as_secs_f64())
}

/// Airflow's clients see an instance that waits as one without a state.
fn task_state(state: TaskState) -> Option<&'static str> {
    (state != TaskState::None).then(|| state.as_str())
}

pub(crate) fn dag_version(version: &DagVersion) -> DagVersionResponse {
    let row = &version.row;
    DagVersionResponse {
        id: row.key.uuid(),
        version_number: row.version_number,
        dag_id: row.dag_id.to_string(),
        dag_display_name: version.display_name().to_owned(),
        bundle_name: Some(row.bundle.to_string()),
        bundle_version: Some(row.bundle_version.uuid().to_string()),
        bundle_url: None,
        created_at: row.created_at,
        digest: row.digest.to_string(),
        component: row.component.to_string(),
        label: row.label.clone(),
    }
}

pub(crate) fn dag(view: &DagView) -> DagResponse {
    let DagView { row, current } = view;
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
        timetable_summary: None,
        timetable_description: Some("Never, external triggers only".to_owned()),
        timetable_partitioned: false,
        timetable_periodic: false,
        tags: document.tags.iter().map(tag).collect(),
        max_active_tasks: document.max_active_tasks.unwrap_or(MAX_ACTIVE_TASKS),
        max_active_runs: None,
        max_consecutive_failed_dag_runs: 0,
        has_task_concurrency_limits: document.tasks.iter().any(|task| task.max_active_per_run.is_some()),
        has_import_errors: false,
        next_dagrun_logical_date: None,
        next_dagrun_data_interval_start: None,
        next_dagrun_data_interval_end: None,
        next_dagrun_run_after: None,
        owners: document.owners.clone(),
        is_backfillable: false,
        file_token: row.current.component.to_hex(),
        dag_id,
        dag_display_name,
    }
}

pub(crate) fn dag_details(details: &DagDetails) -> DagDetailsResponse {
    let DagDetails { dag: view, active_runs } = details;
    let document = view.current.dag().document();
    let param = |(name, param): (&model::Key, &model::document::ParamDocument)| {
        let response = DagParamResponse {
            value: param.default.clone(),
            schema: param.schema.clone(),
            description: param.description.clone(),
            required: param.default.is_none(),
        };
        (name.to_string(), response)
    };
    let dag = dag(view);
    DagDetailsResponse {
        catchup: false,
        dag_run_timeout: document.run_timeout_ms.map(|ms| format!("PT{}S", ms as f64 / 1000.0)),
        asset_expression: None,
        doc_md: document.doc_md.clone(),
        start_date: None,
        end_date: None,
        is_paused_upon_creation: None,
        params: document.params.iter().map(param).collect(),
        render_template_as_native_obj: false,
        template_search_path: None,
        timezone: Some("UTC".to_owned()),
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

pub(crate) fn dag_run(view: &DagRunView) -> DagRunResponse {
    let DagRunView { row, version } = view;
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
        triggered_by: Some(row.triggered_by.clone()),
        triggering_user_name: None,
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

pub(crate) fn task_instance(view: &InstanceView) -> TaskInstanceResponse {
    let InstanceView { row, version } = view;
    TaskInstanceResponse {
        id: row.key.uuid(),
        task_id: row.task_id.to_string(),
        dag_id: row.dag_id.to_string(),
        dag_run_id: row.run_id.to_string(),
        map_index: row.key.map_index.number(),
        logical_date: row.logical_date,
        run_after: row.run_after,
        start_date: row.started_at,
        end_date: row.ended_at,
        duration: duration_s(row.started_at, row.ended_at),
        state: task_state(row.state),
        try_number: row.try_number.0,
        max_tries: retries(row.max_tries),
        task_display_name: row.task_id.to_string(),
        dag_display_name: version.display_name().to_owned(),
        hostname: row.worker.map(|worker| worker.to_string()),
        unixname: None,
        pool: POOL,
        pool_slots: 1,
        queue: None,
        priority_weight: None,
        operator: operator(version.dag(), row.task_id.as_str()),
        operator_name: operator(version.dag(), row.task_id.as_str()),
        queued_when: row.scheduled_at,
        scheduled_when: row.scheduled_at,
        pid: None,
        executor: None,
        executor_config: "{}",
        note: None,
        rendered_map_index: None,
        rendered_fields: serde_json::Map::new(),
        trigger: None,
        triggerer_job: None,
        dag_version: Some(dag_version(version)),
        reason: row.reason.clone(),
        retry_at: row.retry_at,
    }
}

fn operator(dag: &Dag, task_id: &str) -> Option<&'static str> {
    Some(match dag.task(dag.find(task_id)?).kind {
        TaskKind::Task => "task",
        TaskKind::Empty => "empty",
    })
}

pub(crate) fn task_try(view: &TryView) -> TryResponse {
    let state = task_state(view.state());
    let TryView { instance: InstanceView { row, version }, try_number, last, is_current } = view;
    let started = last.as_ref().map(|last| last.started_at).or(row.started_at.filter(|_| *is_current));
    let ended = last.as_ref().map(|last| last.ended_at).or(row.ended_at.filter(|_| *is_current));
    TryResponse {
        task_id: row.task_id.to_string(),
        dag_id: row.dag_id.to_string(),
        dag_run_id: row.run_id.to_string(),
        map_index: row.key.map_index.number(),
        start_date: started,
        end_date: ended,
        duration: duration_s(started, ended),
        state,
        try_number: try_number.0,
        max_tries: retries(row.max_tries),
        task_display_name: row.task_id.to_string(),
        dag_display_name: version.display_name().to_owned(),
        hostname: row.worker.map(|worker| worker.to_string()).filter(|_| *is_current),
        unixname: None,
        pool: POOL,
        pool_slots: 1,
        queue: None,
        priority_weight: None,
        operator: operator(version.dag(), row.task_id.as_str()),
        operator_name: operator(version.dag(), row.task_id.as_str()),
        queued_when: row.scheduled_at.filter(|_| *is_current),
        scheduled_when: row.scheduled_at.filter(|_| *is_current),
        pid: None,
        executor: None,
        executor_config: "{}",
        dag_version: Some(dag_version(version)),
        end: last.as_ref().map(|last| last.end.as_str()),
        message: last.as_ref().and_then(|last| last.message.clone()),
        used: last.as_ref().map(|last| UsedResponse {
            wall_us: last.used.wall_us,
            cpu_us: last.used.cpu_us,
            memory_bytes: last.used.memory_bytes,
        }),
    }
}

pub(crate) fn xcom(view: &XcomView) -> XcomResponse {
    let XcomView { run, task_id, row } = view;
    XcomResponse {
        key: row.key.to_string(),
        timestamp: row.created_at,
        logical_date: run.row.logical_date,
        map_index: row.map_index.number(),
        task_id: task_id.to_string(),
        dag_id: run.row.dag_id.to_string(),
        run_id: run.row.run_id.to_string(),
        dag_display_name: run.version.display_name().to_owned(),
        task_display_name: task_id.to_string(),
        run_after: run.row.run_after,
    }
}

pub(crate) fn xcom_value(view: &XcomView, text: &str, stringify: bool) -> XcomValueResponse {
    let value = if stringify { raw_json(&Value::from(text).to_string()) } else { raw_json(text) };
    XcomValueResponse { xcom: xcom(view), value }
}

pub(crate) fn log_line(record: LogRecord) -> LogLineResponse {
    LogLineResponse {
        timestamp: record.at,
        event: record.message,
        level: match record.level {
            LogLevel::Trace => "trace",
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warning",
            LogLevel::Error => "error",
        },
        logger: match record.source {
            LogSource::Stdout => "stdout",
            LogSource::Stderr => "stderr",
            LogSource::Log => "log",
            LogSource::Waft => "waft",
        },
    }
}

pub(crate) fn wait_progress(
    status: RunStatus,
    dag: &Dag,
    counts: Option<&[(NodeIdx, TaskState, u64)]>,
) -> WaitProgress {
    let tasks = counts.map(|counts| {
        let mut tasks = indexmap::IndexMap::<String, indexmap::IndexMap<&'static str, u64>>::new();
        for &(node, state, count) in counts {
            tasks.entry(dag.task(node).task_id.to_string()).or_default().insert(state.as_str(), count);
        }
        tasks
    });
    let RunStatus { state, result, generation } = status;
    WaitProgress { state: state.as_str(), result: result_state(result), generation, tasks }
}

fn result_state(result: ResultState) -> &'static str {
    match result {
        ResultState::Pending => "pending",
        ResultState::Available => "available",
        ResultState::Impossible => "impossible",
    }
}

pub(crate) fn waited(waited: Waited) -> WaitResponse {
    let Waited { run, end, results } = waited;
    let dag_run = dag_run(&run);
    let task_path = |task_id: &str| {
        format!("/api/v2/dags/{}/dagRuns/{}/taskInstances/{task_id}", dag_run.dag_id, dag_run.dag_run_id)
    };
    let (mut values, mut refs) = (indexmap::IndexMap::new(), indexmap::IndexMap::new());
    for (task_id, result) in results {
        match result {
            RunResult::None => _ = values.insert(task_id.to_string(), raw_json("null")),
            RunResult::Value(text) => _ = values.insert(task_id.to_string(), raw_json(&text)),
            RunResult::Blob { digest, size_bytes } => {
                let href = format!("/api/v2/blobs/{digest}");
                refs.insert(task_id.to_string(), ResultRef { href, size_bytes: Some(size_bytes), count: None });
            }
            RunResult::Sequence { count } => {
                let href = format!("{}/xcomEntries?xcom_key=return_value", task_path(task_id.as_str()));
                refs.insert(task_id.to_string(), ResultRef { href, size_bytes: None, count: Some(count) });
            }
        }
    }
    let (result, failed) = match end {
        WaitEnd::ResultAvailable => (ResultState::Available, None),
        WaitEnd::ResultImpossible(culprit) => (ResultState::Impossible, culprit.map(failed_instance)),
        WaitEnd::TimedOut => (ResultState::Pending, None),
    };
    WaitResponse {
        dag_id: dag_run.dag_id.clone(),
        dag_run_id: dag_run.dag_run_id.clone(),
        state: dag_run.state,
        result: result_state(result),
        results: values,
        result_refs: refs,
        failed,
        timed_out: result == ResultState::Pending,
        dag_run,
    }
}

fn failed_instance(culprit: Culprit) -> FailedInstance {
    let Culprit { task_id, map_index, state, message } = culprit;
    FailedInstance { task_id: task_id.to_string(), map_index: map_index.number(), state: state.as_str(), message }
}

pub(crate) fn deployed(deployed: &Deployed) -> DeployResponse {
    let dag = |dag: &control::DeployedDag| DeployedDagResponse {
        dag_id: dag.dag_id.to_string(),
        version_id: dag.version.map(|key| key.uuid()),
        version_number: dag.version_number,
        digest: dag.digest.to_string(),
        created: dag.created,
    };
    DeployResponse {
        name: deployed.name.to_string(),
        bundle_version: deployed.key.map(|key| key.uuid()),
        component: deployed.component.to_string(),
        size_bytes: deployed.size_bytes,
        created: deployed.created,
        dry_run: deployed.dry_run,
        dags: deployed.dags.iter().map(dag).collect(),
        warnings: deployed.warnings.iter().map(problem_item).collect(),
    }
}

pub(crate) fn bundle(row: &BundleRow) -> BundleResponse {
    BundleResponse {
        name: row.name.to_string(),
        bundle_version: row.current.uuid(),
        component: row.component.to_string(),
        updated_at: row.updated_at,
    }
}

pub(crate) fn health(health: Health) -> HealthResponse {
    let status = |is_healthy: bool| Some(if is_healthy { "healthy" } else { "unhealthy" });
    let is_healthy = health.is_database_healthy;
    HealthResponse {
        metadatabase: PartStatus { status: status(is_healthy) },
        scheduler: SchedulerStatus { status: status(is_healthy), latest_scheduler_heartbeat: Some(health.checked_at) },
        triggerer: TriggererStatus { status: None, latest_triggerer_heartbeat: None },
        dag_processor: DagProcessorStatus { status: None, latest_dag_processor_heartbeat: None },
    }
}
