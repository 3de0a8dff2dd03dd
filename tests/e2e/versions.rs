//! Runs and versions: the four scenarios of the versioning proposal, where it is the newest version that is asked for.

use serde_json::{Value, json};

use crate::harness::{Server, act, check_states, dag, edges, names, object, output, over, text, with};

/// Tasks in a row, each of which says its name and that of the version.
fn line(version: &str, tasks: &[&str]) -> Value {
    let bodies = tasks.iter().map(|task| act(task, json!({ "say": format!("{task} of {version}") })));
    let chain = tasks.join(" > ");
    with(dag("changes", Value::Array(bodies.collect())), json!({ "label": version, "edges": edges(&[chain.as_str()]) }))
}

/// The number of the version that stands in an instance, by task.
async fn versions(server: &Server, run: &str) -> Value {
    let instances = server.instances("changes", run).await;
    let of = instances.iter().map(|it| (text(it, "task_id"), it["dag_version"]["version_number"].clone()));
    Value::Object(of.collect())
}

/// The tries of a task, as version and state.
async fn tries(server: &Server, run: &str, task: &str) -> Vec<(Value, String)> {
    let path = format!("/dags/changes/dagRuns/{run}/taskInstances/{task}/tries");
    let found = server.get(&path).await.expect(200);
    let tries = found["task_instances"].as_array().expect("tries").iter();
    tries.map(|it| (it["dag_version"]["version_number"].clone(), text(it, "state"))).collect()
}

async fn log(server: &Server, run: &str, task: &str, number: u32) -> String {
    let path = format!("/dags/changes/dagRuns/{run}/taskInstances/{task}/logs/{number}?full_content=true");
    server.get(&path).await.expect(200).to_string()
}

async fn clear(server: &Server, run: &str, more: &[(&str, Value)]) -> Value {
    let mut body = vec![("dag_run_id", json!(run)), ("only_failed", json!(false))];
    body.extend_from_slice(more);
    server.post("/dags/changes/clearTaskInstances", object(&body)).await.expect(200)
}

#[tokio::test]
async fn a_change_between_two_runs_leaves_the_first_as_it_was() {
    let server = Server::with_dags(&[line("one", &["hello", "welcome"])]).await;
    let (first, _) = server.run_to_end("changes", json!({})).await;
    server.deploy_dags(&[line("two", &["hello"])]).await;
    let (second, _) = server.run_to_end("changes", json!({})).await;
    assert_eq!(versions(&server, &first).await, json!({ "hello": 1, "welcome": 1 }));
    assert_eq!(versions(&server, &second).await, json!({ "hello": 2 }));
    assert!(log(&server, &first, "welcome", 1).await.contains("welcome of one"));
}

#[tokio::test]
async fn a_task_that_is_cleared_goes_on_in_the_structure_of_the_newest_version() {
    let mut server = Server::with_dags(&[line("one", &["a", "b", "c"])]).await;
    let (run, _) = server.run_to_end("changes", json!({})).await;
    server.deploy_dags(&[line("two", &["a", "c", "d"])]).await;
    let latest = ("run_on_latest_version", json!(true));
    let only_c = ("task_ids", json!(["c"]));
    let told = clear(&server, &run, &[only_c.clone(), latest.clone()]).await;
    assert_eq!(names(&told), ["c", "d"], "{told:#}");
    check_states(&server.states("changes", &run).await, "a success, b success, c success");
    clear(&server, &run, &[only_c, latest.clone(), ("dry_run", json!(false))]).await;
    assert_eq!(server.finished("changes", &run).await["state"], "success");
    check_states(&server.states("changes", &run).await, "a success, b success, c success, d success");
    // What was not cleared shows the version with which it ended; each try has its own.
    assert_eq!(versions(&server, &run).await, json!({ "a": 1, "b": 1, "c": 2, "d": 2 }));
    let success = || "success".to_owned();
    assert_eq!(tries(&server, &run, "c").await, [(json!(1), success()), (json!(2), success())]);
    assert!(log(&server, &run, "c", 1).await.contains("c of one"));
    assert!(log(&server, &run, "c", 2).await.contains("c of two"));

    // What is gone cannot be cleared alone, with the newest version or with the one that the run has now.
    let gone = json!({ "dag_run_id": run, "task_ids": ["b"], "only_failed": false, "run_on_latest_version": true });
    server.post("/dags/changes/clearTaskInstances", gone).await.expect_problem(409, "other-tasks");
    server.kill().await;
    server.restart().await;
    check_states(&server.states("changes", &run).await, "a success, b success, c success, d success");
    assert!(log(&server, &run, "b", 1).await.contains("b of one"));
}

