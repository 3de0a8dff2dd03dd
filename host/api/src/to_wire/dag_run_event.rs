//! What happens to a run.

use control::{DagRunView, RunStatus, TaskSummary};
use model::TaskState;

use super::wait::result_state;
use crate::wire::dag_run_event::{RunPicture, RunStands, TaskStands};

pub(crate) fn run_picture(run: &DagRunView, status: RunStatus, summaries: &[TaskSummary]) -> RunPicture {
    let row = &run.row;
    let dag_run = RunStands {
        dag_id: row.dag_id.to_string(),
        dag_run_id: row.run_id.to_string(),
        state: row.state.as_str(),
        result: result_state(status.result),
        start_date: row.started_at,
        end_date: row.ended_at,
        reason: row.reason.clone(),
        clear_number: row.clears,
    };
    let task = |summary: &TaskSummary| {
        let state = summary.state();
        let counts = summary.counts.iter().filter(|(_, count)| *count > 0);
        TaskStands {
            task_id: run.version.dag().task(summary.node).task_id.to_string(),
            state: (state != TaskState::None).then(|| state.as_str()),
            map_length: summary.length,
            states: counts.map(|(state, count)| (state.as_str(), *count)).collect(),
        }
    };
    RunPicture { dag_run, tasks: summaries.iter().map(task).collect() }
}
