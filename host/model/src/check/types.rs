//! Types along edges: what a source gives fits what the argument takes; through `expand`, item by item.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::ids::Ids;
use super::scopes::Scopes;
use super::taker::{Member, takers};
use crate::document::{DagDocument, MapItem, Signature, Source};
use crate::id::ScopeIdx;
use crate::pointer::Pointer;
use crate::problem::Problems;
use crate::types::{Comparison, Type};

mod values;

use values::Values;

/// Longest text of a type in a message.
const SHOWN_MAX_BYTES: usize = 200;

pub(super) fn check(document: &DagDocument, ids: &Ids, scopes: &Scopes, problems: &mut Problems) {
    let values = Values::of(document, ids, scopes);
    let mut edges = Edges { values: &values, around: ScopeIdx::RUN, comparison: Comparison::default(), problems };
    for taker in takers(document) {
        let Member::Task(i) = taker.member else { continue };
        let Some(signature) = &document.tasks[i].signature else { continue };
        edges.around = scopes.within[i];
        for (name, source, mut at) in taker.fixed() {
            if let Some(arg) = signature.args.get(name) {
                edges.check(source, &arg.ty, name.as_str(), &mut at);
            }
        }
        for (arg, source, at) in taker.expanded() {
            match arg {
                None => edges.check_each(source, signature, &mut at.to("source")),
                Some(arg) => {
                    if let Some(taken) = signature.args.get(arg) {
                        edges.check_items(source, &taken.ty, arg.as_str(), &mut at.to("source"));
                    }
                }
            }
        }
    }
    if edges.comparison.is_spent() {
        let message = "the types of this DAG are too large to compare along all edges; use `any` for the largest";
        edges.problems.error("types-too-large", "/tasks", message);
    }
}

struct Edges<'a> {
    values: &'a Values<'a>,
    /// Where the task is decided whose arguments are checked.
    around: ScopeIdx,
    comparison: Comparison,
    problems: &'a mut Problems,
}

