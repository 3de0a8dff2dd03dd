//! Starting runs.

use std::collections::HashSet;

use clock::Clock;
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Server, act, dag, run_id, text};

#[tokio::test]
async fn two_hundred_triggers_at_once_are_two_hundred_runs() {
    let server = Server::with_bundle("flows-guest").await;
    let runs = join_all((0..200_u64).map(|start| server.run("chain", json!({ "start": start })))).await;
    let mut ids = HashSet::new();
    for (start, run) in runs.iter().enumerate() {
        assert_eq!(run["state"], "success", "{run:#}");
        assert_eq!(run["results"], json!({ "add_one__2": start + 3 }), "{run:#}");
        ids.insert(run_id(run));
    }
    assert_eq!(ids.len(), 200);
    let list = server.get("/dags/chain/dagRuns?limit=1").await.expect(200);
    assert_eq!(list["total_entries"], 200);
}

#[tokio::test]
async fn a_wrong_conf_is_refused_with_all_that_is_wrong() {
    let server = Server::with_bundle("flows-guest").await;
    let body = json!({ "logical_date": null, "conf": { "pause_ms": "long", "nmae": "x" } });
    let problem = server.post("/dags/strict/dagRuns", body).await.expect_problem(422, "invalid-params");
    let paths: HashSet<_> =
        problem["errors"].as_array().expect("errors").iter().map(|error| error["path"].clone()).collect();
    assert!(paths.len() >= 2, "{problem:#}");
    let text = problem.to_string();
    for name in ["pause_ms", "name"] {
        assert!(text.contains(name), "{name}: {problem:#}");
    }
    assert_eq!(server.get("/dags/strict/dagRuns").await.expect(200)["total_entries"], 0);
}

#[tokio::test]
async fn a_dag_that_is_not_there_is_not_found() {
    let server = Server::start().await;
    let reply = server.post("/dags/nowhere/dagRuns", json!({ "logical_date": null })).await;
    reply.expect_problem(404, "dag-not-found");
}

#[tokio::test]
async fn a_run_id_is_taken_once() {
    let server = Server::with_bundle("flows-guest").await;
    let body = json!({ "logical_date": null, "dag_run_id": "mine~:+1", "conf": { "start": 1 } });
    let run = server.post("/dags/chain/dagRuns", body.clone()).await.expect(200);
    assert_eq!(run["dag_run_id"], "mine~:+1");
    server.post("/dags/chain/dagRuns", body).await.expect_problem(409, "run-exists");
    let ended = server.finished("chain", "mine~:+1").await;
    assert_eq!(ended["state"], "success", "{ended:#}");
}

#[tokio::test]
async fn a_run_begins_when_it_is_to() {
    let server = Server::with_dags(&[dag("later", json!([act("a", json!({}))]))]).await;
    let after = (clock::Real.now() + std::time::Duration::from_millis(1_500)).to_string();
    let body = json!({ "logical_date": null, "dag_run_id": "soon", "run_after": after });
    let request = server.request(Method::POST, "/dags/later/dagRuns").header("prefer", "wait=60").json(&body);
    let waited = server.send(request).await.expect(200);
    let run = &waited["dag_run"];
    assert_eq!(run["state"], "success", "{waited:#}");
    // Both in UTC, and to the microsecond.
    assert!(text(run, "start_date") >= text(run, "run_after"), "{run:#}");
}

#[tokio::test]
async fn a_run_that_is_to_begin_later_waits_through_a_crash_and_can_be_ended_or_deleted() {
    let mut server = Server::with_dags(&[dag("later", json!([act("a", json!({}))]))]).await;
    for name in ["first", "second"] {
        let body = json!({ "logical_date": null, "dag_run_id": name, "run_after": "2190-01-01T00:00:00Z" });
        let run = server.post("/dags/later/dagRuns", body.clone()).await.expect(200);
        assert_eq!((&run["state"], &run["start_date"]), (&json!("queued"), &json!(null)), "{run:#}");
        server.post("/dags/later/dagRuns", body).await.expect_problem(409, "run-exists");
    }
    server.kill().await;
    server.restart().await;
    // Another run passes them by.
    let (_, state) = server.run_to_end("later", json!({})).await;
    assert_eq!(state, "success");
    let path = "/dags/later/dagRuns/first";
    assert_eq!(server.get(path).await.expect(200)["state"], "queued");
    let why = server.get(&format!("{path}/taskInstances/a/explain")).await.expect(200);
    assert_eq!(why["reasons"][0]["code"], "run_queued", "{why:#}");
    assert!(why["reasons"].to_string().contains("2190"), "{why:#}");
    let clear = json!({ "dry_run": false });
    server.post(&format!("{path}/clear"), clear).await.expect_problem(409, "run-not-begun");
    let ended = server.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    assert_eq!(ended["state"], "failed", "{ended:#}");
    assert_eq!(server.states("later", "first").await["a"], "skipped");
    server.send(server.request(Method::DELETE, "/dags/later/dagRuns/second")).await.expect(204);
    server.get("/dags/later/dagRuns/second").await.expect_problem(404, "run-not-found");
}
