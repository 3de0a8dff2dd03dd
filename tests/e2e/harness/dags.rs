//! DAG documents whose tasks do what they are told (the guest `document`), and how their runs end.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{Server, component_with, eventually, text};

/// A DAG of these tasks.
pub(crate) fn dag(dag_id: &str, tasks: Value) -> Value {
    json!({ "schema": "waft.dag/v1", "dag_id": dag_id, "tasks": tasks })
}

/// A task that follows these instructions.
pub(crate) fn act(task_id: &str, instructions: Value) -> Value {
    json!({ "task_id": task_id, "entrypoint": "act", "args": { "do": { "literal": instructions } } })
}

/// The same with more members; those of `args` come beside what is there.
pub(crate) fn with(mut document: Value, more: Value) -> Value {
    for (name, value) in more.as_object().expect("an object") {
        match (&mut document[name], value) {
            (Value::Object(there), Value::Object(more)) if name == "args" => there.extend(more.clone()),
            (place, value) => *place = value.clone(),
        }
    }
    document
}

/// Edges of a document: `"a > b > c"` is two.
pub(crate) fn edges(chains: &[&str]) -> Value {
    let pairs = chains.iter().flat_map(|chain| {
        let names: Vec<&str> = chain.split(" > ").collect();
        let pairs: Vec<Value> = names.windows(2).map(|pair| json!({ "from": pair[0], "to": pair[1] })).collect();
        pairs
    });
    pairs.collect()
}

/// What upstream tasks left.
pub(crate) fn output(task_id: &str) -> Value {
    json!({ "output": { "task": task_id } })
}

/// Maps one argument over a source.
pub(crate) fn over(arg: &str, source: Value) -> Value {
    json!({ "product": [{ "arg": arg, "source": source }] })
}

impl Server {
    /// A server with these DAGs.
    pub(crate) async fn with_dags(documents: &[Value]) -> Self {
        let server = Self::start().await;
        server.deploy_dags(documents).await;
        server
    }

    /// Deploys these DAGs, which must be legal, in the place of those before.
    pub(crate) async fn deploy_dags(&self, documents: &[Value]) {
        self.upload("documents", component_with(&json!(documents))).await.expect(200);
    }

    /// Triggers a run, waits for its end, and gives its id and state.
    pub(crate) async fn run_to_end(&self, dag: &str, conf: Value) -> (String, String) {
        let run = self.trigger_id(dag, conf).await;
        let ended = self.finished(dag, &run).await;
        assert_eq!(ended["timed_out"], false, "{ended:#}");
        let state = text(&ended, "state");
        (run, state)
    }

    /// The states of a run's instances, by `task`, or `task[index]` where they have one.
    pub(crate) async fn states(&self, dag: &str, run: &str) -> BTreeMap<String, String> {
        let instances = self.instances(dag, run).await;
        instances
            .iter()
            .map(|it| {
                let (task, index) = (text(it, "task_id"), it["map_index"].as_i64().expect("an index"));
                let name = if index < 0 { task } else { format!("{task}[{index}]") };
                (name, it["state"].as_str().unwrap_or("none").to_owned())
            })
            .collect()
    }

    /// The instances of a run.
    pub(crate) async fn instances(&self, dag: &str, run: &str) -> Vec<Value> {
        let path = format!("/dags/{dag}/dagRuns/{run}/taskInstances?limit=500");
        self.get(&path).await.expect(200)["task_instances"].as_array().expect("instances").clone()
    }

    /// The value of a task that is not mapped.
    pub(crate) async fn value(&self, dag: &str, run: &str, task: &str) -> Value {
        let path = format!("/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/return_value");
        self.get(&path).await.expect(200)["value"].clone()
    }

    /// Waits until an instance (`task` or `task[index]`) has this state.
    pub(crate) async fn until_state(&self, dag: &str, run: &str, name: &str, state: &str) {
        let what = format!("{name} of {dag} is {state}");
        eventually(&what, async || {
            let states = self.states(dag, run).await;
            states.get(name).is_some_and(|found| found == state).then_some(())
        })
        .await;
    }

    /// Lets all bodies go on that hold for this name.
    pub(crate) async fn release(&self, name: &str) {
        self.post("/variables", json!({ "key": name, "value": "go" })).await.expect(201);
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> super::Reply {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }
}

/// Compares states with what stands in words: `"a success, b[0] skipped"`.
#[track_caller]
pub(crate) fn check_states(found: &BTreeMap<String, String>, expected: &str) {
    let expected: BTreeMap<String, String> = expected
        .split(", ")
        .map(|pair| {
            let (name, state) = pair.split_once(' ').expect("a name and a state");
            (name.to_owned(), state.to_owned())
        })
        .collect();
    assert_eq!(*found, expected);
}

/// The names of instances in an answer of a clear or a mark, sorted.
pub(crate) fn names(answer: &Value) -> Vec<String> {
    let name = |it: &Value| {
        let (task, index) = (text(it, "task_id"), it["map_index"].as_i64().expect("an index"));
        if index < 0 { task } else { format!("{task}[{index}]") }
    };
    let mut names: Vec<_> = answer["task_instances"].as_array().expect("instances").iter().map(name).collect();
    names.sort();
    names
}

/// Members in the order in which they stand.
pub(crate) fn object(members: &[(&str, Value)]) -> Value {
    Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Map<_, _>>())
}
