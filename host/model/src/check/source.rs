//! Walks sources. Their depth is checked before anything else, so the recursion is bounded.

use serde_json::Value;

use super::{arg_pointer, expand_pointer, expanded};
use crate::document::{Source, TaskDocument};
use crate::pointer::Pointer;

/// Shows `visit` each source of a task, with the pointer to it; a list or object before those in it.
pub(super) fn each<'a>(task: &'a TaskDocument, at: &Pointer, visit: &mut impl FnMut(&'a Source, &Pointer)) {
    for (name, source) in &task.args {
        walk(source, &mut arg_pointer(at, name.as_str()), visit);
    }
    for (i, arg) in expanded(task).iter().enumerate() {
        walk(&arg.source, &mut expand_pointer(at, i).to("source"), visit);
    }
}

fn walk<'a>(source: &'a Source, at: &mut Pointer, visit: &mut impl FnMut(&'a Source, &Pointer)) {
    visit(source, at);
    match source {
        Source::List(items) => at.within("list", |at| {
            for (i, item) in items.iter().enumerate() {
                at.within_index(i, |at| walk(item, at, visit));
            }
        }),
        Source::Object(members) => at.within("object", |at| {
            for (i, (_, member)) in members.iter().enumerate() {
                at.within_index(i, |at| at.within_index(1, |at| walk(member, at, visit)));
            }
        }),
        Source::Literal(_) | Source::Output(_) | Source::Param(_) | Source::Conf(_) => {}
    }
}

/// True where sources nest at most `levels` deep.
pub(super) fn is_within(source: &Source, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else { return false };
    match source {
        Source::List(items) => items.iter().all(|item| is_within(item, levels)),
        Source::Object(members) => members.iter().all(|(_, member)| is_within(member, levels)),
        _ => true,
    }
}

/// True where the part of the value that is known nests at most `levels` deep.
pub(super) fn value_is_within(source: &Source, levels: usize) -> bool {
    match source {
        Source::Literal(value) => json_is_within(value, levels),
        Source::List(items) => {
            levels.checked_sub(1).is_some_and(|levels| items.iter().all(|item| value_is_within(item, levels)))
        }
        Source::Object(members) => levels
            .checked_sub(1)
            .is_some_and(|levels| members.iter().all(|(_, member)| value_is_within(member, levels))),
        Source::Output(_) | Source::Param(_) | Source::Conf(_) => true,
    }
}

fn json_is_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => {
            levels.checked_sub(1).is_some_and(|levels| items.iter().all(|item| json_is_within(item, levels)))
        }
        Value::Object(members) => {
            levels.checked_sub(1).is_some_and(|levels| members.values().all(|member| json_is_within(member, levels)))
        }
        _ => true,
    }
}
