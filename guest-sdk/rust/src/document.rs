//! The DAG document (`waft.dag/v1`), as this side writes it.
//!
//! Shapes only, made by [`crate::graph`] and turned into text by [`crate::bundle`]. Authors never see one. The other side of
//! the contract reads them strictly, so what is not set is left out.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json_type::JsonType;

pub(crate) const SCHEMA: &str = "waft.dag/v1";

/// Entries of an object whose order matters.
pub(crate) type Entries<T> = Vec<(&'static str, T)>;

#[derive(Serialize)]
pub(crate) struct DagDocument<'a> {
    pub(crate) schema: &'static str,
    pub(crate) dag_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) display_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) doc_md: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) tags: &'a [&'a str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) owners: &'a [&'a str],
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) label: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_object")]
    pub(crate) params: Entries<ParamDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run_timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_active_tasks: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) result: Vec<String>,
    pub(crate) tasks: Vec<TaskDocument>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) edges: Vec<EdgeDocument>,
}

#[derive(Serialize)]
pub(crate) struct ParamDocument {
    pub(crate) schema: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) description: &'static str,
}

#[derive(Serialize)]
pub(crate) struct TaskDocument {
    pub(crate) task_id: String,
    pub(crate) entrypoint: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) doc_md: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_object")]
    pub(crate) args: Entries<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expand: Option<Expand>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) retries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_multiplier_milli: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_delay_max_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_active_per_run: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_map_length: Option<u32>,
    #[serde(skip_serializing_if = "Resources::is_default")]
    pub(crate) resources: Resources,
    pub(crate) signature: SignatureDocument,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[derive(Serialize)]
pub(crate) struct Resources {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_bytes: Option<u64>,
}

impl Resources {
    fn is_default(&self) -> bool {
        self.memory_bytes.is_none()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    Literal(Box<RawValue>),
    Output(OutputSource),
    Param(&'static str),
    Conf(&'static str),
    List(Vec<Source>),
    Object(Vec<(String, Source)>),
}

#[derive(Serialize)]
pub(crate) struct OutputSource {
    pub(crate) task: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expand {
    Product(Vec<ExpandArg>),
}

#[derive(Serialize)]
pub(crate) struct ExpandArg {
    pub(crate) arg: &'static str,
    pub(crate) source: Source,
}

#[derive(Serialize)]
pub(crate) struct EdgeDocument {
    pub(crate) from: String,
    pub(crate) to: String,
}

#[derive(Serialize)]
pub(crate) struct SignatureDocument {
    #[serde(serialize_with = "as_object")]
    pub(crate) args: Entries<ArgType>,
    pub(crate) result: JsonType,
}

#[derive(Serialize)]
pub(crate) struct ArgType {
    #[serde(rename = "type")]
    pub(crate) ty: JsonType,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) optional: bool,
}

fn as_object<T: Serialize, S: serde::Serializer>(entries: &Entries<T>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(entries.iter().map(|(name, value)| (name, value)))
}
