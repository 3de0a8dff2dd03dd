//! How executions end in a test.

use std::collections::HashMap;

use model::outcome::End;
use model::{Dag, MapIndex, NodeIdx};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    pub(super) end: End,
    pub(super) has_value: bool,
    pub(super) list_length: Option<u32>,
}

impl Outcome {
    fn ended(end: End) -> Self {
        Self { end, has_value: false, list_length: None }
    }

    pub(super) fn success(list_length: Option<u32>) -> Self {
        Self { end: End::Success, has_value: true, list_length }
    }

    /// Reads a word: `ok`, `none` (no value), `list=3`, `skip`, `fail`, `fail=500` (with a delay), `fatal` (not to be tried again),
    /// `timeout`, `trap`, `limit`, `cancel`, `lost`, `suspect` (lost, and perhaps to blame).
    pub(super) fn of_word(word: &str) -> Self {
        let message = || word.to_owned();
        let (word, number) = word.split_once('=').map_or((word, None), |(word, number)| (word, number.parse().ok()));
        match word {
            "ok" => Self::success(None),
            "list" => Self::success(number),
            "none" => Self::ended(End::Success),
            "skip" => Self::ended(End::Skipped { reason: message() }),
            "fail" => Self::ended(End::Failed { message: message(), retry: true, delay_ms: number.map(u64::from) }),
            "fatal" => Self::ended(End::Failed { message: message(), retry: false, delay_ms: None }),
            "timeout" => Self::ended(End::TimedOut { message: message() }),
            "trap" => Self::ended(End::Trapped { message: message() }),
            "limit" => Self::ended(End::OverLimit { message: message() }),
            "cancel" => Self::ended(End::Cancelled { message: message() }),
            "lost" => Self::ended(End::HostLost { message: message(), suspect: false }),
            "suspect" => Self::ended(End::HostLost { message: message(), suspect: true }),
            _ => panic!("{word:?} is no outcome"),
        }
    }
}

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
