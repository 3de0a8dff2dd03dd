//! Ids of tasks: each once, and those of `result` exist.

use std::collections::HashSet;

use indexmap::IndexMap;
use indexmap::map::Entry;

use super::task_pointer;
use crate::document::{DagDocument, TaskKind};
use crate::id::{NodeIdx, TaskId};
use crate::problem::Problems;

/// The first task of each id.
pub(super) fn check(document: &DagDocument, problems: &mut Problems) -> IndexMap<TaskId, NodeIdx> {
    let mut by_task_id = IndexMap::with_capacity(document.tasks.len());
    for (i, task) in document.tasks.iter().enumerate() {
        match by_task_id.entry(task.task_id.clone()) {
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
    let mut seen = HashSet::new();
    for (i, task_id) in document.result.iter().enumerate() {
        let at = format!("/result/{i}");
        match by_task_id.get(task_id) {
            None => problems.error("unknown-task", at, unknown(task_id, &by_task_id)),
            Some(_) if !seen.insert(task_id) => {
                problems.error(
                    "duplicate-result",
                    at,
                    format!("task `{task_id}` already stands in result; remove one"),
                );
            }
            Some(node) if document.tasks[node.0 as usize].kind == TaskKind::Empty => {
                problems.error(
                    "no-value",
                    at,
                    format!("task `{task_id}` is empty and leaves no value; name one that runs a body"),
                );
            }
            Some(_) => {}
        }
    }
    by_task_id
}

/// Says that there is no such task, and what may have been meant.
pub(super) fn unknown(task_id: &TaskId, by_task_id: &IndexMap<TaskId, NodeIdx>) -> String {
    match closest(task_id.as_str(), by_task_id.keys().map(TaskId::as_str)) {
        Some(near) => format!("there is no task `{task_id}`; did you mean `{near}`?"),
        None => format!("there is no task `{task_id}`; add it, or remove what names it"),
    }
}

/// The name that is at most two edits away from `name`, the nearest first. Looks at no more than a thousand names.
pub(super) fn closest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const NAMES_MAX: usize = 1_000;
    const EDITS_MAX: usize = 2;
    names
        .take(NAMES_MAX)
        .filter(|other| other.len().abs_diff(name.len()) <= EDITS_MAX)
        .map(|other| (edits(name.as_bytes(), other.as_bytes()), other))
        .filter(|(edits, other)| *edits <= EDITS_MAX && *edits < other.len())
        .min()
        .map(|(_, other)| other)
}

/// Levenshtein distance.
fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
