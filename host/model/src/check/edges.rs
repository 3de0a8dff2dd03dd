//! Dependencies as the document says them, with groups resolved to their first and last tasks.

use std::collections::HashMap;

use super::groups::Groups;
use super::ids::{self, Ids};
use super::taker::{Member, Taker, takers};
use crate::dag::Node;
use crate::document::{DagDocument, Source, TaskKind};
use crate::id::NodeIdx;
use crate::limits::dag::EDGES_MAX;
use crate::pointer::Pointer;
use crate::problem::Problems;

/// A dependency with the place that says so.
struct Edge {
    from: Member,
    to: Member,
    at: Pointer,
}

/// First and last tasks of a group.
#[derive(Clone, Default)]
struct Ends {
    roots: Vec<usize>,
    leaves: Vec<usize>,
}

/// Gives each node its upstream tasks, each once, ascending.
pub(super) fn resolve(document: &DagDocument, ids: &Ids, groups: &Groups, nodes: &mut [Node], problems: &mut Problems) {
    let mut edges = Vec::new();
    for taker in takers(document) {
        of_sources(document, ids, &taker, nodes, &mut edges, problems);
    }
    of_document(document, ids, &mut edges, problems);
    for (i, task) in document.tasks.iter().enumerate() {
        for (n, setup) in task.setups.iter().enumerate() {
            if let Some(node) = ids.tasks.get(setup) {
                let at = super::task_pointer(i).to("setups").to(&n.to_string());
                edges.push(Edge { from: Member::Task(node.0 as usize), to: Member::Task(i), at });
            }
        }
    }
    Resolver { document, groups, nodes, ends: HashMap::new(), count: 0, problems }.resolve(edges);
    for node in nodes {
        node.upstream.sort_unstable();
        node.upstream.dedup();
    }
}

fn of_sources(
    document: &DagDocument,
    ids: &Ids,
    taker: &Taker<'_>,
    nodes: &mut [Node],
    edges: &mut Vec<Edge>,
    problems: &mut Problems,
) {
    taker.each_source(&mut |source, at| {
        let Source::Output(output) = source else { return };
        let at = at.to("output").to("task");
        match ids.tasks.get(&output.task) {
            None => problems.error("unknown-task", &at, ids::unknown(&output.task, &ids.tasks, problems)),
            Some(&upstream) => {
                let kind = document.tasks[upstream.0 as usize].kind;
                if !kind.has_value() {
                    let kind = kind.as_str();
                    let message = format!("task `{}` is {kind} and leaves no value; make it an edge", output.task);
                    problems.error("no-value", &at, message);
                }
                edges.push(Edge { from: Member::Task(upstream.0 as usize), to: taker.member, at });
            }
        }
    });
    let Member::Task(i) = taker.member else { return };
    for (arg, source, _) in taker.expanded() {
        source.outputs_mapped_over(&mut |output| {
            if let Some(&upstream) = ids.tasks.get(&output.task) {
                nodes[i].expands_over.push((arg.cloned(), upstream));
            }
        });
    }
}

fn of_document(document: &DagDocument, ids: &Ids, edges: &mut Vec<Edge>, problems: &mut Problems) {
    for (i, edge) in document.edges.iter().enumerate() {
        let mut at = Pointer::default();
        at.push("edges");
        at.push_index(i);
        let mut find = |id, end| {
            let member = ids.member(id);
            if member.is_none() {
                problems.error("unknown-task", at.to(end), ids.unknown_member(id, problems));
            }
            member
        };
        if let (Some(from), Some(to)) = (find(&edge.from, "from"), find(&edge.to, "to")) {
            edges.push(Edge { from, to, at });
        }
    }
}

struct Resolver<'a> {
    document: &'a DagDocument,
    groups: &'a Groups,
    nodes: &'a mut [Node],
    /// Of groups whose inner dependencies are all resolved.
    ends: HashMap<usize, Ends>,
    count: usize,
    problems: &'a mut Problems,
}

