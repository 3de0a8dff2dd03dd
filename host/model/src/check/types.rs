//! Types along edges: what a source gives fits what the argument takes; through `expand`, item by item.

use std::collections::HashMap;
use std::fmt::Write as _;

use indexmap::IndexMap;

use super::{arg_pointer, expand_pointer, expanded, task_pointer};
use crate::document::{DagDocument, OutputSource, Source, TaskDocument};
use crate::id::{NodeIdx, TaskId};
use crate::pointer::Pointer;
use crate::problem::Problems;
use crate::types::{Comparison, Type};

/// Longest text of a type in a message.
const SHOWN_MAX_BYTES: usize = 200;
/// The key of a task's result.
const RETURN_VALUE: &str = "return_value";

pub(super) fn check(document: &DagDocument, by_task_id: &IndexMap<TaskId, NodeIdx>, problems: &mut Problems) {
    let values = Values::of(document, by_task_id);
    let mut edges = Edges { values: &values, comparison: Comparison::default(), problems };
    for (i, task) in document.tasks.iter().enumerate() {
        let Some(signature) = &task.signature else { continue };
        let at = task_pointer(i);
        for (name, source) in &task.args {
            if let Some(arg) = signature.args.get(name) {
                edges.check(source, &arg.ty, name.as_str(), &mut arg_pointer(&at, name.as_str()));
            }
        }
        for (i, arg) in expanded(task).iter().enumerate() {
            if let Some(taken) = signature.args.get(&arg.arg) {
                edges.check_items(&arg.source, &taken.ty, arg.arg.as_str(), &mut expand_pointer(&at, i).to("source"));
            }
        }
    }
    if edges.comparison.is_spent() {
        let message = "the types of this DAG are too large to compare along all edges; use `any` for the largest";
        edges.problems.error("types-too-large", "/tasks", message);
    }
}

/// The type of a value that a task leaves.
struct Value {
    whole: Type,
    /// Of what a task mapped over it gets; nothing where it cannot be mapped over.
    item: Option<Type>,
}

/// What tasks leave. Types are made once for each task, however many arguments take them.
struct Values<'a> {
    by_task_id: &'a IndexMap<TaskId, NodeIdx>,
    /// Of results, by task.
    results: Vec<Value>,
    /// Of values under other keys, whose type nobody says.
    any: Value,
    any_of_mapped: Value,
    is_mapped: Vec<bool>,
}

impl<'a> Values<'a> {
    fn of(document: &DagDocument, by_task_id: &'a IndexMap<TaskId, NodeIdx>) -> Self {
        let value = |one: Type, is_mapped: bool| {
            let whole = if is_mapped { Type::Sequence(Box::new(one)) } else { one };
            Value { item: whole.item(), whole }
        };
        let result = |task: &TaskDocument| {
            let one = task.signature.as_ref().map_or(Type::Any, |signature| signature.result.clone());
            value(one, task.expand.is_some())
        };
        Self {
            by_task_id,
            results: document.tasks.iter().map(result).collect(),
            any: value(Type::Any, false),
            any_of_mapped: value(Type::Any, true),
            is_mapped: document.tasks.iter().map(|task| task.expand.is_some()).collect(),
        }
    }

    fn get(&self, output: &OutputSource) -> &Value {
        let Some(node) = self.by_task_id.get(&output.task) else { return &self.any };
        let node = node.0 as usize;
        let is_result = output.key.as_ref().is_none_or(|key| key.as_str() == RETURN_VALUE);
        match (is_result, self.is_mapped[node]) {
            (true, _) => &self.results[node],
            (false, true) => &self.any_of_mapped,
            (false, false) => &self.any,
        }
    }
}

struct Edges<'a> {
    values: &'a Values<'a>,
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
            (Source::Output(output), _) => {
                let Value { whole, item } = self.values.get(output);
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
                let Value { whole, item } = self.values.get(output);
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
            Source::Literal(_) | Source::Param(_) | Source::Conf(_) => {}
        }
    }

    /// True where the value of `source` may stand where `into` is asked for.
    fn takes(&mut self, source: &Source, into: &Type) -> bool {
        if !self.comparison.step() {
            return true;
        }
        match (source, into) {
            (_, Type::Any) | (Source::Param(_) | Source::Conf(_), _) => true,
            (Source::Literal(value), into) => self.comparison.accepts(into, value),
            (Source::Output(output), into) => self.comparison.fits(&self.values.get(output).whole, into),
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
