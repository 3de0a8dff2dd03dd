//! What is mapped over what: the sources of each level of mapping, with the lengths that are known when a run begins.

use std::sync::Arc;

use model::document::{Expand, GroupArgSource, Source, ZipSource};
use model::json::marker;
use model::{Dag, NodeIdx, ScopeIdx};
use serde_json::Value;

/// What a run was given, as far as lengths follow from it.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    pub conf: &'a Value,
    /// Defaults filled in.
    pub params: &'a Value,
    /// Values of the variables that the DAG names, as they are when the run begins.
    pub variables: &'a Value,
}

/// What each level of mapping varies over. The lengths of literals, parameters, variables and places in the conf stand in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Lengths(Arc<[Mapping]>);

impl Lengths {
    pub(crate) fn of(&self, scope: ScopeIdx) -> &Mapping {
        &self.0[scope.0 as usize]
    }
}

/// How a level is mapped.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Mapping {
    /// In the order of `expand`; none for the run.
    pub(crate) axes: Vec<Axis>,
    pub(crate) how: How,
}

/// How several axes make one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum How {
    /// Row-major, the last one fastest.
    #[default]
    Product,
    Shortest,
    Longest,
}

/// Something with items.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Axis {
    Known {
        length: u32,
        /// Lengths of the items, where something is mapped over those.
        items: Option<Arc<[Option<u32>]>>,
    },
    /// The list of one instance of a task: the one around whatever is mapped.
    List(NodeIdx),
    /// The values of all instances of a task.
    Instances(NodeIdx),
    /// An item of a level around it: of this of its axes.
    Item {
        scope: ScopeIdx,
        axis: usize,
    },
    Concat(Vec<Axis>),
    /// Lists of the items at one position.
    Zip {
        parts: Vec<Axis>,
        is_longest: bool,
    },
    /// Its items are known when an instance runs, which is too late.
    Unknown,
}

impl Axis {
    /// The tasks whose ends tell the length or the items.
    pub(crate) fn each_task(&self, visit: &mut impl FnMut(NodeIdx)) {
        match self {
            Self::List(node) | Self::Instances(node) => visit(*node),
            Self::Concat(parts) | Self::Zip { parts, .. } => parts.iter().for_each(|part| part.each_task(visit)),
            Self::Known { .. } | Self::Item { .. } | Self::Unknown => {}
        }
    }

    /// The levels whose items it is about.
    pub(crate) fn each_item_of(&self, visit: &mut impl FnMut(ScopeIdx)) {
        match self {
            Self::Item { scope, .. } => visit(*scope),
            Self::Concat(parts) | Self::Zip { parts, .. } => parts.iter().for_each(|part| part.each_item_of(visit)),
            Self::Known { .. } | Self::List(_) | Self::Instances(_) | Self::Unknown => {}
        }
    }

    /// An item may be missing, or not there yet, while the length is known.
    pub(crate) fn may_have_holes(&self) -> bool {
        match self {
            Self::Instances(_) => true,
            Self::Concat(parts) | Self::Zip { parts, .. } => parts.iter().any(Self::may_have_holes),
            Self::Known { .. } | Self::List(_) | Self::Item { .. } | Self::Unknown => false,
        }
    }

    /// It is the list of one instance, or made of such.
    fn has_lists(&self) -> bool {
        match self {
            Self::List(_) => true,
            Self::Concat(parts) | Self::Zip { parts, .. } => parts.iter().any(Self::has_lists),
            Self::Known { .. } | Self::Instances(_) | Self::Item { .. } | Self::Unknown => false,
        }
    }
}

impl Mapping {
    pub(crate) fn may_have_holes(&self) -> bool {
        self.axes.iter().any(Axis::may_have_holes)
    }

    pub(crate) fn has_lists(&self) -> bool {
        self.axes.iter().any(Axis::has_lists)
    }
}

/// A source of a mapping that is known when the run begins is no list and no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{mapped} is mapped over {source_name}, which is {found}; a list or an object is needed")]
pub struct LengthError {
    /// The task or group.
    pub mapped: String,
    pub source_name: String,
    pub found: &'static str,
}

/// Finds what is mapped over what, and the lengths of everything that is known when the run begins: literals, parameters, variables
/// and places in the conf. [`crate::RunMachine`] takes them.
pub fn lengths_at_start(dag: &Dag, given: Given<'_>) -> Result<Lengths, LengthError> {
    let mut has_items = false;
    for (scope, _) in dag.scopes() {
        for (_, source) in dag.expand_of(scope).into_iter().flat_map(Expand::sources) {
            has_items |= names_group_arg(source);
        }
    }
    let mappings = dag.scopes().map(|(scope, at)| {
        let Some(expand) = dag.expand_of(scope) else { return Ok(Mapping::default()) };
        let around = at.parent.unwrap_or(ScopeIdx::RUN);
        let mapped = match at.of {
            model::dag::ScopeOf::Group(group) => {
                format!("group {:?}", dag.document().groups[group].group_id.as_str())
            }
            model::dag::ScopeOf::Task(node) => format!("task {:?}", dag.task(node).task_id.as_str()),
            model::dag::ScopeOf::Run => String::new(),
        };
        let reader = Reader { dag, given, around, mapped, has_items };
        let axes = expand.sources().map(|(arg, source)| reader.axis(source, arg.map_or("each", |arg| arg.as_str())));
        let how = match expand {
            Expand::Zip(zip) if zip.fill.is_some() => How::Longest,
            Expand::Zip(_) => How::Shortest,
            Expand::Product(_) | Expand::Each(_) => How::Product,
        };
        Ok(Mapping { axes: axes.collect::<Result<_, _>>()?, how })
    });
    mappings.collect::<Result<Vec<_>, _>>().map(|mappings| Lengths(mappings.into()))
}

