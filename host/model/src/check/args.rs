//! Arguments: names against the signature, each given once, and what mapping asks of them.

use std::collections::HashSet;

use serde_json::Value;

use super::{RESERVED, arg_pointer, expand_pointer, expanded, ids, source, task_pointer};
use crate::document::{DagDocument, Expand, ExpandArg, Signature, Source, TaskDocument, TaskKind};
use crate::id::Key;
use crate::json::marker::{KEY, find_any_marker_in};
use crate::limits::run::{INSTANCES_MAX, MAP_LENGTH_DEFAULT};
use crate::pointer::Pointer;
use crate::problem::Problems;

pub(super) fn check(document: &DagDocument, problems: &mut Problems) {
    let mut instances: u64 = 0;
    for (i, task) in document.tasks.iter().enumerate() {
        let at = task_pointer(i);
        let known = match task.kind {
            TaskKind::Task => {
                check_names(task, &at, problems);
                check_expand(task, &at, problems)
            }
            TaskKind::Empty => {
                check_empty(task, &at, problems);
                None
            }
        };
        check_sources(document, task, &at, problems);
        instances = instances.saturating_add(known.unwrap_or(1));
    }
    if instances > INSTANCES_MAX {
        let message = format!("a run would have {instances} instances or more; at most {INSTANCES_MAX} are allowed");
        problems.error("run-too-large", "/tasks", message);
    }
}

/// An `empty` task runs no body, so it has nothing that a body needs.
fn check_empty(task: &TaskDocument, at: &Pointer, problems: &mut Problems) {
    let present = [
        ("entrypoint", task.entrypoint.is_some()),
        ("args", !task.args.is_empty()),
        ("expand", task.expand.is_some()),
        ("signature", task.signature.is_some()),
        ("max_map_length", task.max_map_length.is_some()),
    ];
    for (key, _) in present.into_iter().filter(|(_, present)| *present) {
        let message = format!("task `{}` is empty and runs no body; remove `{key}`, or leave `kind` out", task.task_id);
        problems.error("empty-task", at.to(key), message);
    }
}

fn check_names(task: &TaskDocument, at: &Pointer, problems: &mut Problems) {
    let mut given: HashSet<&Key> = task.args.keys().collect();
    for (i, ExpandArg { arg, .. }) in expanded(task).iter().enumerate() {
        if !given.insert(arg) {
            let message = format!("argument `{arg}` of task `{}` is given twice; keep one", task.task_id);
            problems.error("duplicate-argument", expand_pointer(at, i).to("arg"), message);
        }
    }
    let Some(signature) = &task.signature else { return };
    for (name, arg) in &signature.args {
        if !arg.optional && !given.contains(name) {
            let message = format!(
                "task `{}` needs argument `{name}` of type {}; give it in `args` or `expand`",
                task.task_id, arg.ty
            );
            problems.error("missing-argument", at.to("args"), message);
        }
    }
    for name in task.args.keys().filter(|name| !signature.args.contains_key(*name)) {
        let message = unknown_argument(task, signature, name, problems);
        problems.error("unknown-argument", arg_pointer(at, name.as_str()), message);
    }
    for (i, ExpandArg { arg, .. }) in expanded(task).iter().enumerate() {
        if !signature.args.contains_key(arg) {
            let message = unknown_argument(task, signature, arg, problems);
            problems.error("unknown-argument", expand_pointer(at, i).to("arg"), message);
        }
    }
}

fn unknown_argument(task: &TaskDocument, signature: &Signature, name: &Key, problems: &Problems) -> String {
    const NAMES_SHOWN_MAX: usize = 20;
    let known = signature.args.keys().map(Key::as_str);
    let hint = match ids::closest(name.as_str(), known.clone(), problems) {
        Some(near) => format!("did you mean `{near}`?"),
        None if signature.args.is_empty() => "it takes no arguments".to_owned(),
        None => {
            let names: Vec<_> = known.take(NAMES_SHOWN_MAX).map(|name| format!("`{name}`")).collect();
            let more = if signature.args.len() > NAMES_SHOWN_MAX { ", …" } else { "" };
            format!("it takes {}{more}", names.join(", "))
        }
    };
    format!("task `{}` has no argument `{name}`; {hint}", task.task_id)
}

