//! What the functions of an author come to: documents by snapshot, and the problems that no type caught.

mod flow;
mod groups;
mod mapping;
mod options;
mod values;

/// The document with its signatures left out: they are what `values` is about.
fn document(dag: waft::Dag) -> String {
    let mut document: serde_json::Value = serde_json::from_str(&dag.document().unwrap()).unwrap();
    for task in document["tasks"].as_array_mut().unwrap() {
        task.as_object_mut().unwrap().remove("signature");
    }
    serde_json::to_string_pretty(&document).unwrap()
}
