//! Types as JSON Schema (2020-12), for forms and for those who call without an SDK.

use serde_json::{Map, Value, json};

use super::Type;
use crate::json::marker;

impl Type {
    /// A JSON Schema that takes the values of this type. A sequence is a list there.
    pub fn json_schema(&self) -> Value {
        match self {
            Self::Any => Value::Bool(true),
            Self::Null => json!({"type": "null"}),
            Self::Boolean => json!({"type": "boolean"}),
            Self::Integer => json!({"type": "integer"}),
            Self::Number => json!({"type": "number"}),
            Self::String => json!({"type": "string"}),
            Self::Blob => json!({
                "type": "object",
                "properties": {
                    marker::KEY: {"const": "blob"},
                    "digest": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
                    "size": {"type": "integer", "minimum": 0},
                    "media_type": {"type": "string"},
                },
                "required": [marker::KEY, "digest", "size"],
                "additionalProperties": false,
            }),
            Self::Enum(values) => json!({"enum": values}),
            Self::List(item) | Self::Sequence(item) => json!({"type": "array", "items": item.json_schema()}),
            Self::Map(value) => json!({"type": "object", "additionalProperties": value.json_schema()}),
            Self::Object(members) => {
                let properties: Map<_, _> =
                    members.iter().map(|(name, member)| (name.clone(), member.ty.json_schema())).collect();
                let required: Vec<_> =
                    members.iter().filter(|(_, member)| !member.optional).map(|(name, _)| name).collect();
                json!({"type": "object", "properties": properties, "required": required})
            }
            Self::Union(types) => json!({"anyOf": types.iter().map(Self::json_schema).collect::<Vec<_>>()}),
        }
    }
}