/// How many instances the task has, where it is mapped, the document says how often, and that is within the limit.
fn check_expand(task: &TaskDocument, at: &Pointer, problems: &mut Problems) -> Option<u64> {
    let Some(Expand::Product(args)) = &task.expand else {
        if task.max_map_length.is_some() {
            let message = format!("task `{}` is not mapped; remove `max_map_length` or add `expand`", task.task_id);
            problems.warning("not-mapped", at.to("max_map_length"), message);
        }
        return None;
    };
    if args.is_empty() {
        let message =
            format!("task `{}` expands over nothing; name at least one argument, or remove `expand`", task.task_id);
        problems.error("empty-expand", at.to("expand").to("product"), message);
    }
    for (i, arg) in args.iter().enumerate() {
        if let Source::Literal(value) = &arg.source
            && !matches!(value, Value::Array(_) | Value::Object(_))
        {
            let message =
                format!("argument `{}` expands over {}; a list or an object is needed", arg.arg, kind_of(value));
            problems.error("not-mappable", expand_pointer(at, i).to("source").to("literal"), message);
        }
    }
    let limit = u64::from(task.max_map_length.unwrap_or(MAP_LENGTH_DEFAULT));
    match known_length(args)? {
        Some(length) if length <= limit => Some(length),
        too_many => {
            let length = too_many.map_or("more than 2^64".to_owned(), |length| length.to_string());
            let hint = "shorten what it expands over, or raise `max_map_length`";
            let message =
                format!("task `{}` would have {length} instances; at most {limit} are allowed; {hint}", task.task_id);
            problems.error("map-too-large", at.to("expand"), message);
            None
        }
    }
}

/// How many instances a mapped task has, where the document says; `Some(None)` when the number does not fit 64 bits.
#[expect(clippy::option_option, reason = "unknown, too large and known are three answers")]
fn known_length(args: &[ExpandArg]) -> Option<Option<u64>> {
    let lengths: Vec<u64> = args
        .iter()
        .map(|arg| match &arg.source {
            Source::Literal(Value::Array(items)) => Some(items.len()),
            Source::Literal(Value::Object(members)) => Some(members.len()),
            Source::List(items) => Some(items.len()),
            Source::Object(members) => Some(members.len()),
            _ => None,
        })
        .map(|length| length.map(|length| length as u64))
        .collect::<Option<_>>()?;
    if lengths.contains(&0) {
        return Some(Some(0));
    }
    Some(lengths.into_iter().try_fold(1_u64, u64::checked_mul))
}

/// Parameters exist, conf pointers are pointers, nothing makes a marker.
fn check_sources(document: &DagDocument, task: &TaskDocument, at: &Pointer, problems: &mut Problems) {
    source::each(task, at, &mut |source, at| match source {
        Source::Param(name) if !document.params.contains_key(name) => {
            let hint = match ids::closest(name.as_str(), document.params.keys().map(Key::as_str), problems) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add it to `params`".to_owned(),
            };
            problems.error("unknown-param", at.to("param"), format!("the DAG has no parameter `{name}`; {hint}"));
        }
        Source::Conf(pointer) if !is_pointer(pointer) => {
            let message =
                "this is not an RFC 6901 pointer; write \"\" for all of the conf, or a text such as \"/files/0\"";
            problems.error("invalid-pointer", at.to("conf"), message);
        }
        Source::Literal(value) => {
            if let Some(inner) = find_any_marker_in(value) {
                let at = format!("{}/literal{inner}", at.as_str());
                problems.error("reserved-key", at, RESERVED);
            }
        }
        Source::Object(members) => check_keys(members, at, problems),
        _ => {}
    });
}

/// An object source makes an object as a literal does, so its keys obey the same rules.
fn check_keys(members: &[(String, Source)], at: &Pointer, problems: &mut Problems) {
    let mut seen = HashSet::new();
    for (i, (key, _)) in members.iter().enumerate() {
        let at = || format!("{}/object/{i}/0", at.as_str());
        if key == KEY {
            problems.error("reserved-key", at(), RESERVED);
        }
        if !seen.insert(key) {
            problems.error("duplicate-key", at(), format!("the key {key:?} stands twice in one object; remove one"));
        }
    }
}

fn is_pointer(text: &str) -> bool {
    let escapes_are_whole = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escapes_are_whole
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
