//! Logs: each try its own, and followed while it is written.

use futures::StreamExt;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Server, eventually, run_id};

#[tokio::test]
async fn every_way_of_speaking_is_in_the_log() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.run("talk", json!({ "words": "hear me" })).await;
    let run = run_id(&run);
    let log = server.get(&format!("/dags/talk/dagRuns/{run}/taskInstances/speak/logs/1")).await.expect(200);
    let events: Vec<_> = log["content"].as_array().expect("content").iter().map(|line| line["event"].clone()).collect();
    for line in ["out: hear me", "err: hear me", "log: hear me"] {
        assert!(events.iter().any(|event| event == line), "{line}: {log:#}");
    }
}

#[tokio::test]
async fn each_try_has_its_own_log() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.run("flaky", json!({ "failures": 1 })).await;
    let run = run_id(&run);
    let path = format!("/dags/flaky/dagRuns/{run}/taskInstances/fail_first/logs");
    for (try_number, line, other) in [(1, "attempt 1", "attempt 2"), (2, "attempt 2", "attempt 1")] {
        let log = server.get(&format!("{path}/{try_number}")).await.expect(200)["content"].to_string();
        assert!(log.contains(line) && !log.contains(other), "{try_number}: {log}");
    }
    server.get(&format!("{path}/3")).await.expect(404);
}

#[tokio::test]
async fn a_log_is_followed_while_the_task_runs() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.trigger_id("ticking", json!({ "times": 200 })).await;
    let task = format!("/dags/ticking/dagRuns/{run}/taskInstances/tick");
    eventually("the task runs", async || {
        let instance = server.get(&task).await.expect(200);
        (instance["state"] == "running").then_some(())
    })
    .await;

    let request = server.request(Method::GET, &format!("{task}/logs/1?follow=true"));
    let response = request.header("accept", "application/x-ndjson").send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let mut pieces = response.bytes_stream();
    let mut text = String::new();
    while !text.contains("tick 0") {
        let piece = pieces.next().await.expect("the log has begun").expect("the connection holds");
        text.push_str(&String::from_utf8_lossy(&piece));
    }
    assert_eq!(server.instance("ticking", &run, "tick").await["state"], "running");
    while let Some(piece) = pieces.next().await {
        text.push_str(&String::from_utf8_lossy(&piece.expect("the connection holds")));
    }
    assert_eq!(text.matches("\"tick ").count(), 200, "{text}");
    assert!(text.contains("tick 199"), "{text}");
}