#[tokio::test]
async fn a_run_that_is_cleared_as_a_whole_has_the_tasks_of_the_newest_version() {
    let server = Server::with_dags(&[line("one", &["a", "b", "c"])]).await;
    let (run, _) = server.run_to_end("changes", json!({})).await;
    server.deploy_dags(&[line("two", &["a", "c", "d"])]).await;
    let gone = json!({ "dag_run_id": run, "task_ids": ["b"], "only_failed": false, "run_on_latest_version": true });
    let refused = server.post("/dags/changes/clearTaskInstances", gone).await.expect_problem(409, "other-tasks");
    assert!(text(&refused, "detail").contains("\"b\""), "{refused:#}");

    let path = format!("/dags/changes/dagRuns/{run}/clear");
    let told = server.post(&path, json!({ "run_on_latest_version": true })).await.expect(200);
    assert_eq!(names(&told), ["a", "b", "c", "d"], "{told:#}");
    assert_eq!(versions(&server, &run).await, json!({ "a": 1, "b": 1, "c": 1 }));
    server.post(&path, json!({ "run_on_latest_version": true, "dry_run": false })).await.expect(200);
    let ended = server.finished("changes", &run).await;
    assert_eq!(ended["state"], "success", "{ended:#}");
    check_states(&server.states("changes", &run).await, "a success, b removed, c success, d success");
    assert_eq!(versions(&server, &run).await, json!({ "a": 2, "b": 1, "c": 2, "d": 2 }));
    assert_eq!(tries(&server, &run, "b").await, [(json!(1), "removed".to_owned())]);
    assert_eq!(server.instance("changes", &run, "b").await["state"], "removed");
    assert!(log(&server, &run, "b", 1).await.contains("b of one"));
    assert_eq!(server.value("changes", &run, "d").await, json!({}));

    // And back, by its number.
    server.post(&path, json!({ "version": 1, "dry_run": false })).await.expect(200);
    assert_eq!(server.finished("changes", &run).await["state"], "success");
    check_states(&server.states("changes", &run).await, "a success, b success, c success, d removed");
    let success = || "success".to_owned();
    assert_eq!(tries(&server, &run, "b").await, [(json!(1), success()), (json!(1), success())]);
}

#[tokio::test]
async fn a_running_run_that_is_cleared_onto_a_version_without_what_runs_ends_that() {
    let mapped = |version: &str, tasks: Value| with(dag("changes", tasks), json!({ "label": version }));
    let each = |instructions: Value| {
        with(act("each", instructions), json!({ "expand": over("x", json!({ "literal": [1, 2] })) }))
    };
    let before = json!([each(json!({ "hold": "never" }))]);
    let server = Server::with_dags(&[mapped("one", before)]).await;
    let run = server.trigger_id("changes", json!({})).await;
    server.until_state("changes", &run, "each[0]", "running").await;
    let of_each = json!({ "args": { "of": output("each") } });
    let after = json!([with(act("sum", json!({})), of_each), each(json!({}))]);
    server.deploy_dags(&[mapped("two", after)]).await;
    let path = format!("/dags/changes/dagRuns/{run}/clear");
    server.post(&path, json!({ "run_on_latest_version": true, "dry_run": false })).await.expect(200);
    assert_eq!(server.finished("changes", &run).await["state"], "success");
    check_states(&server.states("changes", &run).await, "each[0] success, each[1] success, sum success");
    assert_eq!(server.value("changes", &run, "sum").await["of"].as_array().map(Vec::len), Some(2));
    let gone = json!([act("other", json!({ "hold": "never" }))]);
    server.deploy_dags(&[mapped("three", gone)]).await;
    server.post(&path, json!({ "run_on_latest_version": true, "dry_run": false })).await.expect(200);
    server.until_state("changes", &run, "other", "running").await;
    server.deploy_dags(&[mapped("four", json!([act("last", json!({}))]))]).await;
    server.post(&path, json!({ "run_on_latest_version": true, "dry_run": false })).await.expect(200);
    assert_eq!(server.finished("changes", &run).await["state"], "success");
    let states = server.states("changes", &run).await;
    check_states(&states, "each[0] removed, each[1] removed, sum removed, other removed, last success");
}
