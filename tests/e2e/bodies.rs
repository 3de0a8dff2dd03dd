//! What a body can do and be given, by a guest whose bodies do what their arguments say.

use serde_json::{Value, json};

use crate::harness::{Server, component_with, run_id};

async fn server_with(documents: Value) -> Server {
    let server = Server::start().await;
    server.upload("documents", component_with(&documents)).await.expect(200);
    server
}

fn dag(dag_id: &str, tasks: Value) -> Value {
    let last = tasks.as_array().and_then(|tasks| tasks.last()).map(|task| task["task_id"].clone());
    json!({ "schema": "waft.dag/v1", "dag_id": dag_id, "tasks": tasks, "result": [last] })
}

fn act(task_id: &str, script: Value) -> Value {
    json!({ "task_id": task_id, "entrypoint": "act", "args": { "do": { "literal": script } } })
}

fn mapped(task_id: &str, source: Value) -> Value {
    json!({ "task_id": task_id, "entrypoint": "act", "expand": { "product": [{ "arg": "x", "source": source }] } })
}

fn through(word: &str, entrypoint: &str, source: Value) -> Value {
    json!({ word: { "source": source, "entrypoint": entrypoint } })
}

fn all_of(task: &str) -> Value {
    let output = json!({ "output": { "task": task } });
    json!({ "task_id": "all", "entrypoint": "act", "args": { "all": output }, "trigger_rule": "all_done" })
}

#[tokio::test]
async fn what_bodies_make_of_items_hits_one_index_each() {
    let list = json!({ "literal": [1, 2, 3, 4] });
    let server = server_with(json!([
        dag("maps", json!([mapped("t", through("map", "times_ten", list.clone())), all_of("t")])),
        dag("fails", json!([mapped("t", through("map", "odd_fails", list.clone())), all_of("t")])),
        dag("skips", json!([mapped("t", through("map", "odd_skips", list.clone())), all_of("t")])),
        dag("nothing", json!([mapped("t", through("map", "odd_none", list.clone())), all_of("t")])),
        dag("filters", json!([mapped("t", through("filter", "is_even", list.clone())), all_of("t")])),
        dag(
            "whole",
            json!([{ "task_id": "t", "entrypoint": "act",
            "args": { "x": through("map", "times_ten", through("filter", "is_even", list)) } }])
        ),
    ]))
    .await;
    let given = |xs: &[i64]| Value::from(xs.iter().map(|x| json!({ "x": x })).collect::<Vec<_>>());
    for (name, expect, odd) in [
        ("maps", given(&[10, 20, 30, 40]), "success"),
        ("fails", given(&[2, 4]), "failed"),
        ("skips", given(&[2, 4]), "skipped"),
        ("nothing", given(&[2, 4]), "skipped"),
        ("filters", given(&[2, 4]), "skipped"),
    ] {
        let run = server.run(name, json!({})).await;
        assert_eq!(run["results"]["all"]["all"], expect, "{name}: {run:#}");
        let states: Vec<_> = server.mapped(name, &run_id(&run), "t").await;
        let states: Vec<_> = states.iter().map(|instance| instance["state"].clone()).collect();
        assert_eq!(states, [odd, "success", odd, "success"], "{name}");
    }
    assert_eq!(server.run("whole", json!({})).await["results"]["t"]["x"], json!([20, 40]));
}

#[tokio::test]
async fn variables_and_connections_are_read_and_secrets_do_not_show() {
    let show = |what: &str| json!({ "show": what });
    let server = server_with(json!([dag(
        "reads",
        json!([
            act("plain", show("variable:region")),
            act("nothing", show("variable:nothing")),
            act("secret", show("variable:api_token")),
            act("says", json!({ "show": "connection:db" })),
        ])
    )]))
    .await;
    for arguments in [
        &["variables", "set", "region", "eu"][..],
        &["variables", "set", "api_token", "t-12345"],
        &["connections", "set", "db", "--type", "postgres", "--host", "h", "--password", "hunter2"],
    ] {
        assert!(server.waft(arguments).status.success());
    }
    let run = server.trigger_id("reads", json!({})).await;
    assert_eq!(server.finished("reads", &run).await["state"], "success");
    let value = async |task: &str| {
        let path = format!("/dags/reads/dagRuns/{run}/taskInstances/{task}/xcomEntries/return_value");
        server.get(&path).await.expect(200)["value"].clone()
    };
    assert_eq!((value("plain").await, value("nothing").await), (json!("eu"), Value::Null));
    assert_eq!(value("secret").await, "t-12345");
    assert_eq!(value("says").await["password"], "hunter2");
}

#[tokio::test]
async fn what_was_read_does_not_show_in_messages() {
    let secret = json!({ "x": { "variable": "api_token" } });
    let mut task = act("leaks", json!({ "say": "it is t-12345", "fail": "t-12345 was refused" }));
    task["args"].as_object_mut().expect("arguments").extend(secret.as_object().expect("an object").clone());
    let server = server_with(json!([dag("leaks", json!([task]))])).await;
    assert!(server.waft(&["variables", "set", "api_token", "t-12345"]).status.success());
    let run = server.run("leaks", json!({})).await;
    assert_eq!(run["failed"]["message"], "*** was refused", "{run:#}");
    let path = format!("/dags/leaks/dagRuns/{}/taskInstances/leaks/logs/1", run_id(&run));
    let log = server.get(&path).await.expect(200).to_string();
    assert!(log.contains("it is ***") && !log.contains("t-12345"), "{log}");
}

