//! The DAG document (`waft.dag/v1`), as this side writes it.
//!
//! Shapes only, made by [`crate::graph`] and [`crate::dag`]. Authors never see one. The other side of the contract reads them
//! strictly, so what is not set is left out.

use serde_json::value::RawValue;

use crate::json_text::{Object, ToJson, variant};
use crate::json_type::{JsonSchema, JsonType};

pub(crate) const SCHEMA: &str = "waft.dag/v1";

/// Entries of an object whose order matters.
pub(crate) type Entries<T> = Vec<(&'static str, T)>;

pub(crate) struct DagDocument {
    pub(crate) dag_id: &'static str,
    pub(crate) display_name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) doc_md: &'static str,
    pub(crate) tags: &'static [&'static str],
    pub(crate) owners: &'static [&'static str],
    pub(crate) label: &'static str,
    pub(crate) params: Entries<ParamDocument>,
    pub(crate) run_timeout_ms: Option<u64>,
    pub(crate) max_active_tasks: Option<u32>,
    pub(crate) result: Vec<String>,
    pub(crate) tasks: Vec<TaskDocument>,
    pub(crate) edges: Vec<EdgeDocument>,
}

impl ToJson for DagDocument {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        object.member("schema", &SCHEMA);
        object.member("dag_id", &self.dag_id);
        object.text("display_name", self.display_name);
        object.text("description", self.description);
        object.text("doc_md", self.doc_md);
        object.list("tags", self.tags);
        object.list("owners", self.owners);
        object.text("label", self.label);
        if !self.params.is_empty() {
            object.entries("params", &self.params);
        }
        object.option("run_timeout_ms", &self.run_timeout_ms);
        object.option("max_active_tasks", &self.max_active_tasks);
        object.list("result", &self.result);
        object.member("tasks", &self.tasks);
        object.list("edges", &self.edges);
        object.end();
    }
}

pub(crate) struct ParamDocument {
    pub(crate) ty: JsonType,
    pub(crate) default: Option<Box<RawValue>>,
    pub(crate) description: &'static str,
}

impl ToJson for ParamDocument {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        object.member("schema", &JsonSchema(&self.ty));
        object.option("default", &self.default);
        object.text("description", self.description);
        object.end();
    }
}

pub(crate) struct TaskDocument {
    pub(crate) task_id: String,
    pub(crate) entrypoint: &'static str,
    pub(crate) doc_md: &'static str,
    pub(crate) args: Entries<Source>,
    /// A product; the task is mapped where it is not empty.
    pub(crate) expand: Vec<ExpandArg>,
    pub(crate) retries: u32,
    pub(crate) retry_delay_ms: Option<u64>,
    pub(crate) retry_multiplier_milli: Option<u32>,
    pub(crate) retry_delay_max_ms: Option<u64>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) max_active_per_run: Option<u32>,
    pub(crate) max_map_length: Option<u32>,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) signature: SignatureDocument,
}

impl ToJson for TaskDocument {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        object.member("task_id", &self.task_id);
        object.member("entrypoint", &self.entrypoint);
        object.text("doc_md", self.doc_md);
        if !self.args.is_empty() {
            object.entries("args", &self.args);
        }
        if !self.expand.is_empty() {
            object.member_with("expand", |out| variant("product", &self.expand, out));
        }
        if self.retries > 0 {
            object.member("retries", &self.retries);
        }
        object.option("retry_delay_ms", &self.retry_delay_ms);
        object.option("retry_multiplier_milli", &self.retry_multiplier_milli);
        object.option("retry_delay_max_ms", &self.retry_delay_max_ms);
        object.option("timeout_ms", &self.timeout_ms);
        object.option("max_active_per_run", &self.max_active_per_run);
        object.option("max_map_length", &self.max_map_length);
        if let Some(memory_bytes) = &self.memory_bytes {
            object.member_with("resources", |out| variant("memory_bytes", memory_bytes, out));
        }
        object.member("signature", &self.signature);
        object.end();
    }
}

pub(crate) enum Source {
    Literal(Box<RawValue>),
    Output { task: String, key: Option<&'static str> },
    Param(&'static str),
    Conf(&'static str),
    List(Vec<Source>),
    Object(Vec<(String, Source)>),
}

impl ToJson for Source {
    fn write(&self, out: &mut String) {
        let (name, value): (_, &dyn ToJson) = match self {
            Self::Literal(value) => ("literal", value),
            Self::Param(name) => ("param", name),
            Self::Conf(pointer) => ("conf", pointer),
            Self::List(items) => ("list", items),
            Self::Object(members) => ("object", members),
            Self::Output { task, key } => {
                let mut object = Object::begin(out);
                object.member_with("output", |out| {
                    let mut output = Object::begin(out);
                    output.member("task", task);
                    output.option("key", key);
                    output.end();
                });
                return object.end();
            }
        };
        variant(name, value, out);
    }
}

pub(crate) struct ExpandArg {
    pub(crate) arg: &'static str,
    pub(crate) source: Source,
}

impl ToJson for ExpandArg {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        object.member("arg", &self.arg);
        object.member("source", &self.source);
        object.end();
    }
}

pub(crate) struct EdgeDocument {
    pub(crate) from: String,
    pub(crate) to: String,
}

impl ToJson for EdgeDocument {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        object.member("from", &self.from);
        object.member("to", &self.to);
        object.end();
    }
}

pub(crate) struct SignatureDocument {
    pub(crate) args: Entries<ArgType>,
    pub(crate) result: JsonType,
}

impl ToJson for SignatureDocument {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        object.entries("args", &self.args);
        object.member("result", &self.result);
        object.end();
    }
}

/// Type of an argument, or of a member of an object.
pub(crate) struct ArgType {
    pub(crate) ty: JsonType,
    pub(crate) optional: bool,
}

impl ToJson for ArgType {
    fn write(&self, out: &mut String) {
        write_type(&self.ty, self.optional, out);
    }
}

pub(crate) fn write_type(ty: &JsonType, optional: bool, out: &mut String) {
    let mut object = Object::begin(out);
    object.member("type", ty);
    if optional {
        object.member("optional", &true);
    }
    object.end();
}
