//! What waits without a worker: for a time, a signal, an event of an asset, another run, an answer; sensors.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Server, act, dag, edges, eventually, names, text, with};

fn waiting(dag_id: &str, wait: Value) -> Value {
    dag(dag_id, json!([act("t", json!({ "wait": wait }))]))
}

#[tokio::test]
async fn a_signal_wakes_who_waits_and_is_kept_for_who_will() {
    let gate = act("gate", json!({ "hold": "go" }));
    let later = act("t", json!({ "wait": { "signal": "s" } }));
    let server = Server::with_dags(&[
        waiting("now", json!({ "signal": "s" })),
        with(dag("later", json!([gate, later])), json!({ "edges": edges(&["gate > t"]) })),
        waiting("late", json!({ "signal": "s", "timeout_ms": 200 })),
    ])
    .await;
    let run = server.trigger_id("now", json!({})).await;
    server.until_state("now", &run, "t", "deferred").await;
    let waiting = server.get("/signals?dag_id=now").await.expect(200);
    assert_eq!((&waiting["signals"][0]["name"], &waiting["total_entries"]), (&json!("s"), &json!(1)), "{waiting:#}");
    let signal = |dag: &str, run: &str, name: &str| format!("/dags/{dag}/dagRuns/{run}/signals/{name}");
    server.post(&signal("now", &run, "other"), json!({})).await.expect(200);
    server.post(&signal("now", &run, "s"), json!({ "payload": { "rows": 3 } })).await.expect(200);
    assert_eq!(server.finished("now", &run).await["state"], "success");
    assert_eq!(server.value("now", &run, "t").await, json!({ "rows": 3 }));
    let instance = server.instance("now", &run, "t").await;
    assert_eq!(instance["try_number"], 1, "waking is no new try: {instance:#}");
    server.post(&signal("now", &run, "s"), json!({})).await.expect_problem(409, "run-ended");
    server.post(&signal("now", "nothing", "s"), json!({})).await.expect_problem(404, "run-not-found");

    let run = server.trigger_id("later", json!({})).await;
    server.until_state("later", &run, "gate", "running").await;
    server.post(&signal("later", &run, "s"), json!({ "payload": [1] })).await.expect(200);
    server.release("go").await;
    assert_eq!(server.finished("later", &run).await["state"], "success");
    assert_eq!(server.value("later", &run, "t").await, json!([1]));

    let (run, state) = server.run_to_end("late", json!({})).await;
    assert_eq!(state, "failed", "{:#?}", server.instances("late", &run).await);
}

#[tokio::test]
async fn waits_end_with_their_time_their_asset_and_their_run() {
    let trigger = json!({ "trigger": { "dag": "child", "conf": { "x": 1 } }, "wait": { "dag_run": true } });
    let server = Server::with_dags(&[
        waiting("pause", json!({ "in_ms": 100, "times": 3 })),
        waiting("watch", json!({ "asset": "orders" })),
        with(dag("maker", json!([with(act("t", json!({})), json!({ "outlets": [{ "name": "orders" }] }))])), json!({})),
        with(dag("child", json!([act("c", json!({ "give": 42 }))])), json!({ "result": ["c"] })),
        dag("parent", json!([act("t", trigger)])),
    ])
    .await;
    let (run, state) = server.run_to_end("pause", json!({})).await;
    assert_eq!(state, "success", "{:#?}", server.instances("pause", &run).await);

    let run = server.trigger_id("watch", json!({})).await;
    server.until_state("watch", &run, "t", "deferred").await;
    server.run_to_end("maker", json!({})).await;
    assert_eq!(server.finished("watch", &run).await["state"], "success");
    assert_eq!(server.value("watch", &run, "t").await["asset"], "orders");

    let (run, state) = server.run_to_end("parent", json!({})).await;
    assert_eq!(state, "success", "{:#?}", server.instances("parent", &run).await);
    assert_eq!(server.value("parent", &run, "t").await["state"], "success");
    let children = server.get("/dags/child/dagRuns").await.expect(200);
    assert_eq!(children["dag_runs"][0]["conf"], json!({ "x": 1 }), "{children:#}");
}

#[tokio::test]
async fn a_wait_outlives_a_crash() {
    let mut server = Server::with_dags(&[waiting("w", json!({ "signal": "s" }))]).await;
    let run = server.trigger_id("w", json!({})).await;
    server.until_state("w", &run, "t", "deferred").await;
    server.kill().await;
    server.restart().await;
    assert_eq!(server.instance("w", &run, "t").await["state"], "deferred");
    server.post(&format!("/dags/w/dagRuns/{run}/signals/s"), json!({ "payload": 1 })).await.expect(200);
    assert_eq!(server.finished("w", &run).await["state"], "success");
}

