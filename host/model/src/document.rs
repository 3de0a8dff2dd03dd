//! The DAG document (`waft.dag/v1`): what a bundle says about a DAG, as it stands on the wire.
//!
//! Reading one is [`crate::json::parse_document`]; making a legal [`crate::Dag`] of it is [`crate::Dag::check`]. Here are only
//! shapes: unknown keys are refused, defaults are filled in, nothing is checked against anything else.

use indexmap::IndexMap;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::asset::{AssetDocument, AssetName};
use crate::callback::{DagCallbacks, TaskCallbacks};
use crate::id::{DagId, Entrypoint, Key, TaskId};
use crate::schedule::{Deadline, LogicalDate, Schedule, time};
use crate::types::Type;

/// The only `schema` there is.
pub const SCHEMA: &str = "waft.dag/v1";

/// The published JSON Schema of DAG documents, `wit/dag.schema.json`. What it cannot say, [`crate::Dag::check`] checks.
pub fn json_schema() -> Value {
    schemars::schema_for!(DagDocument).to_value()
}

/// Keys of other tools, which are taken and not kept.
fn extensions() -> Value {
    serde_json::json!({ "^x-": true })
}

/// A DAG document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("patternProperties" = extensions()))]
pub struct DagDocument {
    /// `waft.dag/v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    pub dag_id: DagId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc_md: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
    /// The author's own version string. Another label is another version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What makes runs besides people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Nothing is scheduled before it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time::deserialize")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub start_date: Option<Timestamp>,
    /// Nothing is scheduled after it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time::deserialize")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub end_date: Option<Timestamp>,
    /// Makes the runs that were missed too, one after the other; else the last of them alone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub catchup: bool,
    /// What scheduled runs are named for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub logical_date: LogicalDate,
    /// Unfinished runs above which nothing more is scheduled; 16 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_active_runs: Option<u32>,
    /// Pauses the DAG when so many runs in a row have failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_consecutive_failed_runs: Option<u32>,
    /// By when a run should have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Deadline>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub callbacks: DagCallbacks,
    /// Parameters of a run, by name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub params: IndexMap<Key, ParamDocument>,
    /// Ends the run as failed after so many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_timeout_ms: Option<u64>,
    /// Instances of one run that may run at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_active_tasks: Option<u32>,
    /// The tasks whose values are the run's result. None: waiting for the result means waiting for the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub result: Vec<TaskId>,
    pub tasks: Vec<TaskDocument>,
    /// Dependencies that carry no data; those that do follow from `args` and `expand`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<EdgeDocument>,
}

/// One parameter of a run.
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

/// Keeps `null` apart from "not there".
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// One task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("patternProperties" = extensions()))]
pub struct TaskDocument {
    pub task_id: TaskId,
    /// The body to run; the task's id where it is left out. An `empty` task has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Entrypoint>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: TaskKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc_md: Option<String>,
    /// Arguments that are the same for each instance, in the order of the body's parameters.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub args: IndexMap<Key, Source>,
    /// Makes the task a mapped one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expand: Option<Expand>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub trigger_rule: TriggerRule,
    /// Attempts after the first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retries: u32,
    /// Milliseconds before the second attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_delay_ms: Option<u64>,
    /// What the delay is multiplied with from attempt to attempt, in thousandths; 2000 doubles it. 1000 to 10000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_multiplier_milli: Option<u32>,
    /// Longest delay in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_delay_max_ms: Option<u64>,
    /// Longest attempt in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Instances of this task that may run at a time in one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_active_per_run: Option<u32>,
    /// Most instances that the task may expand to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_map_length: Option<u32>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub resources: Resources,
    #[serde(default, skip_serializing_if = "is_default")]
    pub callbacks: TaskCallbacks,
    /// Assets about which the body may read what is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inlets: Vec<AssetName>,
    /// Assets that a success changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outlets: Vec<AssetDocument>,
    /// Types of arguments and result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Runs a body.
    #[default]
    Task,
    /// Runs nothing and succeeds at once; a place where edges meet.
    Empty,
}

/// When a task runs, given how its direct upstream instances ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TriggerRule {
    /// All ended in success.
    #[default]
    AllSuccess,
}

impl TriggerRule {
    /// The name in documents and on the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllSuccess => "all_success",
        }
    }
}

/// What an instance may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Linear memories and tables together; 256 MiB where it is left out, which is also the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// The value itself.
    Literal(Value),
    /// What an upstream task left: one value of an unmapped task, the sequence of all values of a mapped one.
    Output(OutputSource),
    /// A parameter of the run.
    Param(Key),
    /// A place in the run's conf: an RFC 6901 pointer; the empty one is all of it. Nothing there is null.
    Conf(String),
    /// A list, each element from a source of its own.
    List(Vec<Source>),
    /// An object, each member from a source of its own, in this order.
    Object(Vec<(String, Source)>),
}

/// A value of an upstream task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputSource {
    pub task: TaskId,
    /// `return_value` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
}

/// How a task is mapped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expand {
    /// One instance for each combination, row-major: the last argument varies fastest. A list gives its items, an object
    /// its `[key, value]` pairs in order.
    Product(Vec<ExpandArg>),
}

/// One argument that varies from instance to instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpandArg {
    pub arg: Key,
    pub source: Source,
}

/// A dependency that carries no data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EdgeDocument {
    pub from: TaskId,
    pub to: TaskId,
}

/// Types of a body's arguments and result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Types by argument name, in the order of the body's parameters. An argument that is not here does not exist.
    pub args: IndexMap<Key, ArgType>,
    pub result: Type,
}

/// Type of one argument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArgType {
    #[serde(rename = "type")]
    pub ty: Type,
    /// May be left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optional: bool,
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_published_schema_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/dag.schema.json");
        let text = format!("{:#}\n", super::json_schema());
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            published == text,
            "wit/dag.schema.json is out of date: run `UPDATE_SCHEMA=1 cargo test -p model published_schema`"
        );
    }
}
