//! The objects of an `each`, as far as the document says them: members are arguments, and all that are needed are there.

use serde_json::Value;

use super::args::unknown_argument;
use super::taker::Taker;
use crate::document::{EachExpand, Signature, Source, TaskDocument};
use crate::id::Key;
use crate::pointer::Pointer;
use crate::problem::Problems;

/// Names of the members of each object that the document says, with the place of the object.
fn objects(expand: &EachExpand, at: &Pointer, visit: &mut impl FnMut(&[&str], Pointer)) {
    let at = at.to("source");
    match &expand.source {
        Source::Literal(Value::Array(items)) => {
            for (i, item) in items.iter().enumerate() {
                if let Value::Object(members) = item {
                    let names: Vec<_> = members.keys().map(String::as_str).collect();
                    visit(&names, at.to("literal").to(&i.to_string()));
                }
            }
        }
        Source::List(items) => {
            for (i, item) in items.iter().enumerate() {
                let at = at.to("list").to(&i.to_string());
                match item {
                    Source::Object(members) => {
                        let names: Vec<_> = members.iter().map(|(name, _)| name.as_str()).collect();
                        visit(&names, at);
                    }
                    Source::Literal(Value::Object(members)) => {
                        let names: Vec<_> = members.keys().map(String::as_str).collect();
                        visit(&names, at);
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// Items that are no objects, names that are no names, and arguments that are given twice where that is not allowed.
pub(super) fn check_twice(expand: &EachExpand, taker: &Taker<'_>, problems: &mut Problems) {
    let at = taker.at.to("expand").to("each");
    if let Source::Literal(Value::Array(items)) = &expand.source {
        for (i, _) in items.iter().enumerate().filter(|(_, item)| !item.is_object()) {
            let message = "each item is an object of arguments, and this one is not; write one, or use `product`";
            problems.error("no-arguments", at.to("source").to("literal").to(&i.to_string()), message);
        }
    }
    objects(expand, &at, &mut |names, at| {
        for name in names {
            if Key::new(name).is_err() {
                problems.error("invalid-argument", at.to(name), format!("{name:?} cannot be the name of an argument"));
            } else if !expand.overriding && taker.args.contains_key(*name) {
                let message = format!("argument `{name}` is given in `args` too; remove one, or set `overriding`");
                problems.error("duplicate-argument", at.to(name), message);
            }
        }
    });
}

/// Names against the signature.
pub(super) fn check_names(
    expand: &EachExpand,
    task: &TaskDocument,
    signature: &Signature,
    at: &Pointer,
    problems: &mut Problems,
) {
    objects(expand, &at.to("expand").to("each"), &mut |names, at| {
        for name in names.iter().filter(|name| !signature.args.contains_key(**name)) {
            problems.error("unknown-argument", at.to(name), unknown_argument(task, signature, name, problems));
        }
        for (name, arg) in &signature.args {
            let is_given = names.contains(&name.as_str()) || task.args.contains_key(name);
            if !arg.optional && !is_given {
                let message = format!("task `{}` needs argument `{name}` of type {}; add it", task.task_id, arg.ty);
                problems.error("missing-argument", &at, message);
            }
        }
    });
}
