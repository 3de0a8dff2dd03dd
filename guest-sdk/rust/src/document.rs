//! The DAG document (`waft.dag/v1`), as this side writes it.
//!
//! Shapes only, made by [`crate::graph`] and [`crate::dag`]. Authors never see one. The other side of the contract reads them
//! strictly, so what is not set is left out.

use serde_json::value::RawValue;

use crate::json_schema::JsonSchema;
use crate::json_text::{Object, ToJson};
use crate::json_type::JsonType;
use crate::schedule::Timing;
use crate::settings::write_callbacks;

mod source;
mod task;

pub(crate) use source::{EachExpand, Expand, ExpandArg, Source};
pub(crate) use task::{ArgType, SignatureDocument, TaskDocument, write_type};

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
    pub(crate) fail_fast: bool,
    pub(crate) timing: Timing,
    pub(crate) callbacks: [(&'static str, &'static [&'static str]); 3],
    pub(crate) result: Vec<String>,
    pub(crate) tasks: Vec<TaskDocument>,
    pub(crate) groups: Vec<GroupDocument>,
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
        self.timing.write_members(&mut object);
        write_callbacks(&self.callbacks, &mut object);
        if !self.params.is_empty() {
            object.entries("params", &self.params);
        }
        object.option("run_timeout_ms", &self.run_timeout_ms);
        object.option("max_active_tasks", &self.max_active_tasks);
        object.flag("fail_fast", self.fail_fast);
        object.list("result", &self.result);
        object.member("tasks", &self.tasks);
        object.list("groups", &self.groups);
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

/// A group of tasks.
pub(crate) struct GroupDocument {
    pub(crate) group_id: String,
    pub(crate) parent: Option<String>,
    pub(crate) display_name: &'static str,
    pub(crate) doc_md: &'static str,
    pub(crate) args: Entries<Source>,
    pub(crate) expand: Option<Expand>,
    pub(crate) max_map_length: Option<u32>,
}

impl ToJson for GroupDocument {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        object.member("group_id", &self.group_id);
        object.option("parent", &self.parent);
        object.text("display_name", self.display_name);
        object.text("doc_md", self.doc_md);
        if !self.args.is_empty() {
            object.entries("args", &self.args);
        }
        object.option("expand", &self.expand);
        if self.expand.is_some() {
            object.option("max_map_length", &self.max_map_length);
        }
        object.end();
    }
}

/// From and to are tasks or groups.
pub(crate) struct EdgeDocument {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) label: Option<&'static str>,
}

impl ToJson for EdgeDocument {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        object.member("from", &self.from);
        object.member("to", &self.to);
        object.option("label", &self.label);
        object.end();
    }
}
