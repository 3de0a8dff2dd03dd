//! [`DagDocument`] → [`Dag`]: everything that can be known of a DAG before it runs, with all problems at once.
//!
//! Limits come first: when the document nests too deep or holds too much, nothing walks it further. The rest is independent of one
//! another, so that one mistake does not hide the next. What needs the component (whether an entrypoint exists) is not here.

use crate::dag::{Dag, Node};
use crate::document::{DagDocument, Expand, Source, TaskDocument};
use crate::pointer::Pointer;
use crate::problem::{Problem, Problems};

mod args;
mod graph;
mod ids;
mod limits;
mod param;
mod schedule;
mod source;
mod text;
mod types;

impl Dag {
    /// Makes a legal DAG of a document, with warnings; or tells all its problems.
    pub fn check(mut document: DagDocument) -> Result<(Dag, Vec<Problem>), Vec<Problem>> {
        let mut problems = Problems::default();
        keep_order(&mut document);
        limits::check(&document, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into_list());
        }
        let by_task_id = ids::check(&document, &mut problems);
        param::check(&document, &mut problems);
        schedule::check(&document, &mut problems);
        args::check(&document, &mut problems);
        types::check(&document, &by_task_id, &mut problems);
        let graph = graph::check(&document, &by_task_id, &mut problems);
        let result = document.result.iter().filter_map(|task_id| by_task_id.get(task_id).copied()).collect();
        let warnings = problems.into_result()?;
        Ok((Dag { document, nodes: graph.nodes, by_task_id, order: graph.order, result }, warnings))
    }
}

/// Told where a document makes a marker.
const RESERVED: &str =
    "the key \"$waft\" is reserved; rename it, or give a blob as a parameter or in the conf of a run";

/// Canonical JSON sorts the members of an object, but a task mapped over a literal object runs in the order in which they stand.
/// The form that keeps the order is an `object` source.
fn keep_order(document: &mut DagDocument) {
    for task in &mut document.tasks {
        let Some(Expand::Product(args)) = &mut task.expand else { continue };
        for arg in args {
            if let Source::Literal(serde_json::Value::Object(members)) = &mut arg.source {
                let members = std::mem::take(members).into_iter();
                arg.source = Source::Object(members.map(|(key, value)| (key, Source::Literal(value))).collect());
            }
        }
    }
}

/// The arguments that vary from instance to instance; none for an unmapped task.
fn expanded(task: &TaskDocument) -> &[crate::document::ExpandArg] {
    match &task.expand {
        Some(Expand::Product(args)) => args,
        None => &[],
    }
}

fn task_pointer(index: usize) -> Pointer {
    let mut pointer = Pointer::default();
    pointer.push("tasks");
    pointer.push_index(index);
    pointer
}

fn arg_pointer(task: &Pointer, name: &str) -> Pointer {
    task.to("args").to(name)
}

fn expand_pointer(task: &Pointer, index: usize) -> Pointer {
    let mut pointer = task.to("expand").to("product");
    pointer.push_index(index);
    pointer
}

#[cfg(test)]
mod tests;
