//! Task instances and their tries.

use control::{DEFAULT_QUEUE, DagRunView, InstanceView, TaskSummary, TryView};
use jiff::Timestamp;
use model::document::TaskDocument;
use model::{DEFAULT_POOL, ScopeIdx, TaskState};

use super::{dag_version, duration_s};
use crate::wire::task_instance::{TaskInstanceResponse, TaskSummaryResponse, TriedInstance, TryResponse, UsedResponse};

pub(crate) fn task_instance(view: &InstanceView) -> TaskInstanceResponse {
    let row = &view.row;
    TaskInstanceResponse {
        id: row.key.uuid(),
        tried: TriedInstance {
            state: task_state(row.state),
            try_number: row.try_number.0,
            hostname: row.worker.map(|worker| worker.to_string()),
            queued_when: row.scheduled_at,
            scheduled_when: row.scheduled_at,
            ..tried(view, row.started_at, row.ended_at)
        },
        logical_date: row.logical_date,
        run_after: row.run_after,
        note: view.note.clone(),
        rendered_map_index: view.name.clone(),
        rendered_fields: serde_json::Map::new(),
        trigger: None,
        triggerer_job: None,
        reason: row.reason.clone(),
        retry_at: row.retry_at,
    }
}

pub(crate) fn task_try(view: &TryView) -> TryResponse {
    let state = task_state(view.state());
    let TryView { instance, try_number, last, is_current } = view;
    let row = &instance.row;
    let started = last.as_ref().map(|last| last.started_at).or(row.started_at.filter(|_| *is_current));
    let ended = last.as_ref().map(|last| last.ended_at).or(row.ended_at.filter(|_| *is_current));
    TryResponse {
        tried: TriedInstance {
            state,
            try_number: try_number.0,
            hostname: row.worker.map(|worker| worker.to_string()).filter(|_| *is_current),
            queued_when: row.scheduled_at.filter(|_| *is_current),
            scheduled_when: row.scheduled_at.filter(|_| *is_current),
            ..tried(instance, started, ended)
        },
        end: last.as_ref().map(|last| last.end.as_str()),
        message: last.as_ref().and_then(|last| last.message.clone()),
        used: last.as_ref().map(|last| UsedResponse {
            wall_us: last.used.wall_us,
            cpu_us: last.used.cpu_us,
            memory_bytes: last.used.memory_bytes,
        }),
    }
}

/// What is the same for an instance and each of its tries, and the times of one.
fn tried(view: &InstanceView, started: Option<Timestamp>, ended: Option<Timestamp>) -> TriedInstance {
    let InstanceView { row, version, .. } = view;
    let dag = version.dag();
    let node = dag.find(row.task_id.as_str());
    let task = node.map(|node| dag.task(node));
    let operator = task.map(|task| task.kind.as_str());
    TriedInstance {
        task_id: row.task_id.to_string(),
        dag_id: row.dag_id.to_string(),
        dag_run_id: row.run_id.to_string(),
        map_index: row.key.map_index.number(),
        start_date: started,
        end_date: ended,
        duration: duration_s(started, ended),
        state: None,
        try_number: 0,
        max_tries: retries(row.max_tries),
        task_display_name: row.task_id.to_string(),
        dag_display_name: version.display_name().to_owned(),
        hostname: None,
        unixname: None,
        pool: task.map_or_else(|| DEFAULT_POOL.to_owned(), pool),
        pool_slots: task.and_then(|task| task.pool_slots).unwrap_or(1),
        queue: Some(DEFAULT_QUEUE),
        priority_weight: node.map(|node| dag.node(node).priority_weight),
        operator,
        operator_name: operator,
        queued_when: None,
        scheduled_when: None,
        pid: None,
        executor: None,
        executor_config: "{}",
        dag_version: Some(dag_version(version)),
    }
}

/// Airflow's `max_tries` leaves out the first try.
fn retries(max_tries: u32) -> u32 {
    max_tries.saturating_sub(1)
}

/// Airflow's clients see an instance that waits as one without a state.
pub(super) fn task_state(state: TaskState) -> Option<&'static str> {
    (state != TaskState::None).then(|| state.as_str())
}

pub(super) fn pool(task: &TaskDocument) -> String {
    task.pool.as_ref().map_or(DEFAULT_POOL, |pool| pool.as_str()).to_owned()
}

/// How a task of a run stands.
pub(crate) fn task_summary(run: &DagRunView, summary: &TaskSummary) -> TaskSummaryResponse {
    let dag = run.version.dag();
    let task_id = run.task_id(summary.node).to_string();
    TaskSummaryResponse {
        task_display_name: task_id.clone(),
        task_id,
        is_mapped: dag.node(summary.node).scope != ScopeIdx::RUN,
        map_length: summary.length,
        state: task_state(summary.state()),
        counts: summary.counts.iter().map(|(state, count)| (state.as_str(), *count)).collect(),
    }
}
