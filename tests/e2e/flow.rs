//! Retries, failures, skips, state and values, seen from outside.

use serde_json::{Value, json};

use crate::harness::{Server, run_id};

async fn value(server: &Server, dag: &str, run: &str, task: &str, key: &str) -> Value {
    let path = format!("/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/{key}");
    server.get(&path).await.expect(200)["value"].clone()
}

#[tokio::test]
async fn a_failed_attempt_is_tried_again_with_the_state_that_it_left() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.run("flaky", json!({ "failures": 2 })).await;
    assert_eq!((&run["state"], &run["results"]), (&json!("success"), &json!({ "fail_first": 3 })), "{run:#}");
    let instance = server.instance("flaky", &run_id(&run), "fail_first").await;
    assert_eq!((&instance["try_number"], &instance["max_tries"]), (&json!(3), &json!(3)), "{instance:#}");
}

#[tokio::test]
async fn retries_end() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.run("flaky", json!({ "failures": 9 })).await;
    assert_eq!(run["result"], "impossible", "{run:#}");
    let instance = server.instance("flaky", &run_id(&run), "fail_first").await;
    assert_eq!((&instance["state"], &instance["try_number"]), (&json!("failed"), &json!(4)), "{instance:#}");
    assert_eq!(run["failed"]["message"], "attempt 4 fails as it was told", "{run:#}");
}

#[tokio::test]
async fn what_needs_a_failed_task_never_runs() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.run("doomed", json!({})).await;
    assert_eq!(run["result"], "impossible", "{run:#}");
    assert_eq!(run["failed"]["message"], "there is nothing to be done", "{run:#}");
    let failed = server.instance("doomed", &run_id(&run), "give_up").await;
    assert_eq!((&failed["state"], &failed["try_number"]), (&json!("failed"), &json!(1)), "{failed:#}");
    let after = server.instance("doomed", &run_id(&run), "add_one").await;
    assert_eq!(after["state"], "upstream_failed", "{after:#}");
}

#[tokio::test]
async fn a_skip_goes_on_downstream_and_the_run_is_well() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.trigger_id("skipping", json!({})).await;
    assert_eq!(server.finished("skipping", &run).await["state"], "success");
    for task in ["not_today", "add_one"] {
        assert_eq!(server.instance("skipping", &run, task).await["state"], "skipped");
    }
}

#[tokio::test]
async fn values_go_from_task_to_task_and_to_those_who_ask() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.run("talk", json!({ "words": "hé\"llo" })).await;
    assert_eq!(run["results"], json!({ "listen": ["hé\"llo", "hé\"llo", null] }), "{run:#}");
    let run = &run_id(&run);
    assert_eq!(value(&server, "talk", run, "speak", "return_value").await, "hé\"llo");
    assert_eq!(value(&server, "talk", run, "speak", "words").await, "hé\"llo");
    let missing = server.get(&format!("/dags/talk/dagRuns/{run}/taskInstances/speak/xcomEntries/silence")).await;
    missing.expect_problem(404, "xcom-not-found");
}

#[tokio::test]
async fn the_tasks_of_a_run_are_listed() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.run("chain", json!({ "start": 5 })).await;
    let list = server.get(&format!("/dags/chain/dagRuns/{}/taskInstances", run_id(&run))).await.expect(200);
    assert_eq!(list["total_entries"], 3, "{list:#}");
    for instance in list["task_instances"].as_array().expect("instances") {
        assert_eq!((&instance["state"], &instance["map_index"]), (&json!("success"), &json!(-1)), "{instance:#}");
    }
}
