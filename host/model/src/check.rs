//! [`DagDocument`] → [`Dag`]: everything that can be known of a DAG before it runs, with all problems at once.
//!
//! Limits come first: when the document nests too deep or holds too much, nothing walks it further. The rest is independent of one
//! another, so that one mistake does not hide the next. What needs the component (whether an entrypoint exists) is not here.
//!
//! `taker` and `source` walk what takes values; `ids`, `groups`, `kind`, `args`, `mapping`, `param`, `types` and `graph` check;
//! `scopes`, `setups` and `reach` resolve.

use crate::dag::Dag;
use crate::document::{DagDocument, Source};
use crate::pointer::Pointer;
use crate::problem::{Problem, Problems};

mod args;
mod each;
mod edges;
mod graph;
mod groups;
mod ids;
mod kind;
mod limits;
mod mapping;
mod param;
mod reach;
mod schedule;
mod scopes;
mod setups;
mod source;
mod taker;
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
        let ids = ids::check(&document, &mut problems);
        let groups = groups::check(&document, &ids, &mut problems);
        let scopes = scopes::resolve(&document, &groups, &mut problems);
        param::check(&document, &mut problems);
        schedule::check(&document, &mut problems);
        kind::check(&document, &ids, &mut problems);
        args::check(&document, &ids, &groups, &scopes, &mut problems);
        mapping::check(&document, &scopes, &mut problems);
        types::check(&document, &ids, &scopes, &mut problems);
        let graph = graph::check(&document, &ids, &groups, &scopes, &mut problems);
        let result = document.result.iter().filter_map(|task_id| ids.tasks.get(task_id).copied()).collect();
        let warnings = problems.into_result()?;
        let dag = Dag {
            document,
            nodes: graph.nodes,
            by_task_id: ids.tasks,
            group_of: groups.of_task,
            group_parents: groups.parents,
            scopes: scopes.list,
            order: graph.order,
            result,
        };
        Ok((dag, warnings))
    }
}

/// Told where a document makes a marker.
const RESERVED: &str =
    "the key \"$waft\" is reserved; rename it, or give a blob as a parameter or in the conf of a run";

/// Canonical JSON sorts the members of an object, but what is mapped over a literal object runs in the order in which they stand.
/// The form that keeps the order is an `object` source.
fn keep_order(document: &mut DagDocument) {
    let tasks = document.tasks.iter_mut().map(|task| (&mut task.args, &mut task.expand));
    let groups = document.groups.iter_mut().map(|group| (&mut group.args, &mut group.expand));
    for (args, expand) in tasks.chain(groups) {
        args.values_mut().for_each(|source| keep_order_inside(source, limits::depth()));
        for source in expand.iter_mut().flat_map(|expand| expand.sources_mut()) {
            keep_order_of_items(source, limits::depth());
        }
    }
}

fn keep_order_inside(source: &mut Source, levels: usize) {
    let Some(levels) = levels.checked_sub(1) else { return };
    match source {
        Source::List(items) => items.iter_mut().for_each(|item| keep_order_inside(item, levels)),
        Source::Object(members) => members.iter_mut().for_each(|(_, member)| keep_order_inside(member, levels)),
        source => source.item_sources_mut().iter_mut().for_each(|source| keep_order_of_items(source, levels)),
    }
}

fn keep_order_of_items(source: &mut Source, levels: usize) {
    if let Source::Literal(serde_json::Value::Object(members)) = source {
        let members = std::mem::take(members).into_iter();
        *source = Source::Object(members.map(|(key, value)| (key, Source::Literal(value))).collect());
    }
    keep_order_inside(source, levels);
}

fn task_pointer(index: usize) -> Pointer {
    let mut pointer = Pointer::default();
    pointer.push("tasks");
    pointer.push_index(index);
    pointer
}

fn group_pointer(index: usize) -> Pointer {
    let mut pointer = Pointer::default();
    pointer.push("groups");
    pointer.push_index(index);
    pointer
}

#[cfg(test)]
mod tests;
