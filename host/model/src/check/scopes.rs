//! Levels of mapping: the run, and in it mapped groups and mapped tasks.

use super::groups::Groups;
use super::taker::Member;
use super::{group_pointer, task_pointer};
use crate::dag::{Scope, ScopeOf};
use crate::document::DagDocument;
use crate::id::{NodeIdx, ScopeIdx};
use crate::limits::dag::MAP_DEPTH_MAX;
use crate::problem::Problems;

pub(super) struct Scopes {
    pub(super) list: Vec<Scope>,
    /// By group: where its tasks and groups live.
    pub(super) inside_group: Vec<ScopeIdx>,
    /// By task: where it is decided.
    pub(super) within: Vec<ScopeIdx>,
    /// By task: what its instances are instances of.
    pub(super) of_task: Vec<ScopeIdx>,
}

impl Scopes {
    /// Where a task is decided, or a group expanded.
    pub(super) fn around(&self, member: Member, groups: &Groups) -> ScopeIdx {
        match member {
            Member::Task(task) => self.within[task],
            Member::Group(group) => groups.parents[group].map_or(ScopeIdx::RUN, |parent| self.inside_group[parent]),
        }
    }

    /// The innermost level that both are in.
    pub(super) fn common(&self, a: ScopeIdx, b: ScopeIdx) -> ScopeIdx {
        crate::dag::common_scope(&self.list, a, b)
    }

    fn add(&mut self, parent: ScopeIdx, of: ScopeOf) -> ScopeIdx {
        let idx = ScopeIdx(self.list.len() as u32);
        let depth = self.list[parent.0 as usize].depth + 1;
        self.list.push(Scope { parent: Some(parent), of, depth, nodes: Vec::new(), children: Vec::new() });
        self.list[parent.0 as usize].children.push(idx);
        idx
    }
}

pub(super) fn resolve(document: &DagDocument, groups: &Groups, problems: &mut Problems) -> Scopes {
    let run = Scope { parent: None, of: ScopeOf::Run, depth: 0, nodes: Vec::new(), children: Vec::new() };
    let mut scopes = Scopes {
        list: vec![run],
        inside_group: vec![ScopeIdx::RUN; document.groups.len()],
        within: Vec::with_capacity(document.tasks.len()),
        of_task: Vec::with_capacity(document.tasks.len()),
    };
    for group in groups.outer_first() {
        let parent = scopes.around(Member::Group(group), groups);
        scopes.inside_group[group] = match document.groups[group].expand {
            Some(_) => scopes.add(parent, ScopeOf::Group(group)),
            None => parent,
        };
    }
    for (i, task) in document.tasks.iter().enumerate() {
        let within = groups.of_task[i].map_or(ScopeIdx::RUN, |group| scopes.inside_group[group]);
        let node = NodeIdx(i as u32);
        let own = if task.expand.is_some() { scopes.add(within, ScopeOf::Task(node)) } else { within };
        scopes.list[own.0 as usize].nodes.push(node);
        scopes.within.push(within);
        scopes.of_task.push(own);
    }
    for scope in scopes.list.iter().filter(|scope| scope.depth > MAP_DEPTH_MAX) {
        let at = match scope.of {
            ScopeOf::Run => continue,
            ScopeOf::Group(group) => group_pointer(group),
            ScopeOf::Task(node) => task_pointer(node.0 as usize),
        };
        let message = format!("mappings nest {} levels deep here; at most {MAP_DEPTH_MAX} are allowed", scope.depth);
        problems.error("map-too-deep", at.to("expand"), message);
    }
    scopes
}
