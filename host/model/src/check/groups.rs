//! Groups: what is around what, without cycles, and nothing empty.

use super::group_pointer;
use super::ids::Ids;
use super::taker::Member;
use super::task_pointer;
use crate::document::DagDocument;
use crate::id::GroupId;
use crate::limits::dag::GROUP_DEPTH_MAX;
use crate::problem::Problems;

/// The tree of groups. A parent that is unknown, or that would close a cycle, is left out.
pub(super) struct Groups {
    /// By group.
    pub(super) parents: Vec<Option<usize>>,
    /// By task.
    pub(super) of_task: Vec<Option<usize>>,
}

impl Groups {
    /// A group and those around it, from the inside.
    pub(super) fn chain(&self, group: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(group, |group| self.parents[*group])
    }

    /// The innermost group around a task or group.
    pub(super) fn around(&self, member: Member) -> Option<usize> {
        match member {
            Member::Task(task) => self.of_task[task],
            Member::Group(group) => self.parents[group],
        }
    }

    /// Groups, those around others first.
    pub(super) fn outer_first(&self) -> Vec<usize> {
        let mut groups: Vec<_> = (0..self.parents.len()).collect();
        groups.sort_by_key(|group| self.chain(Some(*group)).count());
        groups
    }
}

pub(super) fn check(document: &DagDocument, ids: &Ids, problems: &mut Problems) -> Groups {
    let mut find = |id: &Option<GroupId>, at: String| {
        let id = id.as_ref()?;
        let group = ids.groups.get(id).copied();
        if group.is_none() {
            problems.error("unknown-group", at, ids.unknown_group(id, problems));
        }
        group
    };
    let parent = |(i, group): (usize, &crate::document::GroupDocument)| {
        find(&group.parent, group_pointer(i).to("parent").into())
    };
    let mut parents: Vec<_> = document.groups.iter().enumerate().map(parent).collect();
    let task =
        |(i, task): (usize, &crate::document::TaskDocument)| find(&task.group, task_pointer(i).to("group").into());
    let of_task = document.tasks.iter().enumerate().map(task).collect();
    for group in 0..parents.len() {
        let steps = std::iter::successors(Some(group), |group| parents[*group]).take(GROUP_DEPTH_MAX + 1).count();
        if steps > GROUP_DEPTH_MAX {
            parents[group] = None;
            let id = &document.groups[group].group_id;
            let message = format!(
                "group `{id}` is inside itself, or nested deeper than {GROUP_DEPTH_MAX} levels; give it another `parent`"
            );
            problems.error("group-nesting", group_pointer(group).to("parent"), message);
        }
    }
    let groups = Groups { parents, of_task };
    let mut has_tasks = vec![false; groups.parents.len()];
    for task in &groups.of_task {
        groups.chain(*task).for_each(|group| has_tasks[group] = true);
    }
    for (i, _) in has_tasks.iter().enumerate().filter(|(_, has_tasks)| !**has_tasks) {
        let id = &document.groups[i].group_id;
        problems.error(
            "empty-group",
            group_pointer(i),
            format!("group `{id}` has no tasks; give it one, or remove it"),
        );
    }
    groups
}
