//! A setup, work that may fail, and the teardown that runs whatever became of it.

use serde_json::json;

use super::{results, states};
use crate::harness::{Server, run_id};

#[tokio::test]
async fn the_teardown_runs_whatever_became_of_the_work() {
    let server = Server::with_bundle("setup-teardown").await;
    assert_eq!(results(&server, "on_a_cluster", json!({})).await, json!({ "sum": 600 }));
    let run = server.run("on_a_cluster", json!({ "broken": true })).await;
    assert_eq!(run["result"], "impossible", "{run:#}");
    let run = run_id(&run);
    assert_eq!(server.finished("on_a_cluster", &run).await["state"], "failed");
    assert_eq!(states(&server, "on_a_cluster", &run, &["create_cluster", "delete_cluster"]).await, ["success"; 2]);
}
