//! Who may ask, and what may be asked.

use reqwest::Method;
use serde_json::json;

use crate::harness::Server;

#[tokio::test]
async fn without_a_token_nothing_is_told() {
    let server = Server::start().await;
    let missing = server.send(server.anonymous(Method::GET, "/dags")).await;
    missing.expect_problem(401, "unauthenticated");
    let wrong = server.send(server.anonymous(Method::GET, "/dags").bearer_auth("waft_wrong")).await;
    wrong.expect_problem(401, "unauthenticated");
    let right = server.get("/dags").await.expect(200);
    assert_eq!(right["total_entries"], 0);
}

#[tokio::test]
async fn health_and_version_are_for_everyone() {
    let server = Server::start().await;
    let health = server.send(server.anonymous(Method::GET, "/monitor/health")).await.expect(200);
    assert_eq!(health["metadatabase"]["status"], "healthy");
    assert_eq!(health["scheduler"]["status"], "healthy");
    let version = server.send(server.anonymous(Method::GET, "/version")).await.expect(200);
    assert!(version["version"].is_string(), "{version}");
}

#[tokio::test]
async fn the_token_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let server = Server::start().await;
    let metadata = std::fs::metadata(server.data().join("admin.token")).expect("the token is there");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert!(!server.log_text().contains(server.token()), "the token stands in the log");
}

#[tokio::test]
async fn a_query_parameter_that_nobody_knows_is_refused() {
    let server = Server::start().await;
    let problem = server.get("/dags?limt=3").await.expect_problem(400, "invalid-query");
    let error = &problem["errors"][0];
    assert_eq!((&error["code"], &error["path"]), (&json!("unknown-query-parameter"), &json!("limt")), "{problem:#}");
}

#[tokio::test]
async fn a_path_that_nobody_knows_is_a_problem_too() {
    let server = Server::start().await;
    server.get("/nothing").await.expect_problem(404, "not-found");
}
