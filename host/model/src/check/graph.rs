//! Dependencies: every task that is named exists, none depends on itself, and there is no cycle.

use std::collections::VecDeque;

use super::groups::Groups;
use super::ids::Ids;
use super::reach::Reach;
use super::scopes::Scopes;
use super::taker::takers;
use super::{edges, setups, task_pointer};
use crate::dag::Node;
use crate::document::{DagDocument, Expand, Source};
use crate::id::NodeIdx;
use crate::problem::Problems;

/// The resolved graph. Complete only where no problem was found.
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    /// Topological order.
    pub(super) order: Vec<NodeIdx>,
}

/// Ids that the message about a cycle names.
const CYCLE_NAMES_MAX: usize = 12;

pub(super) fn check(
    document: &DagDocument,
    ids: &Ids,
    groups: &Groups,
    scopes: &Scopes,
    problems: &mut Problems,
) -> Graph {
    let mut nodes = vec![Node::default(); document.tasks.len()];
    edges::resolve(document, ids, groups, &mut nodes, problems);
    link_downstream(&mut nodes);
    let order = topological_order(&nodes);
    if order.len() < nodes.len() {
        report_cycles(document, &nodes, &order, problems);
    }
    if problems.is_empty() {
        for (node, (within, scope)) in nodes.iter_mut().zip(scopes.within.iter().zip(&scopes.of_task)) {
            (node.within, node.scope) = (*within, *scope);
        }
        let reach = Reach::of(&nodes, &order);
        setups::resolve(document, &reach, &mut nodes, problems);
        link_downstream(&mut nodes);
        setups::weigh(document, &reach, &mut nodes);
        lists(document, ids, scopes, groups, &mut nodes);
    }
    Graph { nodes, order }
}

fn link_downstream(nodes: &mut [Node]) {
    nodes.iter_mut().for_each(|node| node.downstream.clear());
    for i in 0..nodes.len() {
        for upstream in nodes[i].upstream.clone() {
            nodes[upstream.0 as usize].downstream.push(NodeIdx(i as u32));
        }
    }
}

/// Whose results have to tell how long they are, or how long their items are.
fn lists(document: &DagDocument, ids: &Ids, scopes: &Scopes, groups: &Groups, nodes: &mut [Node]) {
    for taker in takers(document) {
        let around = scopes.around(taker.member, groups);
        for (_, source, _) in taker.expanded() {
            note_lists(document, ids, scopes, source, around, nodes);
        }
    }
}

fn note_lists(
    document: &DagDocument,
    ids: &Ids,
    scopes: &Scopes,
    source: &Source,
    around: crate::id::ScopeIdx,
    nodes: &mut [Node],
) {
    source.outputs_mapped_over(&mut |output| {
        let Some(node) = ids.tasks.get(&output.task).map(|node| node.0 as usize) else { return };
        let of_task = scopes.of_task[node];
        if scopes.common(of_task, around) == of_task {
            nodes[node].gives_list = true;
        } else {
            nodes[node].gives_items = true;
        }
    });
    note_items(document, ids, scopes, source, nodes);
}

/// What is mapped over an argument of a group is mapped over the items of what that argument varies over.
fn note_items(document: &DagDocument, ids: &Ids, scopes: &Scopes, source: &Source, nodes: &mut [Node]) {
    if let Source::GroupArg(arg) = source
        && let Some(&group) = ids.groups.get(&arg.group)
    {
        let around = scopes.list[scopes.inside_group[group].0 as usize].parent.unwrap_or_default();
        let mapped = document.groups[group].expand.iter().flat_map(Expand::sources);
        for (_, source) in { mapped }.filter(|(name, _)| name.is_some_and(|name| *name == arg.arg)) {
            source.outputs_mapped_over(&mut |output| {
                let Some(node) = ids.tasks.get(&output.task).map(|node| node.0 as usize) else { return };
                if scopes.common(scopes.of_task[node], around) == scopes.of_task[node] {
                    nodes[node].gives_list_of_lists = true;
                } else {
                    nodes[node].gives_list = true;
                }
            });
        }
        if let Some(source) = document.groups[group].args.get(&arg.arg) {
            note_lists(document, ids, scopes, source, around, nodes);
        }
    }
    for source in source.item_sources() {
        note_items(document, ids, scopes, source, nodes);
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
