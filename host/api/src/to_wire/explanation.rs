//! Why an instance does not run now.

use control::{ExplanationView, Reason};
use indexmap::IndexMap;
use model::{Dag, TaskState};

use super::task_instance::{pool, task_state};
use crate::wire::task_instance::{
    ExplanationResponse, PendingTaskResponse, ReasonResponse, TaskDependencyCollection, TaskDependencyResponse,
};

pub(crate) fn explanation(view: &ExplanationView) -> ExplanationResponse {
    let dag = view.run.version.dag();
    let task = dag.task(view.node);
    let mut upstream = IndexMap::<String, IndexMap<&'static str, u64>>::new();
    for (node, state, count) in &view.upstream {
        upstream.entry(dag.task(*node).task_id.to_string()).or_default().insert(state.as_str(), *count);
    }
    let first = view.reasons.first();
    ExplanationResponse {
        dag_id: view.run.row.dag_id.to_string(),
        dag_run_id: view.run.row.run_id.to_string(),
        task_id: task.task_id.to_string(),
        map_index: view.map_index.number(),
        state: task_state(view.state),
        run_state: view.run.row.state.as_str(),
        code: first.map_or("ready", |reason| reason.code),
        message: first.map(|reason| reason.message.clone()).unwrap_or_default(),
        reasons: view.reasons.iter().map(|it| reason(dag, it)).collect(),
        trigger_rule: view.rule().as_str(),
        upstream,
        pool: pool(task),
        pool_slots: task.pool_slots.unwrap_or(1),
        priority_weight: dag.node(view.node).priority_weight,
    }
}

/// The same as Airflow's clients ask for it: what keeps an instance that has not begun.
pub(crate) fn dependencies(view: &ExplanationView) -> TaskDependencyCollection {
    let has_begun = matches!(view.state, TaskState::Running) || view.state.is_ended();
    let told = view.reasons.iter().filter(|reason| !has_begun && reason.code != "ready");
    let dependency = |reason: &Reason| TaskDependencyResponse { name: reason.code, reason: reason.message.clone() };
    TaskDependencyCollection { dependencies: told.map(dependency).collect() }
}

fn reason(dag: &Dag, reason: &Reason) -> ReasonResponse {
    let pending = |(node, pending): &(model::NodeIdx, Option<u32>)| PendingTaskResponse {
        task_id: dag.task(*node).task_id.to_string(),
        pending: *pending,
    };
    ReasonResponse {
        code: reason.code,
        message: reason.message.clone(),
        tasks: reason.tasks.iter().map(pending).collect(),
        until: reason.until,
        active: reason.limit.map(|(active, _)| active),
        cap: reason.limit.map(|(_, cap)| cap),
    }
}
