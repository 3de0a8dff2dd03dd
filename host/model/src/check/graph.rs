//! Dependencies: every task that is named exists, none depends on itself, and there is no cycle.

use std::collections::VecDeque;

use indexmap::IndexMap;

use super::{Node, expanded, ids, source, task_pointer};
use crate::document::{DagDocument, Source, TaskKind};
use crate::id::{NodeIdx, TaskId};
use crate::pointer::Pointer;
use crate::problem::Problems;

/// The resolved graph. Complete only where no problem was found.
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    /// Topological order.
    pub(super) order: Vec<NodeIdx>,
}

/// Ids that the message about a cycle names.
const CYCLE_NAMES_MAX: usize = 12;

pub(super) fn check(document: &DagDocument, by_task_id: &IndexMap<TaskId, NodeIdx>, problems: &mut Problems) -> Graph {
    let mut nodes = vec![Node::default(); document.tasks.len()];
    resolve_sources(document, by_task_id, &mut nodes, problems);
    resolve_edges(document, by_task_id, &mut nodes, problems);
    for node in &mut nodes {
        node.upstream.sort_unstable();
        node.upstream.dedup();
    }
    for i in 0..nodes.len() {
        for upstream in nodes[i].upstream.clone() {
            nodes[upstream.0 as usize].downstream.push(NodeIdx(i as u32));
        }
    }
    let order = topological_order(&nodes);
    if order.len() < nodes.len() {
        report_cycles(document, &nodes, &order, problems);
    }
    Graph { nodes, order }
}

fn resolve_sources(
    document: &DagDocument,
    by_task_id: &IndexMap<TaskId, NodeIdx>,
    nodes: &mut [Node],
    problems: &mut Problems,
) {
    for (i, task) in document.tasks.iter().enumerate() {
        let at = task_pointer(i);
        source::each(task, &at, &mut |source, at| {
            let Source::Output(output) = source else { return };
            let at = at.to("output").to("task");
            match by_task_id.get(&output.task) {
                None => problems.error("unknown-task", &at, ids::unknown(&output.task, by_task_id, problems)),
                Some(&upstream) => {
                    if document.tasks[upstream.0 as usize].kind == TaskKind::Empty {
                        let message = format!("task `{}` is empty and leaves no value; make it an edge", output.task);
                        problems.error("no-value", &at, message);
                    }
                    depend(document, nodes, (upstream, i), &at, problems);
                }
            }
        });
        for arg in expanded(task) {
            if let Source::Output(output) = &arg.source
                && let Some(&upstream) = by_task_id.get(&output.task)
            {
                nodes[i].expands_over.push((arg.arg.clone(), upstream));
            }
        }
    }
}

fn resolve_edges(
    document: &DagDocument,
    by_task_id: &IndexMap<TaskId, NodeIdx>,
    nodes: &mut [Node],
    problems: &mut Problems,
) {
    for (i, edge) in document.edges.iter().enumerate() {
        let mut at = Pointer::default();
        at.push("edges");
        at.push_index(i);
        let mut find = |task_id, end| {
            let node = by_task_id.get(task_id).copied();
            if node.is_none() {
                problems.error("unknown-task", at.to(end), ids::unknown(task_id, by_task_id, problems));
            }
            node
        };
        if let (Some(from), Some(to)) = (find(&edge.from, "from"), find(&edge.to, "to")) {
            depend(document, nodes, (from, to.0 as usize), &at, problems);
        }
    }
}

fn depend(
    document: &DagDocument,
    nodes: &mut [Node],
    (upstream, downstream): (NodeIdx, usize),
    at: &Pointer,
    problems: &mut Problems,
) {
    if upstream.0 as usize == downstream {
        let message =
            format!("task `{}` depends on itself; remove this dependency", document.tasks[downstream].task_id);
        problems.error("self-loop", at, message);
    } else {
        nodes[downstream].upstream.push(upstream);
    }
}

/// Kahn's algorithm: those that are left out stand in a cycle or behind one. Of those that are ready the one that stands first in the
/// document comes first.
fn topological_order(nodes: &[Node]) -> Vec<NodeIdx> {
    let mut waits_for: Vec<usize> = nodes.iter().map(|node| node.upstream.len()).collect();
    let mut ready: VecDeque<NodeIdx> =
        (0..nodes.len()).filter(|&i| waits_for[i] == 0).map(|i| NodeIdx(i as u32)).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(node) = ready.pop_front() {
        order.push(node);
        for &NodeIdx(downstream) in &nodes[node.0 as usize].downstream {
            waits_for[downstream as usize] -= 1;
            if waits_for[downstream as usize] == 0 {
                ready.push_back(NodeIdx(downstream));
            }
        }
    }
    order
}

/// Each task that is left out has an upstream task that is left out: going up from one must come round.
fn report_cycles(document: &DagDocument, nodes: &[Node], order: &[NodeIdx], problems: &mut Problems) {
    let mut ordered = vec![false; nodes.len()];
    for node in order {
        ordered[node.0 as usize] = true;
    }
    let mut walk_of = vec![usize::MAX; nodes.len()];
    for start in (0..nodes.len()).filter(|&i| !ordered[i]) {
        let mut path = Vec::new();
        let mut at = start;
        while walk_of[at] == usize::MAX {
            walk_of[at] = start;
            path.push(at);
            let up = nodes[at].upstream.iter().map(|node| node.0 as usize).find(|&up| !ordered[up]);
            let Some(up) = up else { break };
            at = up;
        }
        if walk_of[at] != start {
            continue;
        }
        let Some(begin) = path.iter().position(|&node| node == at) else { continue };
        // The path goes up; a cycle reads better in the direction in which tasks run, from the one that stands first.
        let mut cycle: Vec<usize> = path[begin..].iter().rev().copied().collect();
        let first = (0..cycle.len()).min_by_key(|&i| cycle[i]).unwrap_or(0);
        cycle.rotate_left(first);
        let mut names: Vec<_> =
            cycle.iter().take(CYCLE_NAMES_MAX).map(|&i| format!("`{}`", document.tasks[i].task_id)).collect();
        if cycle.len() > CYCLE_NAMES_MAX {
            names.push(format!("… {} more …", cycle.len() - CYCLE_NAMES_MAX));
        }
        names.push(format!("`{}`", document.tasks[cycle[0]].task_id));
        let message = format!("tasks wait for each other: {}; remove one of these dependencies", names.join(" → "));
        problems.error("cycle", task_pointer(cycle[0]), message);
    }
}
