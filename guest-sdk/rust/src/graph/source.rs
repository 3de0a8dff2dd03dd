//! Where values come from, while tasks and groups are still positions, because they can be renamed.

use serde_json::value::RawValue;

use super::names::Names;
use super::{Graph, GroupNode, ItemsNode, Node, literal};
use crate::document;

/// Where a value comes from.
#[derive(Debug)]
pub(crate) enum Source {
    Literal(Box<RawValue>),
    Output { node: Node, key: Option<&'static str> },
    Param(&'static str),
    Conf(&'static str),
    Variable(&'static str),
    GroupArg { group: GroupNode, arg: &'static str },
    MapItem(&'static str),
    List(Vec<Source>),
    Object(Vec<(String, Source)>),
    Items(ItemsNode),
    Map { source: Box<Source>, entrypoint: &'static str },
    Filter { source: Box<Source>, entrypoint: &'static str },
    Zip { sources: Vec<Source>, fill: Option<Box<RawValue>> },
    Concat(Vec<Source>),
}

impl Source {
    /// A list of sources; one literal where all are literals.
    pub(crate) fn list(items: Vec<Source>) -> Self {
        let literals: Option<Vec<&RawValue>> = items
            .iter()
            .map(|item| match item {
                Self::Literal(value) => Some(&**value),
                _ => None,
            })
            .collect();
        match literals {
            Some(values) => literal(&values),
            None => Self::List(items),
        }
    }

    pub(super) fn to_document(&self, graph: &Graph, names: &Names) -> document::Source {
        let inner = |source: &Source| source.to_document(graph, names);
        let list = |sources: &[Source]| sources.iter().map(inner).collect();
        match self {
            Self::Items(node) => inner(&graph.items[node.0 as usize]),
            Self::Literal(value) => document::Source::Literal(value.clone()),
            Self::Output { node, key } => document::Source::Output { task: names.task(*node), key: *key },
            Self::Param(name) => document::Source::Param(name),
            Self::Conf(pointer) => document::Source::Conf(pointer),
            Self::Variable(name) => document::Source::Variable(name),
            Self::GroupArg { group, arg } => document::Source::GroupArg { group: names.group(*group), arg },
            Self::MapItem(part) => document::Source::MapItem(part),
            Self::List(items) => document::Source::List(list(items)),
            Self::Object(members) => {
                document::Source::Object(members.iter().map(|(key, source)| (key.clone(), inner(source))).collect())
            }
            Self::Map { source, entrypoint } => document::Source::Map { source: Box::new(inner(source)), entrypoint },
            Self::Filter { source, entrypoint } => {
                document::Source::Filter { source: Box::new(inner(source)), entrypoint }
            }
            Self::Zip { sources, fill } => document::Source::Zip { sources: list(sources), fill: fill.clone() },
            Self::Concat(sources) => document::Source::Concat(list(sources)),
        }
    }
}
