//! Text → [`DagDocument`]: the shape alone, with a pointer to each part that has another one.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use super::{Limits, parse};
use crate::document::{DagDocument, SCHEMA, TaskDocument};
use crate::pointer::Pointer;
use crate::problem::{Problem, Problems};

/// Members whose keys begin like this belong to other tools: they are taken and not kept.
const EXTENSION: &str = "x-";

/// Reads a DAG document. Each task is read on its own, so that all that are wrong are told at once.
pub fn parse_document(text: &str) -> Result<DagDocument, Vec<Problem>> {
    let Value::Object(mut document) = parse(text, Limits::DOCUMENT).map_err(|error| vec![error.into()])? else {
        return Err(vec![Problem::error("not-an-object", "", "a DAG document is a JSON object")]);
    };
    let mut problems = Problems::default();
    match document.get("schema").map(Value::as_str) {
        Some(Some(SCHEMA)) => {}
        Some(_) => {
            problems.error("unknown-schema", "/schema", format!("this server reads \"schema\": \"{SCHEMA}\" only"))
        }
        None => problems.error("unknown-schema", "", format!("add \"schema\": \"{SCHEMA}\"")),
    }
    if !problems.is_empty() {
        return Err(problems.into_list());
    }
    without_extensions(&mut document);

    let mut tasks = Vec::new();
    if let Some(Value::Array(values)) = document.get_mut("tasks") {
        for (i, mut value) in std::mem::take(values).into_iter().enumerate() {
            if let Value::Object(task) = &mut value {
                without_extensions(task);
            }
            let mut pointer = Pointer::default();
            pointer.push("tasks");
            pointer.push_index(i);
            tasks.extend(read::<TaskDocument>(value, pointer, &mut problems));
        }
    }
    if let Some(Value::Array(groups)) = document.get_mut("groups") {
        groups.iter_mut().filter_map(Value::as_object_mut).for_each(without_extensions);
    }
    let document = read::<DagDocument>(Value::Object(document), Pointer::default(), &mut problems);
    match document {
        Some(document) if problems.is_empty() => Ok(DagDocument { tasks, ..document }),
        _ => Err(problems.into_list()),
    }
}

fn without_extensions(object: &mut Map<String, Value>) {
    object.retain(|key, _| !key.starts_with(EXTENSION));
}

fn read<T: DeserializeOwned>(value: Value, mut pointer: Pointer, problems: &mut Problems) -> Option<T> {
    serde_path_to_error::deserialize(value)
        .map_err(|error: serde_path_to_error::Error<serde_json::Error>| {
            for segment in error.path() {
                match segment {
                    Segment::Seq { index } => pointer.push_index(*index),
                    Segment::Map { key } | Segment::Enum { variant: key } => pointer.push(key),
                    Segment::Unknown => {}
                }
            }
            problems.error("wrong-shape", &pointer, error.inner().to_string());
        })
        .ok()
}