#[tokio::test]
async fn events_carry_what_the_body_says() {
    let mut task = act("makes", json!({ "emit": [{ "asset": "orders", "extra": { "rows": 3 } }] }));
    task["outlets"] = json!([{ "name": "orders", "extra": { "team": "shop", "rows": 0 } }, { "name": "prices" }]);
    let server = server_with(json!([dag("maker", json!([task]))])).await;
    let run = server.trigger_id("maker", json!({})).await;
    assert_eq!(server.finished("maker", &run).await["state"], "success");
    let events = server.get("/assets/events").await.expect(200);
    let mut told: Vec<_> = events["asset_events"].as_array().expect("events").iter().collect();
    told.sort_by_key(|event| event["name"].to_string());
    let told: Vec<_> = told.iter().map(|event| (event["name"].clone(), event["extra"].clone())).collect();
    assert_eq!(told, [(json!("orders"), json!({ "team": "shop", "rows": 3 })), (json!("prices"), json!({}))]);
}

#[tokio::test]
async fn a_failure_says_whether_and_when_it_is_tried_again() {
    let retries = |mut task: Value| {
        task["retries"] = json!(3);
        task["retry_delay_ms"] = json!(3_600_000);
        task
    };
    let soon = json!({ "tries": { "1": { "fail": "busy", "delay_ms": 10 }, "2": { "give": "done" } } });
    let server = server_with(json!([
        dag("soon", json!([retries(act("t", soon))])),
        dag("never", json!([retries(act("t", json!({ "fail": "no", "retry": false })))])),
    ]))
    .await;
    let run = server.run("soon", json!({})).await;
    assert_eq!(run["results"], json!({ "t": "done" }), "{run:#}");
    let run = server.run("never", json!({})).await;
    assert_eq!(run["failed"]["message"], "no", "{run:#}");
    assert_eq!(server.instance("never", &run_id(&run), "t").await["try_number"], 1);
}

#[tokio::test]
async fn a_task_runs_another_dag_and_waits_for_its_end() {
    let parent = act("t", json!({ "trigger": { "dag": "child", "conf": { "n": 4 } }, "wait": { "dag_run": true } }));
    let mut child = dag("child", json!([{ "task_id": "c", "entrypoint": "act", "args": { "n": { "conf": "/n" } } }]));
    child["params"] = json!({ "n": { "schema": { "type": "integer" } } });
    let looks = json!([parent, { "task_id": "look", "entrypoint": "act",
        "args": { "run": { "output": { "task": "t" } } } }]);
    let server = server_with(json!([
        dag("parent", looks),
        child,
        dag("wrong", json!([act("t", json!({ "trigger": { "dag": "child", "conf": { "n": "x" } } }))])),
        dag("nobody", json!([act("t", json!({ "trigger": { "dag": "nowhere" } }))]))
    ]))
    .await;
    let run = server.run("parent", json!({})).await;
    assert_eq!(run["results"]["look"]["run"]["state"], "success", "{run:#}");
    let runs = server.get("/dags/child/dagRuns").await.expect(200);
    assert_eq!((&runs["total_entries"], &runs["dag_runs"][0]["conf"]), (&json!(1), &json!({ "n": 4 })), "{runs:#}");
    for (dag, why) in [("wrong", "parameters do not fit"), ("nobody", "nowhere")] {
        let run = server.run(dag, json!({})).await;
        assert!(run["failed"]["message"].to_string().contains(why), "{run:#}");
    }
}

#[tokio::test]
async fn a_task_that_waits_for_a_time_goes_on_in_the_same_try() {
    let waits = json!({ "wait": { "in_ms": 50, "times": 2 }, "show": "context" });
    let server = server_with(json!([dag("sleeps", json!([act("t", waits)]))])).await;
    let run = server.run("sleeps", json!({})).await;
    assert_eq!(run["results"]["t"]["try_number"], 1, "{run:#}");
    let instance = server.instance("sleeps", &run_id(&run), "t").await;
    assert_eq!((&instance["state"], &instance["try_number"]), (&json!("success"), &json!(1)), "{instance:#}");
}

#[tokio::test]
async fn a_sensor_is_asked_until_it_is_done() {
    let mut task = act("there", json!({ "polls": 3 }));
    task["kind"] = json!("sensor");
    task["poke_interval_ms"] = json!(100);
    let server = server_with(json!([dag("waits", json!([task, act("after", json!({ "show": "context" }))]))])).await;
    let run = server.trigger_id("waits", json!({})).await;
    assert_eq!(server.finished("waits", &run).await["state"], "success");
    assert_eq!(server.instance("waits", &run, "there").await["try_number"], 1);
}
