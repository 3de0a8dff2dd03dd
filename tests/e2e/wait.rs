//! Waiting for a run: the result when it is there, and not a moment longer.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Server, eventually};

#[tokio::test]
async fn a_trigger_that_prefers_to_wait_answers_with_the_result() {
    let server = Server::with_bundle("hello").await;
    let request = server.request(Method::POST, "/dags/greeting/dagRuns").header("prefer", "wait=30");
    let reply = server.send(request.json(&json!({ "logical_date": null, "conf": { "name": "Ada" } }))).await;
    let run = reply.expect(200);
    assert_eq!(run["results"], json!({ "hello": "Hello, Ada!" }), "{run:#}");
    assert!(reply.header("preference-applied").starts_with("wait"), "{:?}", reply.headers);
}

#[tokio::test]
async fn a_run_that_takes_longer_is_accepted_with_its_place() {
    let server = Server::with_bundle("flows-guest").await;
    let request = server.request(Method::POST, "/dags/ticking/dagRuns").header("prefer", "wait=0");
    let reply = server.send(request.json(&json!({ "logical_date": null, "conf": { "times": 5 } }))).await;
    let run = reply.expect(202)["dag_run_id"].as_str().expect("a run id").to_owned();
    assert!(reply.header("location").contains("/api/v2/dags/ticking/dagRuns/"), "{:?}", reply.headers);
    assert_eq!(server.finished("ticking", &run).await["state"], "success");
}

#[tokio::test]
async fn without_the_preference_the_answer_comes_at_once() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.trigger("ticking", json!({ "times": 20 })).await;
    assert!(run["state"] == "queued" || run["state"] == "running", "{run:#}");
}

#[tokio::test]
async fn a_result_that_can_no_longer_come_ends_the_wait() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.trigger_id("doomed", json!({})).await;
    let wait = server.get(&format!("/dags/doomed/dagRuns/{run}/wait?until=result&timeout=60")).await.expect(200);
    let failed = &wait["failed"];
    assert_eq!((&wait["result"], &failed["task_id"]), (&json!("impossible"), &json!("give_up")), "{wait:#}");
    assert_eq!(failed["message"], "there is nothing to be done", "{wait:#}");
}

#[tokio::test]
async fn a_wait_that_is_too_short_says_so() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.trigger_id("ticking", json!({ "times": 100 })).await;
    let reply = server.get(&format!("/dags/ticking/dagRuns/{run}/wait?timeout=0")).await;
    let waited = reply.expect(200);
    assert_eq!(waited["timed_out"], true, "{waited:#}");
    assert!(waited["state"] == "queued" || waited["state"] == "running", "{waited:#}");
}

#[tokio::test]
async fn waits_for_a_run_that_is_over_answer_at_once() {
    let server = Server::with_bundle("hello").await;
    let run = server.trigger_id("greeting", json!({})).await;
    eventually("the run is over", async || {
        let run = server.get(&format!("/dags/greeting/dagRuns/{run}")).await.expect(200);
        (run["state"] == "success").then_some(())
    })
    .await;
    let wait = server.get(&format!("/dags/greeting/dagRuns/{run}/wait?until=result")).await.expect(200);
    assert_eq!(wait["results"], json!({ "hello": "Hello, world!" }), "{wait:#}");
}
