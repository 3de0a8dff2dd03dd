//! Parameters of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::present;

/// One parameter of a run, or one field of a form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParamDocument {
    /// JSON Schema that a value must satisfy. `true` takes anything.
    #[serde(default = "any_schema")]
    pub schema: Value,
    /// Without one the caller must give a value.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub default: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

fn any_schema() -> Value {
    Value::Bool(true)
}