impl Resolver<'_> {
    /// Dependencies between tasks first, then those that name groups from the inside: which tasks of a group are its first and last
    /// follows from what is inside it.
    fn resolve(mut self, edges: Vec<Edge>) {
        let is_plain = |edge: &Edge| matches!((edge.from, edge.to), (Member::Task(_), Member::Task(_)));
        let (plain, mut grouped): (Vec<_>, Vec<_>) = edges.into_iter().partition(is_plain);
        grouped.sort_by_cached_key(|edge| std::cmp::Reverse(self.depth(edge)));
        for edge in plain.into_iter().chain(grouped) {
            self.depend(&edge);
        }
    }

    /// How many groups are around both ends.
    fn depth(&self, edge: &Edge) -> usize {
        let around = |member| self.groups.chain(self.groups.around(member)).collect::<Vec<_>>();
        let (from, to) = (around(edge.from), around(edge.to));
        from.iter().rev().zip(to.iter().rev()).take_while(|(a, b)| a == b).count()
    }

    fn depend(&mut self, edge: &Edge) {
        if self.is_inside(edge.from, edge.to) || self.is_inside(edge.to, edge.from) {
            let message = match (edge.from, edge.to) {
                (Member::Task(task), Member::Task(_)) => {
                    let id = &self.document.tasks[task].task_id;
                    format!("task `{id}` depends on itself; remove this dependency")
                }
                _ => "a group and something inside it cannot wait for each other; remove this dependency".to_owned(),
            };
            return self.problems.error("self-loop", &edge.at, message);
        }
        let (from, to) = (self.ends(edge.from).leaves, self.ends(edge.to).roots);
        self.count = self.count.saturating_add(from.len().saturating_mul(to.len()));
        if self.count > EDGES_MAX {
            let message =
                format!("with this dependency the DAG has {} of them; at most {EDGES_MAX} are allowed", self.count);
            self.problems.error("too-many-edges", &edge.at, message);
            self.count = 0;
            return;
        }
        for &to in &to {
            self.nodes[to].upstream.extend(from.iter().map(|from| NodeIdx(*from as u32)));
        }
    }

    fn is_inside(&self, inner: Member, outer: Member) -> bool {
        match outer {
            Member::Task(_) => inner == outer,
            Member::Group(group) => {
                inner == outer || self.groups.chain(self.groups.around(inner)).any(|it| it == group)
            }
        }
    }

    fn ends(&mut self, member: Member) -> Ends {
        let group = match member {
            Member::Task(task) => return Ends { roots: vec![task], leaves: vec![task] },
            Member::Group(group) => group,
        };
        if !self.ends.contains_key(&group) {
            let ends = self.find_ends(group);
            self.ends.insert(group, ends);
        }
        self.ends[&group].clone()
    }

    fn find_ends(&self, group: usize) -> Ends {
        let is_inside = |task: usize| self.groups.chain(self.groups.of_task[task]).any(|it| it == group);
        let tasks: Vec<usize> = (0..self.nodes.len()).filter(|task| is_inside(*task)).collect();
        let inside: std::collections::HashSet<usize> = tasks.iter().copied().collect();
        let mut roots = Vec::new();
        let mut has_downstream = std::collections::HashSet::new();
        let is_teardown = |task: usize| self.document.tasks[task].kind == TaskKind::Teardown;
        for &task in &tasks {
            let upstream = self.nodes[task].upstream.iter().map(|node| node.0 as usize);
            let upstream: Vec<_> = upstream.filter(|upstream| inside.contains(upstream)).collect();
            if upstream.is_empty() {
                roots.push(task);
            }
            // What follows a group does not wait for its teardowns.
            if !is_teardown(task) {
                has_downstream.extend(upstream);
            }
        }
        let is_last = |task: &usize| !has_downstream.contains(task);
        let leaves: Vec<_> = tasks.iter().copied().filter(|task| !is_teardown(*task)).filter(is_last).collect();
        let leaves = if leaves.is_empty() { tasks } else { leaves };
        Ends { roots, leaves }
    }
}
