//! The rows of a run that begins.

use std::collections::HashMap;

use jiff::Timestamp;
use model::{NodeIdx, RunState};
use plan::ExpansionDecision;
use store::{NewNode, NewRun};

use crate::command::NewTrigger;
use crate::given::Given;

/// A run that is queued. Lengths that are known already stand in its tasks' rows from the beginning, for there are no rows yet
/// that an expansion could replace.
pub(crate) fn new_run(trigger: NewTrigger, given: &Given, known: &[ExpansionDecision], now: Timestamp) -> NewRun {
    let dag = &trigger.version.dag;
    let known: HashMap<NodeIdx, u32> = known.iter().map(|it| (it.node, it.length)).collect();
    let node = |node: NodeIdx| NewNode {
        node,
        task_id: dag.task(node).task_id.clone(),
        map_length: known.get(&node).copied(),
    };
    let nodes = dag.indices().map(node).collect();
    NewRun {
        scope: trigger.version.scope,
        key: trigger.key,
        dag_id: trigger.version.dag_id.clone(),
        run_id: trigger.run_id,
        version: trigger.version.key,
        run_type: trigger.run_type,
        state: RunState::Queued,
        conf: trigger.conf,
        params: trigger.params,
        note: trigger.note,
        triggered_by: trigger.triggered_by,
        logical_date: trigger.logical_date,
        data_interval: trigger.data_interval,
        run_after: trigger.run_after,
        queued_at: now,
        is_latest: trigger.is_latest,
        variables: given.variables.clone(),
        parent: trigger.parent,
        backfill: trigger.backfill,
        idempotency: trigger.idempotency,
        started_at: None,
        nodes,
        log: trigger.log,
    }
}
