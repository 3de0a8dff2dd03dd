//! Where values come from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::present;
use crate::id::{Entrypoint, GroupId, Key, TaskId};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// The value itself.
    Literal(Value),
    /// What an upstream task left: one value of an unmapped task, the sequence of all values of a mapped one.
    Output(OutputSource),
    /// A parameter of the run.
    Param(Key),
    /// A place in the run's conf: an RFC 6901 pointer; the empty one is all of it. Nothing there is null.
    Conf(String),
    /// A list, each element from a source of its own.
    List(Vec<Source>),
    /// An object, each member from a source of its own, in this order.
    Object(Vec<(String, Source)>),
    /// A variable of the tenant, as it is when the run begins.
    Variable(Key),
    /// An argument of a group around the task.
    GroupArg(GroupArgSource),
    /// What the instance is mapped over; of its innermost mapping.
    MapItem(MapItem),
    /// Each item as a body makes it of an item. The body runs where the value is used.
    Map(TransformSource),
    /// The items for which a body answers true. Where it is mapped over, the other positions are skipped.
    Filter(TransformSource),
    /// Lists of the items at one position: as many as the shortest has, or the longest where there is a fill.
    Zip(ZipSource),
    /// The items of several sources, one after the other.
    Concat(Vec<Source>),
}

/// A value of an upstream task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputSource {
    pub task: TaskId,
    /// `return_value` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
}

/// An argument of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupArgSource {
    pub group: GroupId,
    pub arg: Key,
}

/// A part of what an instance is mapped over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MapItem {
    /// The position in a list, the key in an object.
    Key,
    /// The item of a list, the value in an object.
    Value,
    /// The position.
    Index,
}

/// Items that pass through a body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransformSource {
    pub source: Box<Source>,
    pub entrypoint: Entrypoint,
}

/// Items that stand side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZipSource {
    pub sources: Vec<Source>,
    /// Stands where a source has ended before the longest. Without one the shortest decides.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub fill: Option<Value>,
}

impl Source {
    /// The sources whose items this one takes; none where it takes whole values.
    pub fn item_sources(&self) -> &[Source] {
        match self {
            Self::Map(transform) | Self::Filter(transform) => std::slice::from_ref(&transform.source),
            Self::Zip(zip) => &zip.sources,
            Self::Concat(sources) => sources,
            _ => &[],
        }
    }

    pub(crate) fn item_sources_mut(&mut self) -> &mut [Source] {
        match self {
            Self::Map(transform) | Self::Filter(transform) => std::slice::from_mut(&mut transform.source),
            Self::Zip(zip) => &mut zip.sources,
            Self::Concat(sources) => sources,
            _ => &mut [],
        }
    }

    /// The outputs whose items it takes when something is mapped over it.
    pub fn outputs_mapped_over<'a>(&'a self, visit: &mut impl FnMut(&'a OutputSource)) {
        if let Self::Output(output) = self {
            visit(output);
        }
        for source in self.item_sources() {
            source.outputs_mapped_over(visit);
        }
    }
}
