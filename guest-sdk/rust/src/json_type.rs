//! The JSON type of a Rust type: what signatures and parameter schemas are made of.
//!
//! [`Type`] is what an author's types implement, nearly always through `#[derive(waft::Type)]`; [`JsonType`] is the answer, in
//! the words of the DAG document. The macros ask for it when a bundle tells about its DAGs; a running task never does.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use serde::Serialize;
use serde_json::{Value, json};

/// The type of a JSON value, as it stands in a signature.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JsonType {
    /// Anything; fits and is fitted by everything.
    Any,
    /// Only null.
    Null,
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// Text.
    String,
    /// Bytes, as a blob marker.
    Blob,
    /// One of these values.
    Enum(Vec<Value>),
    /// A list of values of one type.
    List(Box<JsonType>),
    /// What a mapped task gives: values that are read in pages.
    Sequence(Box<JsonType>),
    /// An object whose members all have one type.
    Map(Box<JsonType>),
    /// An object with these members.
    #[serde(serialize_with = "as_object")]
    Object(Vec<Member>),
    /// A value of any of these types.
    Union(Vec<JsonType>),
}

/// A member of [`JsonType::Object`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Member {
    /// Its key.
    #[serde(skip)]
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: JsonType,
    /// May be left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

fn as_object<S: serde::Serializer>(members: &[Member], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(members.iter().map(|member| (&member.name, member)))
}

impl JsonType {
    /// The same as a JSON Schema, for the parameters of a DAG.
    ///
    /// ```
    /// use waft::Type;
    /// let schema = Vec::<u64>::json_type().json_schema();
    /// assert_eq!(schema, serde_json::json!({ "type": "array", "items": { "type": "integer" } }));
    /// ```
    pub fn json_schema(&self) -> Value {
        match self {
            Self::Any => json!(true),
            Self::Null => json!({ "type": "null" }),
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Integer => json!({ "type": "integer" }),
            Self::Number => json!({ "type": "number" }),
            Self::String => json!({ "type": "string" }),
            Self::Blob => json!({
                "type": "object",
                "properties": {
                    "$waft": { "const": "blob" },
                    "digest": { "type": "string" },
                    "size": { "type": "integer" },
                },
                "required": ["$waft", "digest", "size"],
            }),
            Self::Enum(values) => json!({ "enum": values }),
            Self::List(item) | Self::Sequence(item) => json!({ "type": "array", "items": item.json_schema() }),
            Self::Map(value) => json!({ "type": "object", "additionalProperties": value.json_schema() }),
            Self::Object(members) => {
                let properties: serde_json::Map<_, _> =
                    members.iter().map(|member| (member.name.clone(), member.ty.json_schema())).collect();
                let required: Vec<_> =
                    members.iter().filter(|member| !member.optional).map(|member| &member.name).collect();
                json!({ "type": "object", "properties": properties, "required": required })
            }
            Self::Union(types) => json!({ "anyOf": types.iter().map(Self::json_schema).collect::<Vec<_>>() }),
        }
    }
}

/// A type whose values travel between tasks.
///
/// Scalars, `Option`, lists, string-keyed maps, tuples, [`Blob`](crate::Blob), [`Sequence`](crate::Sequence) and
/// [`serde_json::Value`] have it; give it to a struct with named fields or to an enum of unit variants with the derive,
/// beside serde's:
///
/// ```
/// use waft::{JsonType, Type};
///
/// #[derive(serde::Serialize, serde::Deserialize, waft::Type)]
/// struct FileCount {
///     path: String,
///     words: u64,
/// }
///
/// let JsonType::Object(members) = FileCount::json_type() else { panic!() };
/// assert_eq!(members[1].name, "words");
/// assert_eq!(members[1].ty, JsonType::Integer);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel between tasks",
    label = "has no JSON type",
    note = "give it `#[derive(serde::Serialize, serde::Deserialize, waft::Type)]`, or use `serde_json::Value`"
)]
pub trait Type {
    /// What others find where a task left a value of this type: `T` itself, and for `Option<T>` the `T`, because `None` leaves
    /// no value.
    type Present: Type;

