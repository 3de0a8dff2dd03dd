//! Why an instance does not run now, as far as its run knows it.

use jiff::Timestamp;
use model::{MapIndex, RunState, TaskId};
use plan::{Explanation, MachineLimits, RunMachine};

use super::{Beyond, ControlError, Explained};
use crate::recovery::Recovered;

/// Of a run that is not in memory.
pub(crate) fn explained(
    read: &Recovered,
    limits: MachineLimits,
    now: Timestamp,
    task_id: TaskId,
    map_index: MapIndex,
) -> Result<Explained, ControlError> {
    let run = &read.snapshot.run;
    let Some(node) = read.version.dag.find(task_id.as_str()) else { return Err(ControlError::UnknownTask(task_id)) };
    if run.state == RunState::Queued {
        let beyond = vec![Beyond::RunQueued { run_after: run.run_after }];
        return Ok(Explained { task_id, map_index, instance: None, beyond });
    }
    let machine = read.view(limits, now);
    let explanation = machine.explain(node, map_index);
    if explanation == Explanation::Unknown {
        return Err(ControlError::UnknownInstance { task_id: task_id.to_string(), map_index });
    }
    let beyond = lost_executions(&machine, node, map_index).into_iter().collect();
    Ok(Explained { task_id, map_index, instance: Some(explanation), beyond })
}

/// What is to be said of executions that were lost.
pub(crate) fn lost_executions(machine: &RunMachine, node: model::NodeIdx, map_index: MapIndex) -> Option<Beyond> {
    let (lost, suspect) = machine.lost_executions(node, map_index)?;
    (lost > 0 || suspect).then_some(Beyond::LostExecutions { lost, suspect })
}
