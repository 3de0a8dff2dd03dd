//! Arguments: names against the signature, each given once, and sources that name what there is.

use std::collections::HashSet;

use super::RESERVED;
use super::each;
use super::groups::Groups;
use super::ids::{self, Ids};
use super::scopes::Scopes;
use super::taker::{Member, Taker, takers};
use crate::document::{DagDocument, Expand, GroupArgSource, Signature, Source, TaskDocument};
use crate::id::{Key, ScopeIdx};
use crate::json::marker::{KEY, find_any_marker_in};
use crate::pointer::Pointer;
use crate::problem::Problems;

pub(super) fn check(document: &DagDocument, ids: &Ids, groups: &Groups, scopes: &Scopes, problems: &mut Problems) {
    for taker in takers(document) {
        check_twice(document, &taker, problems);
        if let Member::Task(i) = taker.member
            && document.tasks[i].kind.has_body()
        {
            check_names(&document.tasks[i], &taker, problems);
        }
        let around = Around { document, ids, groups, scope: scopes.around(taker.member, groups), member: taker.member };
        check_sources(&around, &taker, problems);
    }
}

fn name_of(document: &DagDocument, member: Member) -> String {
    match member {
        Member::Task(i) => format!("task `{}`", document.tasks[i].task_id),
        Member::Group(i) => format!("group `{}`", document.groups[i].group_id),
    }
}

fn check_twice(document: &DagDocument, taker: &Taker<'_>, problems: &mut Problems) {
    let mut given: HashSet<&Key> = taker.args.keys().collect();
    for (arg, _, at) in taker.expanded() {
        if let Some(arg) = arg
            && !given.insert(arg)
        {
            let message = format!("argument `{arg}` of {} is given twice; keep one", name_of(document, taker.member));
            problems.error("duplicate-argument", at.to("arg"), message);
        }
    }
    if let Some(Expand::Each(expand)) = taker.expand {
        each::check_twice(expand, taker, problems);
    }
}

fn check_names(task: &TaskDocument, taker: &Taker<'_>, problems: &mut Problems) {
    let Some(signature) = &task.signature else { return };
    let at = &taker.at;
    let given: HashSet<&Key> = taker.args.keys().chain(taker.expanded().filter_map(|(arg, ..)| arg)).collect();
    // What the objects of an `each` give may be known only when they are there.
    let is_open = matches!(task.expand, Some(Expand::Each(_)));
    for (name, arg) in &signature.args {
        if !arg.optional && !is_open && !given.contains(name) {
            let message = format!(
                "task `{}` needs argument `{name}` of type {}; give it in `args` or `expand`",
                task.task_id, arg.ty
            );
            problems.error("missing-argument", at.to("args"), message);
        }
    }
    for name in task.args.keys().filter(|name| !signature.args.contains_key(*name)) {
        let message = unknown_argument(task, signature, name.as_str(), problems);
        problems.error("unknown-argument", at.to("args").to(name.as_str()), message);
    }
    for (arg, _, at) in taker.expanded() {
        if let Some(arg) = arg.filter(|arg| !signature.args.contains_key(*arg)) {
            let message = unknown_argument(task, signature, arg.as_str(), problems);
            problems.error("unknown-argument", at.to("arg"), message);
        }
    }
    if let Some(Expand::Each(expand)) = &task.expand {
        each::check_names(expand, task, signature, &taker.at, problems);
    }
}

pub(super) fn unknown_argument(task: &TaskDocument, signature: &Signature, name: &str, problems: &Problems) -> String {
    const NAMES_SHOWN_MAX: usize = 20;
    let known = signature.args.keys().map(Key::as_str);
    let hint = match ids::closest(name, known.clone(), problems) {
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

/// Where sources stand.
struct Around<'a> {
    document: &'a DagDocument,
    ids: &'a Ids,
    groups: &'a Groups,
    /// In which the taker is decided.
    scope: ScopeIdx,
    member: Member,
}

/// Parameters and arguments of groups exist, conf pointers are pointers, nothing makes a marker.
fn check_sources(around: &Around<'_>, taker: &Taker<'_>, problems: &mut Problems) {
    let document = around.document;
    taker.each_source(&mut |source, at| match source {
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
        Source::GroupArg(arg) => check_group_arg(around, arg, &at.to("group_arg"), problems),
        Source::Zip(zip) if zip.sources.is_empty() => {
            problems.error("empty-zip", at.to("zip").to("sources"), "name at least one source");
        }
        Source::MapItem(_) if around.scope == ScopeIdx::RUN && taker.expand.is_none() => {
            let what = name_of(document, around.member);
            let message = format!("{what} is not mapped, so it has no item; add `expand`, or take another source");
            problems.error("not-mapped", at.to("map_item"), message);
        }
        _ => {}
    });
}

fn check_group_arg(around: &Around<'_>, arg: &GroupArgSource, at: &Pointer, problems: &mut Problems) {
    let GroupArgSource { group: id, arg } = arg;
    let Some(&group) = around.ids.groups.get(id) else {
        return problems.error("unknown-group", at.to("group"), around.ids.unknown_group(id, problems));
    };
    if !around.groups.chain(around.groups.around(around.member)).any(|it| it == group) {
        let what = name_of(around.document, around.member);
        let message = format!("{what} is not inside group `{id}`; move it there, or take another source");
        return problems.error("outside-group", at.to("group"), message);
    }
    let document = &around.document.groups[group];
    let mut mapped = document.expand.iter().flat_map(Expand::sources);
    let is_given = document.args.contains_key(arg) || mapped.any(|(name, _)| name.is_none_or(|name| name == arg));
    if !is_given {
        let message = format!("group `{id}` has no argument `{arg}`; add it to its `args` or `expand`");
        problems.error("unknown-argument", at.to("arg"), message);
    }
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
