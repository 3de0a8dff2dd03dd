//! How a task or a group is mapped.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Source, is_default, present};
use crate::id::Key;

/// How a task or group is mapped. A list gives its items, an object its `[key, value]` pairs in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expand {
    /// One instance for each combination, row-major: the last argument varies fastest.
    Product(Vec<ExpandArg>),
    /// One instance for each position: as many as the shortest has, or the longest where there is a fill.
    Zip(ZipExpand),
    /// One instance for each object, whose members are arguments.
    Each(EachExpand),
}

/// One argument that varies from instance to instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpandArg {
    pub arg: Key,
    pub source: Source,
}

/// Arguments that vary together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZipExpand {
    pub args: Vec<ExpandArg>,
    /// Stands where a source has ended before the longest. Without one the shortest decides.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub fill: Option<Value>,
}

/// Objects of arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EachExpand {
    /// A list of objects.
    pub source: Source,
    /// A member may have the name of a fixed argument, and replaces it. Without this the instance fails.
    #[serde(default, skip_serializing_if = "is_default")]
    pub overriding: bool,
}

impl Expand {
    /// Sources with the arguments that they fill, in the order in which they are written; the one of `each` fills several.
    pub fn sources(&self) -> impl Iterator<Item = (Option<&Key>, &Source)> {
        let (args, each) = match self {
            Self::Product(args) | Self::Zip(ZipExpand { args, .. }) => (args.as_slice(), None),
            Self::Each(each) => (&[][..], Some((None, &each.source))),
        };
        args.iter().map(|arg| (Some(&arg.arg), &arg.source)).chain(each)
    }

    pub(crate) fn sources_mut(&mut self) -> impl Iterator<Item = &mut Source> {
        let (args, each) = match self {
            Self::Product(args) | Self::Zip(ZipExpand { args, .. }) => (args.as_mut_slice(), None),
            Self::Each(each) => (&mut [][..], Some(&mut each.source)),
        };
        args.iter_mut().map(|arg| &mut arg.source).chain(each)
    }
}