impl Edges<'_> {
    /// The whole value of `source` against `into`.
    fn check(&mut self, source: &Source, into: &Type, arg: &str, at: &mut Pointer) {
        match (source, into) {
            (Source::List(items), Type::List(into) | Type::Sequence(into)) => at.within("list", |at| {
                for (i, item) in items.iter().enumerate() {
                    at.within_index(i, |at| self.check(item, into, arg, at));
                }
            }),
            (Source::Object(members), Type::Map(into)) => at.within("object", |at| {
                for (i, (_, member)) in members.iter().enumerate() {
                    at.within_index(i, |at| at.within_index(1, |at| self.check(member, into, arg, at)));
                }
            }),
            (Source::Map(_) | Source::Filter(_) | Source::Zip(_) | Source::Concat(_), into) => {
                let item = match into {
                    Type::List(item) | Type::Sequence(item) => item,
                    _ => &Type::Any,
                };
                self.check_items(source, item, arg, at);
                if !self.comparison.fits(&Type::List(Box::new(Type::Any)), into) {
                    let message = format!("argument `{arg}` takes {}, and this is a list", shown(into));
                    self.problems.error("type-mismatch", &*at, message);
                }
            }
            (Source::Output(output), _) => {
                let (whole, item) = self.values.get(output, self.around);
                if !self.comparison.fits(whole, into) {
                    let hint = match item {
                        Some(item) if self.comparison.fits(item, into) => {
                            "; `expand` over it to run once for each item"
                        }
                        _ => "",
                    };
                    let (from, into) = (shown(whole), shown(into));
                    let message =
                        format!("task `{}` gives {from}, but argument `{arg}` takes {into}{hint}", output.task);
                    self.problems.error("type-mismatch", at.to("output"), message);
                }
            }
            (source, into) => {
                if !self.takes(source, into) {
                    let message = format!("argument `{arg}` takes {}, and this is something else", shown(into));
                    self.problems.error("type-mismatch", &*at, message);
                }
            }
        }
    }

    /// Each item of `source` against `into`.
    fn check_items(&mut self, source: &Source, into: &Type, arg: &str, at: &mut Pointer) {
        match source {
            Source::Output(output) => {
                let (whole, item) = self.values.get(output, self.around);
                let Some(item) = item else {
                    let from = shown(whole);
                    let message = format!(
                        "task `{}` gives {from}; `expand` needs a list or an object; pass it in `args`",
                        output.task
                    );
                    return self.problems.error("not-mappable", at.to("output"), message);
                };
                if !self.comparison.fits(item, into) {
                    let (task, item, into) = (&output.task, shown(item), shown(into));
                    let message = format!("items of task `{task}` are {item}, but argument `{arg}` takes {into}");
                    self.problems.error("type-mismatch", at.to("output"), message);
                }
            }
            Source::Literal(serde_json::Value::Array(items)) => at.within("literal", |at| {
                for (i, item) in items.iter().enumerate() {
                    if !self.comparison.accepts(into, item) {
                        let message =
                            format!("argument `{arg}` takes {}, and this item is something else", shown(into));
                        at.within_index(i, |at| self.problems.error("type-mismatch", &*at, message));
                    }
                }
            }),
            Source::List(items) => at.within("list", |at| {
                for (i, item) in items.iter().enumerate() {
                    at.within_index(i, |at| self.check(item, into, arg, at));
                }
            }),
            Source::Object(members) => at.within("object", |at| {
                for (i, (key, member)) in members.iter().enumerate() {
                    let pair = [Source::Literal(key.as_str().into()), member.clone()];
                    if !self.takes_list(&pair, into) {
                        let message = format!(
                            "argument `{arg}` takes {}, and this [key, value] pair is something else",
                            shown(into)
                        );
                        at.within_index(i, |at| self.problems.error("type-mismatch", &*at, message));
                    }
                }
            }),
            Source::Map(transform) => at.within("map", |at| {
                at.within("source", |at| self.check_items(&transform.source, &Type::Any, arg, at));
            }),
            Source::Filter(transform) => at.within("filter", |at| {
                at.within("source", |at| self.check_items(&transform.source, into, arg, at));
            }),
            Source::Concat(sources) => at.within("concat", |at| {
                for (i, source) in sources.iter().enumerate() {
                    at.within_index(i, |at| self.check_items(source, into, arg, at));
                }
            }),
            Source::Zip(zip) => {
                let item = match into {
                    Type::List(item) | Type::Sequence(item) => item,
                    _ => &Type::Any,
                };
                at.within("zip", |at| {
                    for (i, source) in zip.sources.iter().enumerate() {
                        at.within("sources", |at| {
                            at.within_index(i, |at| self.check_items(source, item, arg, at));
                        });
                    }
                });
                if !self.comparison.fits(&Type::List(Box::new(Type::Any)), into) {
                    let message = format!("argument `{arg}` takes {}, and each item of a zip is a list", shown(into));
                    self.problems.error("type-mismatch", &*at, message);
                }
            }
            Source::GroupArg(of) => {
                let whole = self.values.group_arg(of);
                match whole.item() {
                    None => {
                        let message = format!(
                            "argument `{}` of group `{}` is {}; `expand` needs a list or an object; pass it in `args`",
                            of.arg,
                            of.group,
                            shown(&whole)
                        );
                        self.problems.error("not-mappable", at.to("group_arg"), message);
                    }
                    Some(item) if !self.comparison.fits(&item, into) => {
                        let (item, into) = (shown(&item), shown(into));
                        let message = format!(
                            "items of argument `{}` of group `{}` are {item}, but argument `{arg}` takes {into}",
                            of.arg, of.group
                        );
                        self.problems.error("type-mismatch", at.to("group_arg"), message);
                    }
                    Some(_) => {}
                }
            }
            Source::Literal(_) | Source::Param(_) | Source::Conf(_) | Source::Variable(_) | Source::MapItem(_) => {}
        }
    }

    /// Each object of `source` against the arguments of its names.
    fn check_each(&mut self, source: &Source, signature: &Signature, at: &mut Pointer) {
        match source {
            Source::Literal(serde_json::Value::Array(items)) => at.within("literal", |at| {
                for (i, item) in items.iter().enumerate() {
                    for (name, value) in item.as_object().into_iter().flatten() {
                        let Some(arg) = signature.args.get(name.as_str()) else { continue };
                        if !self.comparison.accepts(&arg.ty, value) {
                            let message =
                                format!("argument `{name}` takes {}, and this is something else", shown(&arg.ty));
                            at.within_index(i, |at| self.problems.error("type-mismatch", at.to(name), message));
                        }
                    }
                }
            }),
            Source::List(items) => at.within("list", |at| {
                for (i, item) in items.iter().enumerate() {
                    let Source::Object(members) = item else { continue };
                    at.within_index(i, |at| {
                        for (n, (name, member)) in members.iter().enumerate() {
                            let Some(arg) = signature.args.get(name.as_str()) else { continue };
                            let mut at = at.to("object").to(&n.to_string()).to("1");
                            self.check(member, &arg.ty, name, &mut at);
                        }
                    });
                }
            }),
            Source::Output(output) => {
                let (whole, item) = self.values.get(output, self.around);
                let members = match item {
                    Some(Type::Object(members)) => members,
                    Some(Type::Any | Type::Map(_) | Type::Union(_) | Type::Enum(_)) => return,
                    Some(_) | None => {
                        let message =
                            format!("task `{}` gives {}; `each` needs a list of objects", output.task, shown(whole));
                        return self.problems.error("not-mappable", at.to("output"), message);
                    }
                };
                for (name, member) in members {
                    let Some(arg) = signature.args.get(name.as_str()) else { continue };
                    if !self.comparison.fits(&member.ty, &arg.ty) {
                        let (from, into) = (shown(&member.ty), shown(&arg.ty));
                        let message = format!(
                            "task `{}` gives {from} as `{name}`, but argument `{name}` takes {into}",
                            output.task
                        );
                        self.problems.error("type-mismatch", at.to("output"), message);
                    }
                }
            }
            _ => {}
        }
    }

    /// True where the value of `source` may stand where `into` is asked for.
    fn takes(&mut self, source: &Source, into: &Type) -> bool {
        if !self.comparison.step() {
            return true;
        }
        match (source, into) {
            (_, Type::Any)
            | (
                Source::Param(_)
                | Source::Conf(_)
                | Source::Variable(_)
                | Source::MapItem(MapItem::Key | MapItem::Value),
                _,
            ) => true,
            (Source::MapItem(MapItem::Index), into) => self.comparison.fits(&Type::Integer, into),
            (Source::Literal(value), into) => self.comparison.accepts(into, value),
            (Source::Output(output), into) => self.comparison.fits(self.values.get(output, self.around).0, into),
            (Source::GroupArg(of), into) => self.comparison.fits(&self.values.group_arg(of), into),
            (Source::Map(_) | Source::Filter(_) | Source::Zip(_) | Source::Concat(_), into) => {
                self.comparison.fits(&Type::List(Box::new(Type::Any)), into)
            }
            (source, Type::Union(types)) => types.iter().any(|into| self.takes(source, into)),
            (Source::List(items), into) => self.takes_list(items, into),
            (Source::Object(members), Type::Map(into)) => members.iter().all(|(_, member)| self.takes(member, into)),
            (Source::Object(members), Type::Object(types)) => {
                self.comparison.steps(members.len());
                let members: HashMap<_, _> = members.iter().map(|(key, member)| (key, member)).collect();
                types.iter().all(|(name, ty)| match members.get(name) {
                    Some(member) => self.takes(member, &ty.ty),
                    None => ty.optional,
                })
            }
            (Source::Object(_), _) => false,
        }
    }

    fn takes_list(&mut self, items: &[Source], into: &Type) -> bool {
        if !self.comparison.step() {
            return true;
        }
        match into {
            Type::Any => true,
            Type::List(into) | Type::Sequence(into) => items.iter().all(|item| self.takes(item, into)),
            Type::Union(types) => types.iter().any(|into| self.takes_list(items, into)),
            _ => false,
        }
    }
}

/// The type as text, cut where it is long.
fn shown(ty: &Type) -> String {
    struct Cut(String);
    impl std::fmt::Write for Cut {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.push_str(text);
            if self.0.len() > SHOWN_MAX_BYTES { Err(std::fmt::Error) } else { Ok(()) }
        }
    }
    let mut cut = Cut(String::new());
    if write!(cut, "{ty}").is_err() {
        cut.0.truncate(cut.0.floor_char_boundary(SHOWN_MAX_BYTES));
        cut.0.push('…');
    }
    cut.0
}
