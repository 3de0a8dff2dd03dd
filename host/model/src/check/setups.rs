//! What follows from the graph as a whole: which setups a task needs, what a teardown waits for, who may skip whom, leaves, weights.

use super::reach::Reach;
use crate::dag::Node;
use crate::document::{DagDocument, TaskKind, WeightRule};
use crate::id::NodeIdx;
use crate::limits::dag::LINKS_MAX;
use crate::problem::Problems;

pub(super) fn resolve(document: &DagDocument, reach: &Reach, nodes: &mut [Node], problems: &mut Problems) {
    let kind = |node: usize| document.tasks[node].kind;
    let all = || 0..nodes.len();
    let mut links = 0;
    let mut needs: Vec<Vec<NodeIdx>> = vec![Vec::new(); nodes.len()];
    let mut gates: Vec<Vec<NodeIdx>> = vec![Vec::new(); nodes.len()];
    for setup in all().filter(|node| kind(*node) == TaskKind::Setup) {
        let downstream = nodes[setup].downstream.iter().map(|node| node.0 as usize);
        let teardowns: Vec<_> = downstream.filter(|node| kind(*node) == TaskKind::Teardown).collect();
        let is_needed = |work: usize| {
            kind(work) != TaskKind::Teardown
                && (teardowns.is_empty() || teardowns.iter().any(|teardown| reach.leads(work, *teardown)))
        };
        for work in reach.downstream(setup).filter(|work| is_needed(*work) || teardowns.contains(work)) {
            needs[work].push(NodeIdx(setup as u32));
            links += 1;
        }
        if links > LINKS_MAX {
            break;
        }
    }
    for decider in all().filter(|node| document.tasks[*node].is_decider()) {
        let mut add = |node: usize| {
            if kind(node) != TaskKind::Teardown {
                gates[node].push(NodeIdx(decider as u32));
                links += 1;
            }
        };
        if document.tasks[decider].skips_everything() {
            reach.downstream(decider).for_each(&mut add);
        } else {
            nodes[decider].downstream.iter().for_each(|node| add(node.0 as usize));
        }
        if links > LINKS_MAX {
            break;
        }
    }
    if links > LINKS_MAX {
        let message =
            format!("setups and short circuits lead to more than {LINKS_MAX} pairs of tasks; use fewer of them");
        return problems.error("too-many-links", "/tasks", message);
    }
    for teardown in all().filter(|node| kind(*node) == TaskKind::Teardown).collect::<Vec<_>>() {
        let is_between = |work: &usize| {
            *work != teardown
                && reach.leads(*work, teardown)
                && needs[teardown].iter().any(|setup| reach.leads(setup.0 as usize, *work))
        };
        let between: Vec<_> = (0..nodes.len()).filter(is_between).map(|work| NodeIdx(work as u32)).collect();
        nodes[teardown].upstream.extend(between);
        nodes[teardown].upstream.sort_unstable();
        nodes[teardown].upstream.dedup();
    }
    for (node, (setups, gates)) in nodes.iter_mut().zip(needs.into_iter().zip(gates)) {
        (node.setups, node.gates) = (setups, gates);
    }
    find_leaves(document, nodes);
}

/// A leaf has no downstream but teardowns that do not count.
fn find_leaves(document: &DagDocument, nodes: &mut [Node]) {
    let does_count = |node: usize| {
        let task = &document.tasks[node];
        task.kind != TaskKind::Teardown || task.on_failure_fail_run
    };
    for (i, node) in nodes.iter_mut().enumerate() {
        node.is_leaf = does_count(i) && !node.downstream.iter().any(|downstream| does_count(downstream.0 as usize));
    }
}

/// Finds the weights by which instances of one depth are ordered.
pub(super) fn weigh(document: &DagDocument, reach: &Reach, nodes: &mut [Node]) {
    let priorities: Vec<i64> = document.tasks.iter().map(|task| task.priority.unwrap_or(1).into()).collect();
    let mut upstream = vec![0_i64; nodes.len()];
    for (i, priority) in priorities.iter().enumerate() {
        let mut downstream = 0;
        for node in reach.downstream(i) {
            downstream += priorities[node];
            upstream[node] += priority;
        }
        nodes[i].priority_weight = priority + downstream;
    }
    for (i, node) in nodes.iter_mut().enumerate() {
        match document.tasks[i].weight_rule {
            WeightRule::Downstream => {}
            WeightRule::Upstream => node.priority_weight = priorities[i] + upstream[i],
            WeightRule::Absolute => node.priority_weight = priorities[i],
        }
    }
}
