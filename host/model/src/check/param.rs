//! Parameters: schemas are schemas, and defaults are of the kind that their schema names. Values are validated in full when a run is
//! triggered.

use serde_json::Value;

use super::RESERVED;
use crate::document::DagDocument;
use crate::json::marker::find_any_marker_in;
use crate::limits::dag::PARAMS_MAX_BYTES;
use crate::pointer::Pointer;
use crate::problem::Problems;

pub(super) fn check(document: &DagDocument, problems: &mut Problems) {
    let bytes = serde_json::to_vec(&document.params).map_or(usize::MAX, |text| text.len());
    if bytes > PARAMS_MAX_BYTES {
        let message = format!("parameters have {bytes} bytes together; at most {PARAMS_MAX_BYTES} are allowed");
        problems.error("params-too-large", "/params", message);
    }
    for (name, param) in &document.params {
        let at = Pointer::default().to("params").to(name.as_str());
        match &param.schema {
            Value::Bool(_) | Value::Object(_) => {}
            _ => problems.error("invalid-schema", at.to("schema"), "a JSON Schema is an object, true or false"),
        }
        if let Some(reference) = outside_reference(&param.schema) {
            let message = format!(
                "schemas are not fetched; write what {reference:?} says here, or refer to a part of this schema (#…)"
            );
            problems.error("outside-reference", at.to("schema"), message);
        }
        if let Some(default) = &param.default {
            check_default(default, &param.schema, &at.to("default"), problems);
        }
    }
}

fn check_default(default: &Value, schema: &Value, at: &Pointer, problems: &mut Problems) {
    if let Some(inner) = find_any_marker_in(default) {
        problems.error("reserved-key", format!("{}{inner}", at.as_str()), RESERVED);
    }
    let named: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    if !named.iter().any(|name| is_a(default, name)) {
        let message = format!("the default is not of the schema's type ({}); change one of them", named.join(" or "));
        problems.error("invalid-default", at, message);
    }
}

fn is_a(value: &Value, name: &str) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => {
            name == "number" || name == "integer" && number.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    }
}

/// A `$ref` that leaves the schema. The depth of a parsed document bounds the recursion.
fn outside_reference(schema: &Value) -> Option<&str> {
    match schema {
        Value::Object(members) => members.iter().find_map(|(key, value)| match value {
            Value::String(target) if key == "$ref" && !target.starts_with('#') => Some(target.as_str()),
            value => outside_reference(value),
        }),
        Value::Array(items) => items.iter().find_map(outside_reference),
        _ => None,
    }
}
