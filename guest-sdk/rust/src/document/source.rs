//! Where values come from, and how tasks and groups are mapped.

use serde_json::value::RawValue;

use crate::json_text::{Object, ToJson, variant};

pub(crate) enum Source {
    Literal(Box<RawValue>),
    Output { task: String, key: Option<&'static str> },
    Param(&'static str),
    Conf(&'static str),
    Variable(&'static str),
    GroupArg { group: String, arg: &'static str },
    MapItem(&'static str),
    List(Vec<Source>),
    Object(Vec<(String, Source)>),
    Map { source: Box<Source>, entrypoint: &'static str },
    Filter { source: Box<Source>, entrypoint: &'static str },
    Zip { sources: Vec<Source>, fill: Option<Box<RawValue>> },
    Concat(Vec<Source>),
}

impl ToJson for Source {
    fn write(&self, out: &mut String) {
        let (name, value): (_, &dyn ToJson) = match self {
            Self::Literal(value) => ("literal", value),
            Self::Param(name) => ("param", name),
            Self::Conf(pointer) => ("conf", pointer),
            Self::Variable(name) => ("variable", name),
            Self::MapItem(part) => ("map_item", part),
            Self::List(items) => ("list", items),
            Self::Object(members) => ("object", members),
            Self::Concat(sources) => ("concat", sources),
            Self::Output { task, key } => {
                return tagged("output", out, |object| {
                    object.member("task", task);
                    object.option("key", key);
                });
            }
            Self::GroupArg { group, arg } => {
                return tagged("group_arg", out, |object| {
                    object.member("group", group);
                    object.member("arg", arg);
                });
            }
            Self::Map { source, entrypoint } => return transform("map", source, entrypoint, out),
            Self::Filter { source, entrypoint } => return transform("filter", source, entrypoint, out),
            Self::Zip { sources, fill } => {
                return tagged("zip", out, |object| {
                    object.member("sources", sources);
                    object.option("fill", fill);
                });
            }
        };
        variant(name, value, out);
    }
}

fn transform(name: &str, source: &Source, entrypoint: &&'static str, out: &mut String) {
    tagged(name, out, |object| {
        object.member("source", source);
        object.member("entrypoint", entrypoint);
    });
}

/// An object whose only member is an object.
fn tagged(name: &str, out: &mut String, members: impl FnOnce(&mut Object<'_>)) {
    let mut object = Object::begin(out);
    object.member_with(name, |out| {
        let mut inner = Object::begin(out);
        members(&mut inner);
        inner.end();
    });
    object.end();
}

pub(crate) enum Expand {
    Product(Vec<ExpandArg>),
    Zip { args: Vec<ExpandArg>, fill: Option<Box<RawValue>> },
    Each(EachExpand),
}

impl ToJson for Expand {
    fn write(&self, out: &mut String) {
        match self {
            Self::Product(args) => variant("product", args, out),
            Self::Zip { args, fill } => tagged("zip", out, |object| {
                object.member("args", args);
                object.option("fill", fill);
            }),
            Self::Each(each) => tagged("each", out, |object| {
                object.member("source", &each.source);
                object.flag("overriding", each.overriding);
            }),
        }
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

pub(crate) struct EachExpand {
    pub(crate) source: Source,
    pub(crate) overriding: bool,
}
