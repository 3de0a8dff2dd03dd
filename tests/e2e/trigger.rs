//! Starting runs.

use std::collections::HashSet;

use futures::future::join_all;
use serde_json::json;

use crate::harness::{Server, run_id};

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
