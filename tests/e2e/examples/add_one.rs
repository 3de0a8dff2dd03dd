//! Map and reduce, one argument fixed, and a DAG that runs another one.

use serde_json::json;

use super::results;
use crate::harness::Server;

#[tokio::test]
async fn sums_and_sums_of_other_dags() {
    let server = Server::with_bundle("add-one").await;
    assert_eq!(results(&server, "add_one_to_each", json!({})).await, json!({ "sum_values": 9 }));
    assert_eq!(results(&server, "add_one_to_each", json!({ "values": [10] })).await, json!({ "sum_values": 11 }));
    assert_eq!(results(&server, "add_five_to_each", json!({})).await, json!({ "sum_values": 21 }));
    // (2 + 3) and (4 + 5 + 6), each by a run of another DAG.
    assert_eq!(results(&server, "sum_of_sums", json!({})).await, json!({ "sum_values": 20 }));
    let runs = server.get("/dags/add_one_to_each/dagRuns?limit=10").await.expect(200);
    let runs = runs["dag_runs"].as_array().expect("runs");
    assert_eq!(runs.iter().filter(|run| run["triggered_by"] == "operator").count(), 2, "{runs:#?}");
    assert_eq!(runs.len(), 4, "a task that goes on after it has waited starts nothing twice");
}
