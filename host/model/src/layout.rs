//! Where the tasks of a run stand. Rows know a task by its number, which is its place in the version that the run began with.
//!
//! A run that goes on under a version with other tasks keeps its numbers: what is gone leaves its place to a stand-in that never runs, what
//! is new comes after all others. So its DAG is that of its version with the tasks in other places, a *laid out* one. Whoever reads the
//! rows of a run together with its DAG lays it out first.
//! Not here: which numbers a run gives to the tasks of another version (`scheduler`).

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::json;

use crate::document::{TaskDocument, TaskKind};
use crate::{Dag, NodeIdx, Problem, TaskId};

/// A DAG whose tasks stand where those of a run do.
#[derive(Debug, Clone)]
pub struct LaidOut {
    pub dag: Dag,
    /// Places of tasks that the version does not have, or has in another place. Nothing runs there, and nothing depends on it.
    pub gone: BTreeSet<NodeIdx>,
}

impl Dag {
    /// The DAG with its tasks in the places of a run's, of which these are the names by number; of a name that stands twice the last one
    /// counts. `None` where they stand there already. A place too many may make it larger than a DAG may be.
    pub fn laid_out(&self, tasks: &[&TaskId]) -> Result<Option<LaidOut>, Vec<Problem>> {
        let is_own = self.len() == tasks.len()
            && self.indices().zip(tasks).all(|(node, task_id)| self.task(node).task_id == **task_id);
        if is_own {
            return Ok(None);
        }
        let last: HashMap<&TaskId, usize> = tasks.iter().enumerate().map(|(at, task_id)| (*task_id, at)).collect();
        let mut document = self.document().clone();
        let of_group = document.groups.iter().map(|group| group.group_id.as_str());
        let of_task = document.tasks.iter().map(|task| task.task_id.as_str());
        let taken: HashSet<String> = of_group.chain(of_task).map(str::to_owned).collect();
        let mut own: HashMap<TaskId, TaskDocument> =
            document.tasks.iter().map(|task| (task.task_id.clone(), task.clone())).collect();
        let (mut placed, mut gone) = (Vec::with_capacity(tasks.len()), BTreeSet::new());
        for (at, task_id) in tasks.iter().enumerate() {
            let task = if last[task_id] == at { own.remove(*task_id) } else { None };
            placed.push(match task {
                Some(task) => task,
                None => {
                    gone.insert(NodeIdx(at as u32));
                    stand_in(at, &taken).map_err(|problem| vec![problem])?
                }
            });
        }
        let rest = std::mem::take(&mut document.tasks).into_iter().filter(|task| own.contains_key(&task.task_id));
        placed.extend(rest);
        document.tasks = placed;
        let (dag, _warnings) = Dag::check(document)?;
        Ok(Some(LaidOut { dag, gone }))
    }
}

/// What stands in the place of a task that is gone, under a name that nothing else has.
fn stand_in(at: usize, taken: &HashSet<String>) -> Result<TaskDocument, Problem> {
    let mut name = format!("removed.{at}");
    while taken.contains(&name) {
        name.push('.');
    }
    let invalid = |error: serde_json::Error| Problem::error("invalid-id", format!("/tasks/{at}"), error.to_string());
    serde_json::from_value(json!({"task_id": name, "kind": TaskKind::Empty})).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dag(tasks: &[&str], edges: &[(&str, &str)]) -> Dag {
        let tasks: Vec<_> = tasks.iter().map(|task_id| json!({"task_id": task_id})).collect();
        let edges: Vec<_> = edges.iter().map(|(from, to)| json!({"from": from, "to": to})).collect();
        let document = json!({"schema": crate::document::SCHEMA, "dag_id": "d", "tasks": tasks, "edges": edges});
        Dag::check(serde_json::from_value(document).unwrap()).unwrap().0
    }

    fn names(names: &[&str]) -> Vec<TaskId> {
        names.iter().map(|name| TaskId::new(name).unwrap()).collect()
    }

    #[test]
    fn tasks_keep_the_numbers_that_a_run_gave_them() {
        let new = dag(&["a", "c", "d"], &[("a", "c"), ("c", "d")]);
        let check = |run: &[&str], expect: &[&str], gone: &[u32]| {
            let run = names(run);
            let laid = new.laid_out(&run.iter().collect::<Vec<_>>()).unwrap().unwrap();
            let found: Vec<_> = laid.dag.indices().map(|node| laid.dag.task(node).task_id.as_str()).collect();
            assert_eq!(found, expect);
            assert_eq!(laid.gone, gone.iter().map(|node| NodeIdx(*node)).collect());
            let [a, c, d] = ["a", "c", "d"].map(|task| laid.dag.find(task).unwrap());
            assert_eq!(laid.dag.node(c).upstream, [a]);
            assert_eq!(laid.dag.node(d).upstream, [c]);
        };
        check(&["a", "b", "c"], &["a", "removed.1", "c", "d"], &[1]);
        check(&["c", "a", "d"], &["c", "a", "d"], &[]);
        check(&["a", "c", "b", "d", "c"], &["a", "removed.1", "removed.2", "d", "c"], &[1, 2]);
        let own = names(&["a", "c", "d"]);
        assert!(new.laid_out(&own.iter().collect::<Vec<_>>()).unwrap().is_none());
    }
}