fn names_group_arg(source: &Source) -> bool {
    matches!(source, Source::GroupArg(_)) || source.item_sources().iter().any(names_group_arg)
}

/// Reads the sources of one level.
struct Reader<'a> {
    dag: &'a Dag,
    given: Given<'a>,
    around: ScopeIdx,
    mapped: String,
    /// Lengths of items are asked for somewhere.
    has_items: bool,
}

impl Reader<'_> {
    fn axis(&self, source: &Source, arg: &str) -> Result<Axis, LengthError> {
        let parts = |sources: &[Source]| {
            sources.iter().map(|source| self.axis(source, arg)).collect::<Result<Vec<_>, LengthError>>()
        };
        let (source_name, value) = match source {
            Source::Output(output) => return Ok(self.output(output.task.as_str())),
            Source::List(items) => {
                let literals = items.iter().map(|item| match item {
                    Source::Literal(value) => length(value).ok(),
                    Source::List(items) => Some(saturated(items.len())),
                    Source::Object(members) => Some(saturated(members.len())),
                    _ => None,
                });
                let (length, items) = (saturated(items.len()), self.has_items.then(|| literals.collect()));
                return Ok(Axis::Known { length, items });
            }
            Source::Object(members) => {
                // Each pair is a list of two.
                let items = self.has_items.then(|| vec![Some(2); members.len()].into());
                return Ok(Axis::Known { length: saturated(members.len()), items });
            }
            Source::Map(transform) | Source::Filter(transform) => return self.axis(&transform.source, arg),
            Source::Concat(sources) => return Ok(Axis::Concat(parts(sources)?)),
            Source::Zip(ZipSource { sources, fill }) => {
                return Ok(Axis::Zip { parts: parts(sources)?, is_longest: fill.is_some() });
            }
            Source::GroupArg(of) => return self.group_arg(of, arg),
            Source::MapItem(_) => return Ok(Axis::Unknown),
            Source::Literal(value) => (format!("the literal of argument {arg:?}"), Some(value)),
            Source::Param(name) => (format!("parameter {:?}", name.as_str()), self.given.params.get(name.as_str())),
            Source::Variable(name) => {
                (format!("variable {:?}", name.as_str()), self.given.variables.get(name.as_str()))
            }
            Source::Conf(pointer) => (format!("the run's conf at {pointer:?}"), self.given.conf.pointer(pointer)),
        };
        let value = value.unwrap_or(&Value::Null);
        match length(value) {
            Ok(length) => Ok(Axis::Known { length, items: self.has_items.then(|| item_lengths(value)) }),
            Err(found) => Err(LengthError { mapped: self.mapped.clone(), source_name, found }),
        }
    }

    fn output(&self, task: &str) -> Axis {
        let Some(node) = self.dag.find(task) else { return Axis::Unknown };
        let of_task = self.dag.node(node).scope;
        if self.dag.common_scope(of_task, self.around) == of_task { Axis::List(node) } else { Axis::Instances(node) }
    }

    fn group_arg(&self, of: &GroupArgSource, arg: &str) -> Result<Axis, LengthError> {
        let groups = &self.dag.document().groups;
        let Some(position) = groups.iter().position(|group| group.group_id == of.group) else {
            return Ok(Axis::Unknown);
        };
        if let Some(source) = groups[position].args.get(&of.arg) {
            return self.axis(source, arg);
        }
        let is_of_group = |of: model::dag::ScopeOf| of == model::dag::ScopeOf::Group(position);
        let scope = self.dag.scopes().find(|(_, scope)| is_of_group(scope.of)).map(|(scope, _)| scope);
        let mapped = groups[position].expand.iter().flat_map(Expand::sources);
        let axis = { mapped }.position(|(name, _)| name.is_some_and(|name| *name == of.arg));
        Ok(match (scope, axis) {
            (Some(scope), Some(axis)) => Axis::Item { scope, axis },
            _ => Axis::Unknown,
        })
    }
}

fn item_lengths(value: &Value) -> Arc<[Option<u32>]> {
    match value {
        Value::Array(items) => items.iter().map(|item| length(item).ok()).collect(),
        Value::Object(members) => vec![Some(2); members.len()].into(),
        _ => Arc::default(),
    }
}

/// Items of a list or members of an object; else what it is.
fn length(value: &Value) -> Result<u32, &'static str> {
    match value {
        Value::Array(items) => Ok(saturated(items.len())),
        Value::Object(members) if members.contains_key(marker::KEY) => Err("a blob"),
        Value::Object(members) => Ok(saturated(members.len())),
        Value::Null => Err("null"),
        Value::Bool(_) => Err("a boolean"),
        Value::Number(_) => Err("a number"),
        Value::String(_) => Err("a string"),
    }
}

fn saturated(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
