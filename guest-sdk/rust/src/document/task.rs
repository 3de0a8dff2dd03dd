//! Tasks of a document.

use super::{Entries, Expand, ParamDocument, Source};
use crate::json_text::{Object, ToJson};
use crate::json_type::JsonType;
use crate::kind::Kind;
use crate::settings::Settings;

pub(crate) struct TaskDocument {
    pub(crate) task_id: String,
    pub(crate) entrypoint: Option<&'static str>,
    pub(crate) kind: Kind,
    pub(crate) doc_md: &'static str,
    pub(crate) group: Option<String>,
    pub(crate) args: Entries<Source>,
    pub(crate) expand: Option<Expand>,
    pub(crate) settings: Settings,
    pub(crate) form: Vec<(String, ParamDocument)>,
    pub(crate) setups: Vec<String>,
    pub(crate) signature: Option<SignatureDocument>,
}

impl ToJson for TaskDocument {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        object.member("task_id", &self.task_id);
        object.option("entrypoint", &self.entrypoint);
        if self.kind != Kind::Task {
            object.member("kind", &self.kind);
        }
        object.text("doc_md", self.doc_md);
        object.option("group", &self.group);
        if !self.args.is_empty() {
            object.entries("args", &self.args);
        }
        object.option("expand", &self.expand);
        self.settings.write_members(self.expand.is_some(), &mut object);
        if !self.form.is_empty() {
            object.entries("form", &self.form);
        }
        object.list("setups", &self.setups);
        object.option("signature", &self.signature);
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
    object.flag("optional", optional);
    object.end();
}
