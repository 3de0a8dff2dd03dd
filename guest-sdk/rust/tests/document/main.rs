//! What the functions of an author come to: documents by snapshot, and the problems that no type caught.

mod flow;
mod groups;
mod mapping;
mod options;
mod values;

use jsonschema::Validator;

thread_local! {
    /// The schema that the contract publishes.
    static SCHEMA: Validator = {
        let schema = serde_json::from_str(include_str!("../../../../wit/dag.schema.json")).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    };
}

/// The document as it is, after the published schema has found nothing wrong with it.
#[track_caller]
fn checked(dag: waft::Dag) -> serde_json::Value {
    let document: serde_json::Value = serde_json::from_str(&dag.document().unwrap()).unwrap();
    SCHEMA.with(|schema| {
        let problems = schema.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path()));
        assert_eq!(problems.collect::<Vec<_>>(), Vec::<String>::new());
    });
    document
}

/// The document with its signatures left out: they are what `values` is about.
#[track_caller]
fn document(dag: waft::Dag) -> String {
    let mut document = checked(dag);
    for task in document["tasks"].as_array_mut().unwrap() {
        task.as_object_mut().unwrap().remove("signature");
    }
    serde_json::to_string_pretty(&document).unwrap()
}
