//! Names of tasks and groups: the author's first, then `name`, `name__1`, `name__2` in the order of the calls, with the name of
//! the group around them before it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Graph, GroupNode, Member, Node, What, building};

/// By position.
pub(super) struct Names {
    tasks: Vec<String>,
    groups: Vec<String>,
}

impl Names {
    pub(super) fn task(&self, node: Node) -> String {
        self.tasks[node.0 as usize].clone()
    }

    pub(super) fn group(&self, node: GroupNode) -> String {
        self.groups[node.0 as usize].clone()
    }

    pub(super) fn member(&self, member: Member) -> String {
        match member {
            Member::Task(node) => self.task(node),
            Member::Group(node) => self.group(node),
        }
    }

    pub(super) fn of(graph: &Graph, problems: &mut Vec<String>) -> Self {
        let own = graph.groups.iter().filter_map(|group| group.group_id.as_deref());
        let mut free = Free::default();
        for id in own.chain(graph.tasks.iter().filter_map(|task| task.task_id.as_deref())) {
            if !free.taken.insert(id.to_owned()) {
                problems.push(format!("two tasks or groups are named {id:?}"));
            }
        }
        let mut names = Self { tasks: Vec::new(), groups: Vec::new() };
        for group in &graph.groups {
            let name = match &group.group_id {
                Some(id) => id.clone(),
                None => free.next(names.within(group.parent, &group.decl.name)),
            };
            names.groups.push(name);
        }
        for task in &graph.tasks {
            let name = match (&task.task_id, &task.what) {
                (Some(id), _) => id.clone(),
                (None, What::Body(decl)) => free.next(names.within(task.group, decl.task_id)),
                (None, What::Bodiless { name, .. }) => free.next(names.within(task.group, name)),
            };
            names.tasks.push(name);
        }
        names
    }

    /// A group stands before what is in it, so its name is known.
    fn within(&self, group: Option<GroupNode>, name: &str) -> String {
        match group {
            Some(group) => format!("{}.{name}", self.groups[group.0 as usize]),
            None => name.to_owned(),
        }
    }
}

#[derive(Default)]
struct Free {
    taken: BTreeSet<String>,
    numbers: BTreeMap<String, u32>,
}

impl Free {
    fn next(&mut self, base: String) -> String {
        loop {
            let number = self.numbers.entry(base.clone()).or_insert(0);
            let name = match *number {
                0 => base.clone(),
                number => format!("{base}__{number}"),
            };
            *number += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// The ids behind the arms that the body of a branch chose. A test that runs a body need not say which task it is.
pub(crate) fn chosen(build: fn(), task_id: &str, entrypoint: &str, arms: &[usize]) -> Vec<String> {
    let graph = building(build);
    let names = Names::of(&graph, &mut Vec::new());
    let is_it = |what: &What| matches!(what, What::Body(decl) if decl.entrypoint == entrypoint);
    let mut tasks = graph.tasks.iter().zip(&names.tasks).filter(|(task, _)| is_it(&task.what));
    let Some(first) = tasks.next() else { return Vec::new() };
    let (task, _) = std::iter::once(first).chain(tasks).find(|(_, name)| *name == task_id).unwrap_or(first);
    let members = arms.iter().flat_map(|arm| task.arms.iter().filter(move |(of, _)| of == arm));
    let mut ids: Vec<String> = Vec::new();
    for id in members.flat_map(|(_, members)| members).map(|member| names.member(*member)) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}
