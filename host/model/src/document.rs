//! The DAG document (`waft.dag/v1`): what a bundle says about a DAG, as it stands on the wire.
//!
//! One file for each noun: `task`, `group`, `edge`, `param`, `source`, `expand`, `signature`, `trigger_rule`, `priority`.
//! Reading one is [`crate::json::parse_document`]; making a legal [`crate::Dag`] of it is [`crate::Dag::check`]. Here are only
//! shapes: unknown keys are refused, defaults are filled in, nothing is checked against anything else.

use indexmap::IndexMap;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::callback::DagCallbacks;
use crate::id::{DagId, Key, TaskId};
use crate::schedule::{Deadline, LogicalDate, Schedule, time};

mod edge;
mod expand;
mod group;
mod param;
mod priority;
mod signature;
mod source;
mod task;
mod trigger_rule;

pub use edge::EdgeDocument;
pub use expand::{EachExpand, Expand, ExpandArg, ZipExpand};
pub use group::GroupDocument;
pub use param::ParamDocument;
pub use priority::WeightRule;
pub use signature::{ArgType, Signature};
pub use source::{GroupArgSource, MapItem, OutputSource, Source, TransformSource, ZipSource};
pub use task::{FailureKind, Resources, TaskDocument, TaskKind};
pub use trigger_rule::TriggerRule;

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
    /// At the first final failure everything unfinished ends; teardowns still run.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fail_fast: bool,
    /// The tasks whose values are the run's result. None: waiting for the result means waiting for the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub result: Vec<TaskId>,
    pub tasks: Vec<TaskDocument>,
    /// Groups of tasks; ids of groups and tasks are unique together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupDocument>,
    /// Dependencies that carry no data; those that do follow from `args` and `expand`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<EdgeDocument>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Keeps `null` apart from "not there".
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
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
