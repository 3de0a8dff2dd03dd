//! How many instances a mapped task has.

use model::document::{Expand, Source};
use model::json::marker;
use model::{Dag, NodeIdx};
use serde_json::Value;

/// Lengths of expanded arguments that are known when a run begins: by node, then by argument in the order of `expand`.
/// `None` where the length follows from a task's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lengths(Vec<Vec<Option<u32>>>);

impl Lengths {
    pub(crate) fn of(&self, node: NodeIdx) -> &[Option<u32>] {
        &self.0[node.0 as usize]
    }
}

/// A source of a mapping that is known when the run begins is no list and no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("task {task_id:?} is mapped over {source_name}, which is {found}; a list or an object is needed")]
pub struct LengthError {
    pub task_id: String,
    pub source_name: String,
    pub found: &'static str,
}

/// Finds the lengths of everything that tasks are mapped over and that is known when the run begins: literals, parameters (with
/// defaults filled in) and places in the conf. [`crate::RunMachine`] takes them.
pub fn lengths_at_start(dag: &Dag, conf: &Value, params: &Value) -> Result<Lengths, LengthError> {
    let by_node = dag.indices().map(|node| {
        let task = dag.task(node);
        let Some(Expand::Product(arguments)) = &task.expand else { return Ok(Vec::new()) };
        arguments
            .iter()
            .map(|argument| {
                let (source_name, value) = match &argument.source {
                    Source::Output(_) => return Ok(None),
                    Source::List(items) => return Ok(Some(saturated(items.len()))),
                    Source::Object(members) => return Ok(Some(saturated(members.len()))),
                    Source::Literal(value) => {
                        (format!("the literal of argument {:?}", argument.arg.as_str()), Some(value))
                    }
                    Source::Param(name) => (format!("parameter {:?}", name.as_str()), params.get(name.as_str())),
                    Source::Conf(pointer) => (format!("the run's conf at {pointer:?}"), conf.pointer(pointer)),
                };
                length(value.unwrap_or(&Value::Null)).map(Some).map_err(|found| LengthError {
                    task_id: task.task_id.to_string(),
                    source_name,
                    found,
                })
            })
            .collect()
    });
    by_node.collect::<Result<_, _>>().map(Lengths)
}

/// Items of a list or members of an object; else what it is.
fn length(value: &Value) -> Result<u32, &'static str> {
    match value {
        Value::Array(items) => Ok(saturated(items.len())),
        Value::Object(members) if members.contains_key(marker::KEY) => Err("a blob"),
        Value::Object(members) => Ok(saturated(members.len())),
        Value::Null => Err("null"),
        Value::Bool(_) => Err("a boolean"),
        Value::Number(_) => Err("a number"),
        Value::String(_) => Err("a string"),
    }
}

fn saturated(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
