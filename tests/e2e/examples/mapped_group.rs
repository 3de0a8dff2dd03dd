//! A group of two tasks that is mapped.

use serde_json::json;

use crate::harness::{Server, run_id};

#[tokio::test]
async fn each_page_goes_through_both_tasks() {
    let server = Server::with_bundle("mapped-group").await;
    let run = server.run("pages", json!({ "numbers": [3, 1, 2] })).await;
    assert_eq!(run["results"], json!({ "total": 96 }), "{run:#}");
    let run = run_id(&run);
    let measured = server.mapped("pages", &run, "each_page.measure").await;
    let indexes: Vec<_> = measured.iter().map(|instance| instance["map_index"].clone()).collect();
    assert_eq!(indexes, [0, 1, 2]);
    let value =
        format!("/dags/pages/dagRuns/{run}/taskInstances/each_page.measure/xcomEntries/return_value?map_index=0");
    assert_eq!(server.get(&value).await.expect(200)["value"], 48);
}
