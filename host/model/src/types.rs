//! Types of values along edges.
//!
//! [`Type::fits`] says whether each value of one type may stand where another is asked for, [`Type::accepts`] the same of one value.
//! [`Type::Any`] gives and takes everything: what the types cannot say is found when the task runs.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod display;
mod fit;
mod schema;

pub use fit::Comparison;

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
    /// A lazy sequence; what a mapped task gives. It and a list stand for each other: the argument's side reads either.
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

impl Type {
    /// True where each value of this type may stand where `into` is asked for. Objects may have more members than asked for.
    pub fn fits(&self, into: &Type) -> bool {
        Comparison::default().fits(self, into)
    }

    /// True where `value` may stand where this type is asked for.
    pub fn accepts(&self, value: &Value) -> bool {
        Comparison::default().accepts(self, value)
    }

    /// What one instance gets of a task mapped over a value of this type: an item of a list or sequence, a `[key, value]` pair of an
    /// object. Nothing where it cannot be mapped over.
    pub fn item(&self) -> Option<Type> {
        match self {
            Self::Any => Some(Self::Any),
            Self::List(item) | Self::Sequence(item) => Some(Self::clone(item)),
            Self::Map(value) => Some(Self::pair([Self::clone(value)])),
            Self::Object(members) => Some(Self::pair(members.values().map(|member| member.ty.clone()))),
            Self::Union(types) => types.iter().map(Self::item).collect::<Option<_>>().map(Self::Union),
            Self::Enum(values) => {
                values.iter().map(item_of_value).collect::<Option<Vec<_>>>().map(|items| Self::Enum(items.concat()))
            }
            Self::Null | Self::Boolean | Self::Integer | Self::Number | Self::String | Self::Blob => None,
        }
    }

    fn pair(values: impl IntoIterator<Item = Type>) -> Type {
        Self::List(Box::new(Self::Union(std::iter::once(Self::String).chain(values).collect())))
    }

    /// True where no value nests types deeper than `levels`.
    pub(crate) fn is_within(&self, levels: usize) -> bool {
        let Some(levels) = levels.checked_sub(1) else { return false };
        match self {
            Self::List(inner) | Self::Sequence(inner) | Self::Map(inner) => inner.is_within(levels),
            Self::Object(members) => members.values().all(|member| member.ty.is_within(levels)),
            Self::Union(types) => types.iter().all(|ty| ty.is_within(levels)),
            _ => true,
        }
    }
}

fn item_of_value(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items.clone()),
        Value::Object(members) => Some(
            members.iter().map(|(key, value)| Value::from(vec![Value::from(key.as_str()), value.clone()])).collect(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
