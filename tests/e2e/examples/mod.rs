//! The examples, each run as its readers would and checked for what it comes to.

mod add_one;
mod answer_a_question;
mod branch;
mod dictionary;
mod mapped_group;
mod parameter_grid;
mod setup_teardown;
mod zip_and_concat;

use serde_json::Value;

use crate::harness::{Server, run_id};

/// The results of a run that ends well, which are there before what is left to undo is undone.
async fn results(server: &Server, dag: &str, conf: Value) -> Value {
    let run = server.run(dag, conf).await;
    assert_eq!(run["result"], "available", "{run:#}");
    assert_eq!(server.finished(dag, &run_id(&run)).await["state"], "success");
    run["results"].clone()
}

/// States of tasks that are not mapped.
async fn states(server: &Server, dag: &str, run: &str, tasks: &[&str]) -> Vec<String> {
    let mut states = Vec::with_capacity(tasks.len());
    for task in tasks {
        states.push(crate::harness::text(&server.instance(dag, run, task).await, "state"));
    }
    states
}
