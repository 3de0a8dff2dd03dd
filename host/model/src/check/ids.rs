//! Ids of tasks and groups: each once, and those of `result` exist.

use std::collections::HashSet;

use indexmap::IndexMap;
use indexmap::map::Entry;

use super::taker::Member;
use super::{group_pointer, task_pointer};
use crate::document::DagDocument;
use crate::id::{GroupId, MemberId, NodeIdx, TaskId};
use crate::problem::Problems;

/// Ids with what they name; the first of each.
pub(super) struct Ids {
    pub(super) tasks: IndexMap<TaskId, NodeIdx>,
    pub(super) groups: IndexMap<GroupId, usize>,
}

impl Ids {
    pub(super) fn member(&self, id: &MemberId) -> Option<Member> {
        let task = self.tasks.get(id.as_str()).map(|node| Member::Task(node.0 as usize));
        task.or_else(|| self.groups.get(id.as_str()).map(|group| Member::Group(*group)))
    }

    /// Says that there is no such task or group, and what may have been meant.
    pub(super) fn unknown_member(&self, id: &MemberId, problems: &Problems) -> String {
        let tasks = self.tasks.keys().map(TaskId::as_str);
        match closest(id.as_str(), tasks.chain(self.groups.keys().map(GroupId::as_str)), problems) {
            Some(near) => format!("there is no task `{id}`; did you mean `{near}`?"),
            None => format!("there is no task `{id}`; add it, or remove what names it"),
        }
    }

    /// Says that there is no such group, and what may have been meant.
    pub(super) fn unknown_group(&self, id: &GroupId, problems: &Problems) -> String {
        match closest(id.as_str(), self.groups.keys().map(GroupId::as_str), problems) {
            Some(near) => format!("there is no group `{id}`; did you mean `{near}`?"),
            None => format!("there is no group `{id}`; add it to `groups`, or remove what names it"),
        }
    }
}

/// Each id once, those of groups and of `result` too.
pub(super) fn check(document: &DagDocument, problems: &mut Problems) -> Ids {
    let mut ids = Ids { tasks: IndexMap::with_capacity(document.tasks.len()), groups: IndexMap::new() };
    for (i, task) in document.tasks.iter().enumerate() {
        match ids.tasks.entry(task.task_id.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(NodeIdx(i as u32));
            }
            Entry::Occupied(entry) => {
                let NodeIdx(first) = entry.get();
                let message =
                    format!("task `{}` is already at /tasks/{first}; give one of them another id", task.task_id);
                problems.error("duplicate-task", task_pointer(i).to("task_id"), message);
            }
        }
    }
    for (i, group) in document.groups.iter().enumerate() {
        let id = &group.group_id;
        let first = match ids.tasks.get(id.as_str()) {
            Some(task) => Some(format!("/tasks/{}", task.0)),
            None => ids.groups.get(id).map(|first| format!("/groups/{first}")),
        };
        if let Some(first) = first {
            let message = format!("the id `{id}` is already at {first}; give one of them another id");
            problems.error("duplicate-group", group_pointer(i).to("group_id"), message);
        }
        ids.groups.entry(id.clone()).or_insert(i);
    }
    check_result(document, &ids, problems);
    ids
}

fn check_result(document: &DagDocument, ids: &Ids, problems: &mut Problems) {
    let mut seen = HashSet::new();
    for (i, task_id) in document.result.iter().enumerate() {
        let at = format!("/result/{i}");
        match ids.tasks.get(task_id) {
            None => problems.error("unknown-task", at, unknown(task_id, &ids.tasks, problems)),
            Some(_) if !seen.insert(task_id) => {
                problems.error(
                    "duplicate-result",
                    at,
                    format!("task `{task_id}` already stands in result; remove one"),
                );
            }
            Some(node) if !document.tasks[node.0 as usize].kind.has_value() => {
                let kind = document.tasks[node.0 as usize].kind.as_str();
                problems.error(
                    "no-value",
                    at,
                    format!("task `{task_id}` is {kind} and leaves no value; name one that runs a body"),
                );
            }
            Some(_) => {}
        }
    }
}

/// Says that there is no such task, and what may have been meant.
pub(super) fn unknown(task_id: &TaskId, by_task_id: &IndexMap<TaskId, NodeIdx>, problems: &Problems) -> String {
    match closest(task_id.as_str(), by_task_id.keys().map(TaskId::as_str), problems) {
        Some(near) => format!("there is no task `{task_id}`; did you mean `{near}`?"),
        None => format!("there is no task `{task_id}`; add it, or remove what names it"),
    }
}

/// The name that is at most [`EDITS_MAX`] edits away from `name`, the nearest first. Looks only where that is quick, and not for a
/// problem that would not be listed.
pub(super) fn closest<'a>(name: &str, names: impl Iterator<Item = &'a str>, problems: &Problems) -> Option<&'a str> {
    const NAMES_MAX: usize = 1_000;
    const NAME_MAX_BYTES: usize = 64;
    if problems.is_full() || name.len() > NAME_MAX_BYTES {
        return None;
    }
    names
        .take(NAMES_MAX)
        .filter_map(|other| Some((edits(name.as_bytes(), other.as_bytes())?, other)))
        .filter(|(edits, other)| *edits < other.len())
        .min()
        .map(|(_, other)| other)
}

const EDITS_MAX: usize = 2;

/// Levenshtein distance up to [`EDITS_MAX`], so that only cells that close to the diagonal count.
fn edits(a: &[u8], b: &[u8]) -> Option<usize> {
    const TOO_FAR: usize = EDITS_MAX + 1;
    if a.len().abs_diff(b.len()) > EDITS_MAX {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).map(|j| j.min(TOO_FAR)).collect();
    for (i, x) in a.iter().enumerate() {
        let first = i.saturating_sub(EDITS_MAX);
        let last = (i + EDITS_MAX).min(b.len().saturating_sub(1));
        let mut diagonal = row[first];
        row[first] = if first == 0 { (i + 1).min(TOO_FAR) } else { TOO_FAR };
        for (j, y) in b.iter().enumerate().take(last + 1).skip(first) {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1).min(TOO_FAR);
        }
    }
    row.last().copied().filter(|edits| *edits <= EDITS_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole_table(a: &[u8], b: &[u8]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut next = vec![i + 1];
            for (j, y) in b.iter().enumerate() {
                next.push((row[j] + usize::from(x != y)).min(row[j + 1] + 1).min(next[j] + 1));
            }
            row = next;
        }
        row[b.len()]
    }

    proptest! {
        #[test]
        fn edits_near_the_diagonal_are_all_that_count(a in "[ab]{0,8}", b in "[ab]{0,8}") {
            let expected = Some(whole_table(a.as_bytes(), b.as_bytes())).filter(|edits| *edits <= EDITS_MAX);
            prop_assert_eq!(edits(a.as_bytes(), b.as_bytes()), expected);
        }
    }
}
