//! Scripts of how executions end.

use std::collections::HashMap;

use model::{Dag, MapIndex, NodeIdx};
use testkit::outcome::Outcome;

/// What the executions of each instance end with, one after the other; `ok` where nothing is said.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    by_instance: HashMap<(NodeIdx, MapIndex), Vec<Outcome>>,
    by_node: HashMap<NodeIdx, Vec<Outcome>>,
}

impl Script {
    /// Reads lines such as `list: list=3`, `count[1]: fail lost ok`.
    pub(super) fn of_text(dag: &Dag, text: &str) -> Self {
        let mut script = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (instance, words) = line.split_once(':').expect("a line is `instance: words`");
            let outcomes = words.split_whitespace().map(Outcome::of_word).collect();
            let find = |task: &str| dag.find(task).expect("the script names tasks of the DAG");
            match instance.split_once('[') {
                None => _ = script.by_node.insert(find(instance), outcomes),
                Some((task, index)) => {
                    let index = index.trim_end_matches(']').parse().expect("an index is a number");
                    script.by_instance.insert((find(task), MapIndex::at(index)), outcomes);
                }
            }
        }
        script
    }

    /// What the `execution`th execution (from 0) ends with.
    pub(super) fn outcome(&self, node: NodeIdx, map_index: MapIndex, execution: usize) -> Outcome {
        let outcomes = self.by_instance.get(&(node, map_index)).or_else(|| self.by_node.get(&node));
        outcomes.and_then(|outcomes| outcomes.get(execution)).cloned().unwrap_or_else(|| Outcome::success(None))
    }
}
