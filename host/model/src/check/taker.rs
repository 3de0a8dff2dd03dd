//! Whatever takes values: tasks and groups, with the places of their sources.

use indexmap::IndexMap;

use super::{group_pointer, task_pointer};
use crate::document::{DagDocument, Expand, Source};
use crate::id::Key;
use crate::pointer::Pointer;

/// A task or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Task(usize),
    Group(usize),
}

/// What a task or group takes.
pub(super) struct Taker<'a> {
    pub(super) member: Member,
    pub(super) at: Pointer,
    pub(super) args: &'a IndexMap<Key, Source>,
    pub(super) expand: Option<&'a Expand>,
}

/// All tasks, then all groups.
pub(super) fn takers(document: &DagDocument) -> impl Iterator<Item = Taker<'_>> {
    let tasks = document.tasks.iter().enumerate().map(|(i, task)| Taker {
        member: Member::Task(i),
        at: task_pointer(i),
        args: &task.args,
        expand: task.expand.as_ref(),
    });
    let groups = document.groups.iter().enumerate().map(|(i, group)| Taker {
        member: Member::Group(i),
        at: group_pointer(i),
        args: &group.args,
        expand: group.expand.as_ref(),
    });
    tasks.chain(groups)
}

impl<'a> Taker<'a> {
    /// Sources of fixed arguments, with their places.
    pub(super) fn fixed(&self) -> impl Iterator<Item = (&'a Key, &'a Source, Pointer)> {
        let at = self.at.to("args");
        self.args.iter().map(move |(name, source)| (name, source, at.to(name.as_str())))
    }

    /// Sources that are mapped over, with the places of their entries; `each` names no argument.
    pub(super) fn expanded(&self) -> impl Iterator<Item = (Option<&'a Key>, &'a Source, Pointer)> {
        let base = self.at.to("expand");
        let sources = self.expand.into_iter().flat_map(|expand| expand.sources().map(move |it| (expand, it)));
        sources.enumerate().map(move |(i, (expand, (arg, source)))| {
            let entry = match expand {
                Expand::Product(_) => base.to("product").to(&i.to_string()),
                Expand::Zip(_) => base.to("zip").to("args").to(&i.to_string()),
                Expand::Each(_) => base.to("each"),
            };
            (arg, source, entry)
        })
    }

    /// Shows `visit` each source, with the pointer to it; what holds others comes before them.
    pub(super) fn each_source(&self, visit: &mut impl FnMut(&'a Source, &Pointer)) {
        for (_, source, mut at) in self.fixed() {
            super::source::walk(source, &mut at, visit);
        }
        for (_, source, at) in self.expanded() {
            super::source::walk(source, &mut at.to("source"), visit);
        }
    }
}
