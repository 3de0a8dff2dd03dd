//! Types of what tasks leave and of what groups are given.

use indexmap::IndexMap;

use crate::check::ids::Ids;
use crate::check::scopes::Scopes;
use crate::document::{DagDocument, Expand, GroupArgSource, MapItem, OutputSource, Source, TaskDocument, TaskKind};
use crate::id::{Key, ScopeIdx};
use crate::limits::dag::GROUP_DEPTH_MAX;
use crate::types::{Member as TypeMember, Type};

/// The key of a task's result.
const RETURN_VALUE: &str = "return_value";

/// The type of a value that a task leaves.
struct Value {
    /// Of one instance.
    one: Type,
    /// Of what a task gets that is mapped over it; nothing where it cannot be mapped over.
    item: Option<Type>,
    /// Of all instances together.
    all: Type,
}

impl Value {
    fn of(one: Type) -> Self {
        Self { item: one.item(), all: Type::Sequence(Box::new(one.clone())), one }
    }
}

/// What somebody answers who fills in a form: all of its fields, because one that is left out has its default. What a field takes
/// is checked against its schema when it is answered.
fn answers(task: &TaskDocument) -> Type {
    let field = |name: &Key| (name.as_str().to_owned(), TypeMember { ty: Type::Any, optional: false });
    Type::Object(task.form.keys().map(field).collect())
}

/// What tasks leave. Types are made once for each task, however many arguments take them.
pub(super) struct Values<'a> {
    document: &'a DagDocument,
    ids: &'a Ids,
    scopes: &'a Scopes,
    /// Of results, by task.
    results: Vec<Value>,
    /// Of values whose type nobody says.
    any: Value,
}

impl<'a> Values<'a> {
    pub(super) fn of(document: &'a DagDocument, ids: &'a Ids, scopes: &'a Scopes) -> Self {
        let result = |task: &TaskDocument| match (&task.signature, task.kind) {
            (Some(signature), _) => Value::of(signature.result.clone()),
            (None, TaskKind::Approval) => Value::of(answers(task)),
            (None, _) => Value::of(Type::Any),
        };
        let results = document.tasks.iter().map(result).collect();
        Self { document, ids, scopes, results, any: Value::of(Type::Any) }
    }

    /// The whole value as a task sees it that is decided in `around`, and one item of it.
    pub(super) fn get(&self, output: &OutputSource, around: ScopeIdx) -> (&Type, Option<&Type>) {
        let Some(node) = self.ids.tasks.get(&output.task) else { return (&self.any.one, self.any.item.as_ref()) };
        let node = node.0 as usize;
        let is_result = output.key.as_ref().is_none_or(|key| key.as_str() == RETURN_VALUE);
        let value = if is_result { &self.results[node] } else { &self.any };
        let of_task = self.scopes.of_task[node];
        if self.scopes.common(of_task, around) == of_task {
            (&value.one, value.item.as_ref())
        } else {
            (&value.all, Some(&value.one))
        }
    }

    /// The type of a group's argument: of one item where the group is mapped over it.
    pub(super) fn group_arg(&self, arg: &GroupArgSource) -> Type {
        self.group_arg_within(arg, GROUP_DEPTH_MAX)
    }

    fn group_arg_within(&self, arg: &GroupArgSource, levels: usize) -> Type {
        let (Some(&group), Some(levels)) = (self.ids.groups.get(&arg.group), levels.checked_sub(1)) else {
            return Type::Any;
        };
        let document = &self.document.groups[group];
        let inside = self.scopes.inside_group[group];
        let around = match document.expand {
            Some(_) => self.scopes.list[inside.0 as usize].parent.unwrap_or(ScopeIdx::RUN),
            None => inside,
        };
        if let Some(source) = document.args.get(&arg.arg) {
            return self.whole(source, around, levels);
        }
        let mut mapped = document.expand.iter().flat_map(Expand::sources);
        match mapped.find(|(name, _)| name.is_some_and(|name| *name == arg.arg)) {
            Some((_, source)) => self.whole(source, around, levels).item().unwrap_or(Type::Any),
            None => Type::Any,
        }
    }

    fn whole(&self, source: &Source, around: ScopeIdx, levels: usize) -> Type {
        let items = |sources: &[Source]| {
            let types = sources.iter().map(|source| self.whole(source, around, levels).item().unwrap_or(Type::Any));
            Type::Union(types.collect())
        };
        match source {
            Source::Literal(value) => Type::Enum(vec![value.clone()]),
            Source::Output(output) => self.get(output, around).0.clone(),
            Source::Param(_) | Source::Conf(_) | Source::Variable(_) => Type::Any,
            Source::MapItem(MapItem::Index) => Type::Integer,
            Source::MapItem(MapItem::Key | MapItem::Value) => Type::Any,
            Source::GroupArg(arg) => self.group_arg_within(arg, levels),
            Source::List(sources) => {
                let types = sources.iter().map(|source| self.whole(source, around, levels)).collect();
                Type::List(Box::new(Type::Union(types)))
            }
            Source::Object(members) => {
                let member = |(name, source): &(String, Source)| {
                    (name.clone(), TypeMember { ty: self.whole(source, around, levels), optional: false })
                };
                Type::Object(members.iter().map(member).collect::<IndexMap<_, _>>())
            }
            Source::Map(_) => Type::List(Box::new(Type::Any)),
            Source::Filter(transform) => Type::List(Box::new(items(std::slice::from_ref(&transform.source)))),
            Source::Concat(sources) => Type::List(Box::new(items(sources))),
            Source::Zip(zip) => Type::List(Box::new(Type::List(Box::new(match zip.fill {
                Some(_) => Type::Any,
                None => items(&zip.sources),
            })))),
        }
    }
}
