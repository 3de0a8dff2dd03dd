//! How many instances a mapped task has.

use model::{Dag, NodeIdx};
use serde_json::Value;

/// A source of a mapping that is known when the run begins is no list and no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("task {task_id:?} is mapped over {source_name}, which is {found}; a list or an object is needed")]
pub struct LengthError {
    pub task_id: String,
    pub source_name: String,
    pub found: &'static str,
}

/// For each node and each of its expanded arguments: the length, where it is known when the run begins (literal, param, conf).
/// Product lengths of nodes whose arguments are all known are what [`crate::RunMachine::start`] takes.
pub fn lengths_at_start(dag: &Dag, conf: &Value, params: &Value) -> Result<Vec<Option<u32>>, LengthError> {
    let _: Option<NodeIdx> = None;
    unimplemented!()
}