#[tokio::test]
async fn a_sensor_is_asked_until_it_is_done() {
    let sensor = |script: Value, more: Value| {
        with(with(act("t", script), json!({ "kind": "sensor", "poke_interval_ms": 100 })), more)
    };
    let server = Server::with_dags(&[
        dag("done", json!([sensor(json!({ "polls": 3 }), json!({}))])),
        dag("never", json!([sensor(json!({ "polls": 1_000_000 }), json!({ "timeout_ms": 500 }))])),
        dag("soft", json!([sensor(json!({ "polls": 1_000_000 }), json!({ "timeout_ms": 500, "soft_fail": true }))])),
    ])
    .await;
    for (dag_id, state) in [("done", "success"), ("never", "failed"), ("soft", "skipped")] {
        let (run, _) = server.run_to_end(dag_id, json!({})).await;
        let instance = server.instance(dag_id, &run, "t").await;
        assert_eq!((&instance["state"], &instance["try_number"]), (&json!(state), &json!(1)), "{instance:#}");
    }
}

#[tokio::test]
async fn an_approval_waits_for_its_form() {
    let form = json!({
        "budget": { "schema": { "type": "integer", "minimum": 1 } },
        "why": { "schema": { "type": "string" }, "default": "" },
    });
    let tasks = json!([
        { "task_id": "sign", "kind": "approval", "form": form, "doc_md": "May it go?" },
        with(act("after", json!({})), json!({ "args": { "answer": { "output": { "task": "sign" } } } })),
    ]);
    let server = Server::with_dags(&[dag("release", tasks)]).await;
    let begun = async || {
        let run = server.trigger_id("release", json!({})).await;
        server.until_state("release", &run, "sign", "awaiting_input").await;
        run
    };
    let run = begun().await;
    let path = format!("/dags/release/dagRuns/{run}/taskInstances/sign/-1/hitlDetails");
    let asked = server.get(&path).await.expect(200);
    assert_eq!((&asked["body"], &asked["response_received"]), (&json!("May it go?"), &json!(false)), "{asked:#}");
    assert_eq!(asked["params"]["budget"]["required"], true);
    let all = server.get("/dags/~/dagRuns/~/hitlDetails").await.expect(200);
    assert_eq!(all["total_entries"], 1, "{all:#}");

    let wrong = json!({ "chosen_options": ["Approve"], "params_input": { "budget": 0, "who": "me" } });
    let problem = server.patch(&path, wrong).await.expect_problem(422, "invalid-params");
    let paths: Vec<_> = problem["errors"].as_array().expect("errors").iter().map(|it| text(it, "path")).collect();
    assert_eq!(paths, ["/params_input/budget", "/params_input/who"]);
    server.patch(&path, json!({ "chosen_options": ["Perhaps"] })).await.expect(400);
    // Of several people who answer at the same time one is told that it counts.
    let right = |budget: u32| json!({ "chosen_options": ["Approve"], "params_input": { "budget": budget } });
    let answers = join_all((1..=8).map(|budget| server.patch(&path, right(budget)))).await;
    let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((taken.len(), refused.len()), (1, 7));
    refused.into_iter().for_each(|answer| _ = answer.expect_problem(409, "not-awaited"));
    let answered = taken.into_iter().next().expect("one").expect(200);
    assert_eq!(answered["params_input"]["why"], "", "{answered:#}");
    assert_eq!(server.finished("release", &run).await["state"], "success");
    let value = server.value("release", &run, "after").await;
    assert_eq!(value, json!({ "answer": answered["params_input"] }));
    server.patch(&path, right(7)).await.expect_problem(409, "not-awaited");
    assert_eq!(server.get(&path).await.expect(200)["chosen_options"], json!(["Approve"]));

    let run = begun().await;
    let done = server.waft(&["approve", "release", &run, "sign", "--reject"]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(server.finished("release", &run).await["state"], "success");
    let states = server.states("release", &run).await;
    assert_eq!((states["sign"].as_str(), states["after"].as_str()), ("skipped", "skipped"));
}

#[tokio::test]
async fn a_run_waits_for_nothing_that_was_cleared_away() {
    let server = Server::with_dags(&[waiting("w", json!({ "signal": "s" }))]).await;
    let run = server.trigger_id("w", json!({})).await;
    server.until_state("w", &run, "t", "deferred").await;
    let body = json!({ "dag_run_id": run, "only_failed": false, "dry_run": false });
    let cleared = server.post("/dags/w/clearTaskInstances", body).await.expect(200);
    assert_eq!(names(&cleared), ["t"]);
    // It waits anew, at its second try.
    eventually("the second try waits", async || {
        let instance = server.instance("w", &run, "t").await;
        (instance["try_number"] == 2 && instance["state"] == "deferred").then_some(())
    })
    .await;
    server.post(&format!("/dags/w/dagRuns/{run}/signals/s"), json!({ "payload": 1 })).await.expect(200);
    assert_eq!(server.finished("w", &run).await["state"], "success");
}