    /// The JSON type.
    fn json_type() -> JsonType;

    /// True where this value means "no value".
    #[doc(hidden)]
    fn is_absent(&self) -> bool {
        false
    }

    /// True where an argument or member of this type may be left out.
    #[doc(hidden)]
    fn may_be_left_out() -> bool {
        false
    }
}

macro_rules! plain {
    ($($json:ident: $($ty:ty)*;)*) => {$($(
        impl Type for $ty {
            type Present = Self;

            fn json_type() -> JsonType {
                JsonType::$json
            }
        }
    )*)*};
}

plain! {
    Boolean: bool;
    Integer: u8 u16 u32 u64 usize i8 i16 i32 i64 isize;
    Number: f32 f64;
    String: String char;
    Any: Value;
}

impl Type for () {
    type Present = Self;

    fn json_type() -> JsonType {
        JsonType::Null
    }

    fn is_absent(&self) -> bool {
        true
    }
}

impl<T: Type> Type for Option<T> {
    type Present = T;

    fn json_type() -> JsonType {
        JsonType::Union(vec![T::json_type(), JsonType::Null])
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn may_be_left_out() -> bool {
        true
    }
}

impl<T: Type> Type for Box<T> {
    type Present = Self;

    fn json_type() -> JsonType {
        T::json_type()
    }
}

macro_rules! lists {
    ($($ty:ty, $($generics:ident)*;)*) => {$(
        impl<T: Type, $($generics)*> Type for $ty {
            type Present = Self;

            fn json_type() -> JsonType {
                JsonType::List(Box::new(T::json_type()))
            }
        }
    )*};
}

lists! {
    Vec<T>,;
    VecDeque<T>,;
    BTreeSet<T>,;
    HashSet<T, S>, S;
}

impl<T: Type, const N: usize> Type for [T; N] {
    type Present = Self;

    fn json_type() -> JsonType {
        JsonType::List(Box::new(T::json_type()))
    }
}

impl Type for serde_json::Map<String, Value> {
    type Present = Self;

    fn json_type() -> JsonType {
        JsonType::Map(Box::new(JsonType::Any))
    }
}

impl<V: Type> Type for BTreeMap<String, V> {
    type Present = Self;

    fn json_type() -> JsonType {
        JsonType::Map(Box::new(V::json_type()))
    }
}

impl<V: Type, S> Type for HashMap<String, V, S> {
    type Present = Self;

    fn json_type() -> JsonType {
        JsonType::Map(Box::new(V::json_type()))
    }
}

/// A tuple is a list; items of more than one type make it a list of their union.
fn tuple(items: Vec<JsonType>) -> JsonType {
    let mut different: Vec<JsonType> = Vec::new();
    for item in items {
        if !different.contains(&item) {
            different.push(item);
        }
    }
    let item = match <[JsonType; 1]>::try_from(different) {
        Ok([only]) => only,
        Err(several) => JsonType::Union(several),
    };
    JsonType::List(Box::new(item))
}

macro_rules! tuples {
    ($(($($name:ident)*))*) => {$(
        impl<$($name: Type),*> Type for ($($name,)*) {
            type Present = Self;

            fn json_type() -> JsonType {
                tuple(vec![$($name::json_type()),*])
            }
        }
    )*};
}

tuples! { (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Type>(expect: Value) {
        assert_eq!(serde_json::to_value(T::json_type()).unwrap(), expect);
    }

    #[test]
    fn types_stand_in_the_words_of_the_document() {
        check::<u64>(json!("integer"));
        check::<Value>(json!("any"));
        check::<Option<String>>(json!({ "union": ["string", "null"] }));
        check::<Vec<Vec<f64>>>(json!({ "list": { "list": "number" } }));
        check::<BTreeMap<String, bool>>(json!({ "map": "boolean" }));
        check::<(String, u64, String)>(json!({ "list": { "union": ["string", "integer"] } }));
        check::<(u8, u64)>(json!({ "list": "integer" }));
        check::<crate::Sequence<crate::Blob>>(json!({ "sequence": "blob" }));
    }
}
