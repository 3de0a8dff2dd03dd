//! What tasks and groups are mapped over: something with items, and not too many of them as far as the document says.

use serde_json::Value;

use super::scopes::Scopes;
use super::source::{inner, known_length};
use super::taker::{Member, Taker, takers};
use crate::dag::ScopeOf;
use crate::document::{DagDocument, Expand, Source};
use crate::limits::run::{INSTANCES_MAX, MAP_LENGTH_DEFAULT};
use crate::pointer::Pointer;
use crate::problem::Problems;

pub(super) fn check(document: &DagDocument, scopes: &Scopes, problems: &mut Problems) {
    let mut lengths = vec![1_u64; scopes.list.len()];
    let known: Vec<_> =
        takers(document).map(|taker| (taker.member, check_expand(document, &taker, problems))).collect();
    for (scope, length) in scopes.list.iter().zip(&mut lengths) {
        let member = match scope.of {
            ScopeOf::Run => continue,
            ScopeOf::Group(group) => Member::Group(group),
            ScopeOf::Task(node) => Member::Task(node.0 as usize),
        };
        let position = match member {
            Member::Task(i) => i,
            Member::Group(i) => document.tasks.len() + i,
        };
        debug_assert_eq!(known[position].0, member);
        // Nothing to map over leaves one row.
        *length = known[position].1.unwrap_or(1).max(1);
    }
    for i in 1..lengths.len() {
        // A level stands after the one around it.
        let parent = scopes.list[i].parent.map_or(0, |parent| parent.0 as usize);
        lengths[i] = lengths[i].saturating_mul(lengths[parent]);
    }
    let of_task = scopes.of_task.iter().map(|scope| lengths[scope.0 as usize]);
    let instances = of_task.fold(0_u64, u64::saturating_add);
    // Asking for more is for an operator to allow.
    let most = if asks_for_more(document) { u64::MAX } else { INSTANCES_MAX };
    if instances > most {
        let message = format!("a run would have {instances} instances or more; at most {INSTANCES_MAX} are allowed");
        problems.error("run-too-large", "/tasks", message);
    }
}

/// Some mapping may be longer than a whole run unless an operator says otherwise.
fn asks_for_more(document: &DagDocument) -> bool {
    let tasks = document.tasks.iter().map(|task| task.max_map_length);
    let mut limits = tasks.chain(document.groups.iter().map(|group| group.max_map_length));
    limits.any(|limit| limit.is_some_and(|limit| u64::from(limit) > INSTANCES_MAX))
}

/// How many instances it has, where it is mapped, the document says how often, and that is within the limit.
fn check_expand(document: &DagDocument, taker: &Taker<'_>, problems: &mut Problems) -> Option<u64> {
    let (what, max_length) = match taker.member {
        Member::Task(i) => (format!("task `{}`", document.tasks[i].task_id), document.tasks[i].max_map_length),
        Member::Group(i) => (format!("group `{}`", document.groups[i].group_id), document.groups[i].max_map_length),
    };
    if !is_mappable(document, taker.member) {
        return None;
    }
    let Some(expand) = taker.expand else {
        if max_length.is_some() {
            let message = format!("{what} is not mapped; remove `max_map_length` or add `expand`");
            problems.warning("not-mapped", taker.at.to("max_map_length"), message);
        }
        return None;
    };
    let at = taker.at.to("expand");
    if expand.sources().next().is_none() {
        let at = if matches!(expand, Expand::Zip(_)) { at.to("zip").to("args") } else { at.to("product") };
        let message = format!("{what} expands over nothing; name at least one argument, or remove `expand`");
        problems.error("empty-expand", at, message);
    }
    for (arg, source, entry) in taker.expanded() {
        check_items(arg.map_or("each", |arg| arg.as_str()), source, &mut entry.to("source"), problems);
    }
    let limit = u64::from(max_length.unwrap_or(MAP_LENGTH_DEFAULT));
    match length_of(expand)? {
        Some(length) if length <= limit => Some(length),
        too_many => {
            let length = too_many.map_or("more than 2^64".to_owned(), |length| length.to_string());
            let hint = "shorten what it expands over, or raise `max_map_length`";
            let message = format!("{what} would have {length} instances; at most {limit} are allowed; {hint}");
            problems.error("map-too-large", at, message);
            None
        }
    }
}

/// A task that runs no body is told elsewhere that it cannot be mapped.
fn is_mappable(document: &DagDocument, member: Member) -> bool {
    match member {
        Member::Task(i) => document.tasks[i].kind.has_body(),
        Member::Group(_) => true,
    }
}

/// What is known has items.
fn check_items(arg: &str, source: &Source, at: &mut Pointer, problems: &mut Problems) {
    match source {
        Source::Literal(value) if !matches!(value, Value::Array(_) | Value::Object(_)) => {
            let message = format!("argument `{arg}` expands over {}; a list or an object is needed", kind_of(value));
            problems.error("not-mappable", at.to("literal"), message);
        }
        Source::MapItem(_) => {
            let message = format!(
                "argument `{arg}` expands over the item of another mapping; take it with `group_arg`, so that its name tells which"
            );
            problems.error("not-mappable", at.to("map_item"), message);
        }
        Source::List(_) | Source::Object(_) => {}
        source => inner(source, at, &mut |source, at| check_items(arg, source, at, problems)),
    }
}

/// How many instances it has, where the document says; `Some(None)` when the number does not fit 64 bits.
#[expect(clippy::option_option, reason = "unknown, too large and known are three answers")]
fn length_of(expand: &Expand) -> Option<Option<u64>> {
    let lengths = expand.sources().map(|(_, source)| known_length(source));
    let lengths: Vec<_> = lengths.collect::<Option<_>>()?;
    match expand {
        Expand::Product(_) if lengths.contains(&Some(0)) => Some(Some(0)),
        Expand::Product(_) => Some(lengths.into_iter().try_fold(1_u64, |product, length| product.checked_mul(length?))),
        Expand::Zip(zip) => {
            let key = |length: &Option<u64>| length.unwrap_or(u64::MAX);
            let lengths = lengths.into_iter();
            Some(if zip.fill.is_some() { lengths.max_by_key(key) } else { lengths.min_by_key(key) }.unwrap_or(Some(0)))
        }
        Expand::Each(_) => lengths.into_iter().next(),
    }
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
