//! Uploading bundles: what makes a version, what makes none, what is refused.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Server, component, component_with, text};

async fn versions(server: &Server, dag: &str) -> Vec<Value> {
    let list = server.get(&format!("/dags/{dag}/dagVersions")).await.expect(200);
    let versions = list["dag_versions"].as_array().expect("versions").clone();
    assert_eq!(list["total_entries"], versions.len());
    versions
}

#[tokio::test]
async fn the_same_bytes_again_make_no_new_version() {
    let server = Server::with_bundle("flows-guest").await;
    let before = versions(&server, "squares").await;
    assert_eq!(before.len(), 1);
    assert_eq!(before[0]["version_number"], 1);
    server.deploy("flows-guest").await;
    assert_eq!(versions(&server, "squares").await, before);
}

#[tokio::test]
async fn fifty_uploads_at_once_make_one_version() {
    let server = Server::start().await;
    let bytes = component("hello");
    let replies = join_all((0..50).map(|_| server.upload("hello", bytes.clone()))).await;
    for reply in &replies {
        reply.expect(200);
    }
    assert_eq!(versions(&server, "greeting").await.len(), 1);
    assert_eq!(server.run("greeting", json!({ "name": "you" })).await["results"], json!({ "hello": "Hello, you!" }));
}

#[tokio::test]
async fn a_bad_upload_is_refused_and_the_old_version_runs_on() {
    let server = Server::with_bundle("hello").await;
    let good = component("hello");
    let bad: [(&str, Vec<u8>); 4] = [
        ("empty", Vec::new()),
        ("text", b"hello, I am a text".to_vec()),
        ("a core module", b"\0asm\x01\0\0\0".to_vec()),
        ("truncated", good[..good.len() / 2].to_vec()),
    ];
    for (what, bytes) in bad {
        let reply = server.upload("hello", bytes).await;
        assert!(reply.status.is_client_error(), "{what}: {} {}", reply.status, reply.text);
        let problem = reply.expect(reply.status.as_u16());
        assert!(problem["errors"].as_array().is_some_and(|errors| !errors.is_empty()), "{what}: {problem:#}");
        for error in problem["errors"].as_array().expect("a list") {
            assert!(error["code"].is_string() && error["message"].is_string(), "{what}: {problem:#}");
        }
    }
    assert_eq!(versions(&server, "greeting").await.len(), 1);
    assert_eq!(server.run("greeting", json!({})).await["results"], json!({ "hello": "Hello, world!" }));
}

#[tokio::test]
async fn what_was_deployed_is_there_after_a_crash() {
    let mut server = Server::with_bundle("hello").await;
    let before = versions(&server, "greeting").await;
    server.kill().await;
    server.restart().await;
    assert_eq!(versions(&server, "greeting").await, before);
    assert_eq!(server.run("greeting", json!({})).await["state"], "success");
}

/// Uploads documents, which must be refused, and gives `(code, path)` of each problem.
async fn problems_of(server: &Server, documents: Value) -> Vec<(String, String)> {
    let reply = server.upload("documents", component_with(&documents)).await;
    let problem = reply.expect(422);
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("no errors in {problem:#}"));
    let place = |error: &Value| (text(error, "code"), text(error, "path"));
    errors.iter().map(place).collect()
}

fn dag(tasks: Value, edges: Value) -> Value {
    json!({ "schema": "waft.dag/v1", "dag_id": "made", "tasks": tasks, "edges": edges })
}

#[tokio::test]
async fn documents_that_are_no_dags_are_refused_with_code_and_place() {
    let server = Server::start().await;
    let good = dag(json!([{ "task_id": "a" }, { "task_id": "b" }]), json!([{ "from": "a", "to": "b" }]));
    server.upload("documents", component_with(&json!([good]))).await.expect(200);
    let task = |id: &str| json!({ "task_id": id });
    let typed = json!([
        { "task_id": "a", "signature": { "args": {}, "result": "string" } },
        {
            "task_id": "b",
            "args": { "number": { "output": { "task": "a" } } },
            "signature": { "args": { "number": { "type": "integer" } }, "result": "integer" },
        },
    ]);
    let misnamed =
        json!([{ "task_id": "a", "args": { "nmae": { "literal": 1 } }, "signature": { "args": {}, "result": "any" } }]);
    let bad = [
        ("cycle", dag(json!([task("a"), task("b")]), json!([{ "from": "a", "to": "b" }, { "from": "b", "to": "a" }]))),
        ("unknown task", dag(json!([task("a")]), json!([{ "from": "a", "to": "nowhere" }]))),
        ("duplicate id", dag(json!([task("a"), task("a")]), json!([]))),
        ("giant id", dag(json!([task(&"x".repeat(10_000))]), json!([]))),
        ("control character", dag(json!([task("a\u{1b}[31m")]), json!([]))),
        ("wrong argument name", dag(misnamed, json!([]))),
        ("wrong type along an edge", dag(typed, json!([]))),
    ];
    for (what, document) in bad {
        let problems = problems_of(&server, json!([document])).await;
        assert!(!problems.is_empty(), "{what}");
        for (code, path) in &problems {
            assert!(!code.is_empty() && path.contains("/tasks") || path.contains("/edges"), "{what}: {problems:?}");
        }
    }
    assert_eq!(versions(&server, "made").await.len(), 1, "something of a refused upload was stored");
}

#[tokio::test]
async fn all_problems_are_told_at_once() {
    let server = Server::start().await;
    let first = dag(json!([{ "task_id": "a" }]), json!([{ "from": "a", "to": "x" }, { "from": "y", "to": "a" }]));
    let problems = problems_of(&server, json!([first])).await;
    assert!(problems.len() >= 2, "{problems:?}");
    server.get("/dags/made").await.expect_problem(404, "dag-not-found");
}
