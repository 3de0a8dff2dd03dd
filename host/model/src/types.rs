//! Types of values along edges.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The type of a JSON value. Small on purpose: what does not fit is [`Type::Any`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Type {
    /// Anything; fits and is fitted by everything.
    Any,
    Null,
    Boolean,
    /// An integer; fits a number.
    Integer,
    Number,
    String,
    /// Bytes, as a blob marker.
    Blob,
    /// One of these values.
    Enum(Vec<Value>),
    List(Box<Type>),
    /// A lazy sequence; what a mapped task gives. A list argument takes it too.
    Sequence(Box<Type>),
    /// An object whose members all have one type.
    Map(Box<Type>),
    /// An object with these members.
    Object(IndexMap<String, Member>),
    Union(Vec<Type>),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    #[serde(rename = "type")]
    pub ty: Type,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}
