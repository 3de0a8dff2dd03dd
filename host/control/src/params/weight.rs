//! What validating may cost: schemas are written by tenants, and so are the values.

use std::collections::HashMap;

use model::limits::dag::SCHEMA_PARTS_MAX;
use serde_json::Value;

/// How many parts of a schema may look at one place of a value: every part counts as often as something refers to it. `None` where
/// there are more than [`SCHEMA_PARTS_MAX`], or where a part refers to itself, so that there is no end to them.
pub(super) fn parts(schema: &Value) -> Option<u64> {
    Weigher { root: schema, known: HashMap::new() }.of(schema)
}

/// The values of a JSON value, those inside others too.
pub(super) fn values(value: &Value) -> u64 {
    match value {
        Value::Array(items) => 1 + items.iter().map(values).sum::<u64>(),
        Value::Object(members) => 1 + members.values().map(values).sum::<u64>(),
        _ => 1,
    }
}

struct Weigher<'s> {
    root: &'s Value,
    /// What references weigh; `None` while that is being found out, and where there is no end to it.
    known: HashMap<&'s str, Option<u64>>,
}

impl<'s> Weigher<'s> {
    /// Whatever is no schema in it counts too, which does no harm. The depth of a document bounds the recursion.
    fn of(&mut self, schema: &'s Value) -> Option<u64> {
        let mut sum: u64 = 1;
        match schema {
            Value::Object(members) => {
                for (key, value) in members {
                    sum = sum.saturating_add(match (key.as_str(), value) {
                        ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(target)) => self.of_target(target)?,
                        // Compared, not applied.
                        ("enum" | "const" | "default" | "examples", _) => 1,
                        (_, value) => self.of(value)?,
                    });
                }
            }
            Value::Array(items) => {
                for item in items {
                    sum = sum.saturating_add(self.of(item)?);
                }
            }
            _ => {}
        }
        (sum <= SCHEMA_PARTS_MAX).then_some(sum)
    }

    fn of_target(&mut self, target: &'s str) -> Option<u64> {
        if let Some(known) = self.known.get(target) {
            return *known;
        }
        self.known.insert(target, None);
        // By an anchor, or outside: it is found nowhere else than in the schema, which bounds it.
        let found = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)).unwrap_or(self.root);
        let parts = self.of(found);
        self.known.insert(target, parts);
        parts
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Definitions that refer to the next one twice each.
    fn chain(length: usize) -> Value {
        let next = |i: usize| json!({"$ref": format!("#/$defs/d{}", i + 1)});
        let mut defs: serde_json::Map<String, Value> =
            (0..length).map(|i| (format!("d{i}"), json!({"allOf": [next(i), next(i)]}))).collect();
        defs.insert(format!("d{length}"), json!({"type": "integer"}));
        json!({"$ref": "#/$defs/d0", "$defs": defs})
    }

    #[test]
    fn what_is_referred_to_counts_wherever_it_is() {
        assert_eq!(parts(&json!({"type": "string"})), Some(2));
        assert!(parts(&chain(3)).is_some());
        assert_eq!(parts(&chain(30)), None);
    }

    #[test]
    fn what_refers_to_itself_has_no_end() {
        assert_eq!(parts(&json!({"items": {"$ref": "#"}})), None);
        assert_eq!(parts(&json!({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}})), None);
    }

    #[test]
    fn values_inside_others_count() {
        assert_eq!(values(&json!([1, {"a": [2, 3]}, null])), 7);
    }
}
