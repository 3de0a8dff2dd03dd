//! Tasks of DAGs.

use control::DagVersion;
use model::NodeIdx;
use model::document::{ParamDocument, TaskDocument, WeightRule};
use model::limits::task::RETRY_DELAY_DEFAULT_MS;

use super::dag::dag_param;
use super::task_instance::pool;
use crate::wire::task::{TaskBodyResponse, TaskResponse, TimeDeltaResponse};

const DAY_MS: u64 = 24 * 3600 * 1000;
/// Airflow's clients need colours; Waft's tasks have none of their own.
const COLOR: &str = "#fff";
const TEXT_COLOR: &str = "#000";

pub(crate) fn task(version: &DagVersion, node: NodeIdx) -> TaskResponse {
    let dag = version.dag();
    let (document, task, graph) = (dag.document(), dag.task(node), dag.node(node));
    let param = |(name, param): (&model::Key, &ParamDocument)| (name.to_string(), dag_param(param));
    TaskResponse {
        task_id: task.task_id.to_string(),
        task_display_name: task.task_id.to_string(),
        operator_name: task.kind.as_str(),
        owner: document.owners.first().cloned(),
        start_date: document.start_date,
        end_date: document.end_date,
        trigger_rule: task.rule().as_str(),
        depends_on_past: task.depends_on_past,
        wait_for_downstream: task.wait_for_downstream,
        is_mapped: graph.scope != model::ScopeIdx::RUN,
        retries: task.retries,
        queue: None,
        pool: pool(task),
        pool_slots: task.pool_slots.unwrap_or(1),
        execution_timeout: task.timeout_ms.map(time_delta),
        retry_delay: time_delta(task.retry_delay_ms.unwrap_or(RETRY_DELAY_DEFAULT_MS)),
        retry_exponential_backoff: task.retry_multiplier_milli.map_or(0.0, |milli| f64::from(milli) / 1000.0),
        priority_weight: graph.priority_weight,
        weight_rule: weight_rule(task),
        ui_color: COLOR,
        ui_fgcolor: TEXT_COLOR,
        template_fields: Vec::new(),
        downstream_task_ids: graph.downstream.iter().map(|node| dag.task(*node).task_id.to_string()).collect(),
        doc_md: task.doc_md.clone(),
        class_ref: task.kind.has_body().then(|| TaskBodyResponse {
            module_path: version.row.component.to_string(),
            class_name: task.entrypoint.as_ref().map_or(task.task_id.as_str(), |it| it.as_str()).to_owned(),
        }),
        params: (!task.form.is_empty()).then(|| task.form.iter().map(param).collect()),
        extra_links: Vec::new(),
    }
}

fn weight_rule(task: &TaskDocument) -> &'static str {
    match task.weight_rule {
        WeightRule::Downstream => "downstream",
        WeightRule::Upstream => "upstream",
        WeightRule::Absolute => "absolute",
    }
}

fn time_delta(ms: u64) -> TimeDeltaResponse {
    let rest = ms % DAY_MS;
    TimeDeltaResponse { kind: "TimeDelta", days: ms / DAY_MS, seconds: rest / 1000, microseconds: rest % 1000 * 1000 }
}
