//! The JSON type of a Rust type as JSON Schema, which parameters and forms are checked with.

use crate::json_text::{Object, ToJson, variant};
use crate::json_type::JsonType;

/// A type as JSON Schema, for the parameters of a DAG.
pub(crate) struct JsonSchema<'a>(pub(crate) &'a JsonType);

impl ToJson for JsonSchema<'_> {
    fn write(&self, out: &mut String) {
        let mut schema = Object::begin(out);
        match self.0 {
            JsonType::Any => {}
            JsonType::Null => schema.member("type", &"null"),
            JsonType::Boolean => schema.member("type", &"boolean"),
            JsonType::Integer => schema.member("type", &"integer"),
            JsonType::Number => schema.member("type", &"number"),
            JsonType::String => schema.member("type", &"string"),
            JsonType::Blob => {
                schema.member("type", &"object");
                schema.member_with("properties", |out| {
                    let mut properties = Object::begin(out);
                    properties.member_with("$waft", |out| variant("const", &"blob", out));
                    properties.member("digest", &JsonSchema(&JsonType::String));
                    properties.member("size", &JsonSchema(&JsonType::Integer));
                    properties.member("media_type", &JsonSchema(&JsonType::String));
                    properties.end();
                });
                schema.list("required", &["$waft", "digest", "size", "media_type"]);
            }
            JsonType::Enum(texts) => schema.member("enum", texts),
            JsonType::List(item) | JsonType::Sequence(item) => {
                schema.member("type", &"array");
                schema.member("items", &JsonSchema(item));
            }
            JsonType::Map(value) => {
                schema.member("type", &"object");
                schema.member("additionalProperties", &JsonSchema(value));
            }
            JsonType::Object(members) => {
                schema.member("type", &"object");
                schema.member_with("properties", |out| {
                    let mut properties = Object::begin(out);
                    for member in members {
                        properties.member(&member.name, &JsonSchema(&member.ty));
                    }
                    properties.end();
                });
                let required = members.iter().filter(|member| !member.optional).map(|member| member.name.as_str());
                schema.list("required", &required.collect::<Vec<_>>());
            }
            JsonType::Union(types) => schema.member("anyOf", &types.iter().map(JsonSchema).collect::<Vec<_>>()),
        }
        schema.end();
    }
}
