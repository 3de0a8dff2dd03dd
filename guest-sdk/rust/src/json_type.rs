//! The JSON type of a Rust type: what signatures and parameter schemas are made of.
//!
//! [`Type`] is what an author's types implement, nearly always through `#[derive(waft::Type)]`; [`JsonType`] is the answer, in
//! the words of the DAG document. The macros ask for it when a bundle tells about its DAGs; a running task never does.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt;

use serde_json::Value;

use crate::document::write_type;
use crate::json_text::{Object, ToJson, variant};

/// The type of a JSON value, as it stands in a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// One of these texts.
    Enum(Vec<String>),
    /// A list of values of one type.
    List(Box<JsonType>),
    /// What a mapped task gives: values that are read in pages.
    Sequence(Box<JsonType>),
    /// An object whose members all have one type.
    Map(Box<JsonType>),
    /// An object with these members.
    Object(Vec<Member>),
    /// A value of any of these types.
    Union(Vec<JsonType>),
}

/// A member of [`JsonType::Object`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its key.
    pub name: String,
    /// Its type.
    pub ty: JsonType,
    /// May be left out.
    pub optional: bool,
}

impl ToJson for JsonType {
    fn write(&self, out: &mut String) {
        let plain = match self {
            Self::Any => "any",
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Blob => "blob",
            Self::Enum(texts) => return variant("enum", texts, out),
            Self::List(item) => return variant("list", &**item, out),
            Self::Sequence(item) => return variant("sequence", &**item, out),
            Self::Map(value) => return variant("map", &**value, out),
            Self::Union(types) => return variant("union", types, out),
            Self::Object(members) => {
                let mut object = Object::begin(out);
                object.member_with("object", |out| {
                    let mut object = Object::begin(out);
                    for member in members {
                        object.member_with(&member.name, |out| write_type(&member.ty, member.optional, out));
                    }
                    object.end();
                });
                return object.end();
            }
        };
        plain.write(out);
    }
}

/// In the words of the document.
impl fmt::Display for JsonType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

impl JsonType {
    /// False where a value of this type can never stand where `into` is asked for. The host compares more closely.
    pub(crate) fn fits(&self, into: &Self) -> bool {
        match (self, into) {
            (Self::Any, _) | (_, Self::Any) | (Self::Integer, Self::Number) | (Self::Enum(_), Self::String) => true,
            (Self::Union(types), into) => types.iter().all(|ty| ty.fits(into)),
            (ty, Self::Union(types)) => types.iter().any(|into| ty.fits(into)),
            (Self::List(item) | Self::Sequence(item), Self::List(into) | Self::Sequence(into)) => item.fits(into),
            (Self::Map(value), Self::Map(into)) => value.fits(into),
            (Self::Object(_), Self::Object(_) | Self::Map(_)) | (Self::Map(_), Self::Object(_)) => true,
            (ty, into) => ty == into,
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

/// A type whose values are objects: a struct with `#[derive(waft::Type)]`, or a map. What [`each`](crate::each()) takes, and what
/// an [`approval`](crate::approval()) gives.
#[diagnostic::on_unimplemented(
    message = "the values of `{Self}` are no objects",
    label = "not a struct with named fields, or a map",
    note = "give a struct `#[derive(serde::Serialize, serde::Deserialize, waft::Type)]`"
)]
pub trait Members: Type {}

impl Members for serde_json::Map<String, Value> {}
impl<V: Type> Members for BTreeMap<String, V> {}
impl<V: Type, S> Members for HashMap<String, V, S> {}

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
    use serde_json::json;

    use super::*;
    use crate::json_schema::JsonSchema;

    fn json(value: &dyn ToJson) -> Value {
        let mut text = String::new();
        value.write(&mut text);
        serde_json::from_str(&text).unwrap()
    }

    fn check<T: Type>(ty: Value, schema: Value) {
        assert_eq!(json(&T::json_type()), ty);
        assert_eq!(json(&JsonSchema(&T::json_type())), schema);
    }

    #[test]
    fn types_stand_in_the_words_of_the_document_and_as_schemas() {
        let number = || json!({ "type": "number" });
        let integer = || json!({ "type": "integer" });
        let string = || json!({ "type": "string" });
        check::<u64>(json!("integer"), integer());
        check::<Value>(json!("any"), json!({}));
        check::<Option<String>>(
            json!({ "union": ["string", "null"] }),
            json!({ "anyOf": [string(), { "type": "null" }] }),
        );
        check::<Vec<Vec<f64>>>(
            json!({ "list": { "list": "number" } }),
            json!({ "type": "array", "items": { "type": "array", "items": number() } }),
        );
        check::<BTreeMap<String, bool>>(
            json!({ "map": "boolean" }),
            json!({ "type": "object", "additionalProperties": { "type": "boolean" } }),
        );
        check::<(String, u64, String)>(
            json!({ "list": { "union": ["string", "integer"] } }),
            json!({ "type": "array", "items": { "anyOf": [string(), integer()] } }),
        );
        check::<(u8, u64)>(json!({ "list": "integer" }), json!({ "type": "array", "items": integer() }));
        let blob = json!({
            "type": "object",
            "properties": { "$waft": { "const": "blob" }, "digest": string(), "size": integer(), "media_type": string() },
            "required": ["$waft", "digest", "size", "media_type"],
        });
        check::<crate::Sequence<crate::Blob>>(json!({ "sequence": "blob" }), json!({ "type": "array", "items": blob }));
    }
}
