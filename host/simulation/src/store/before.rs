//! The run before another one of its DAG.

use model::{MapIndex, RunKey, RunType, TaskState, TenantScope};
use store::{RunBefore, RunRow, TaskBefore};

use super::rows::{Run, Tables};

impl Tables {
    pub(crate) fn before(&self, scope: TenantScope, run: RunKey) -> Option<RunBefore> {
        let of = &self.runs.get(&(scope, run))?.row;
        let is_like = |row: &RunRow| {
            row.dag_id == of.dag_id
                && (row.run_type != RunType::Backfill || (of.backfill.is_some() && row.backfill == of.backfill))
        };
        let runs = self.runs_of(scope).filter(|it| is_like(&it.row));
        let before = match of.logical_date {
            Some(date) => {
                let earlier = runs.filter(|it| it.row.logical_date.is_some_and(|its| its < date));
                earlier.max_by_key(|it| it.row.logical_date)
            }
            None => {
                let place = |row: &RunRow| (row.run_after, row.key);
                runs.filter(|it| place(&it.row) < place(of)).max_by_key(|it| place(&it.row))
            }
        }?;
        let tasks = before.nodes.values().map(|node| {
            let last = node.map_length.filter(|length| *length > 0).map_or(MapIndex::NONE, |it| MapIndex::at(it - 1));
            let well = [TaskState::Success, TaskState::Skipped, TaskState::Removed];
            let is_met = before.instances.contains_key(&(node.node, last))
                && Run::of_node(&before.instances, node.node).all(|row| well.contains(&row.short.state));
            TaskBefore { task_id: node.task_id.clone(), is_met }
        });
        let tasks = tasks.collect();
        Some(RunBefore { key: before.row.key, run_id: before.row.run_id.clone(), state: before.row.state, tasks })
    }
}
