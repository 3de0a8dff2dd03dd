//! One task over many items, and what comes of them.

use serde_json::json;

use crate::harness::{Server, run_id};

#[tokio::test]
async fn map_and_reduce() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.run("squares", json!({ "n": 100 })).await;
    assert_eq!((&run["state"], &run["results"]), (&json!("success"), &json!({ "sum": 328_350 })), "{run:#}");
}

#[tokio::test]
async fn no_items_skip_the_mapped_task_and_what_follows() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.trigger_id("squares", json!({ "n": 0 })).await;
    assert_eq!(server.finished("squares", &run).await["state"], "success");
    let mapped = server.mapped("squares", &run, "square").await;
    let states: Vec<_> = mapped.iter().map(|instance| &instance["state"]).collect();
    assert!(states.iter().all(|state| **state == "skipped"), "{states:?}");
    assert_eq!(server.instance("squares", &run, "sum").await["state"], "skipped");
}

#[tokio::test]
async fn too_many_items_fail_with_both_numbers() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.run("squares", json!({ "n": 10_001 })).await;
    assert_eq!(run["result"], "impossible", "{run:#}");
    let text = run.to_string();
    for part in ["10001", "10000"] {
        assert!(text.replace([',', '_'], "").contains(part), "{part}: {run:#}");
    }
    assert!(text.contains("map-too-large"), "{run:#}");
}

#[tokio::test]
async fn many_instances_are_listed_page_by_page() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.run("squares", json!({ "n": 1_234 })).await;
    let run = &run_id(&run);
    let mapped = server.mapped("squares", run, "square").await;
    let indices: Vec<_> = mapped.iter().map(|instance| instance["map_index"].as_u64().expect("an index")).collect();
    assert_eq!(indices, (0..1_234).collect::<Vec<_>>());
    assert!(mapped.iter().all(|instance| instance["state"] == "success"));

    let one = server.get(&format!("/dags/squares/dagRuns/{run}/taskInstances/square/1233")).await.expect(200);
    assert_eq!(one["map_index"], 1_233);
    let value = format!("/dags/squares/dagRuns/{run}/taskInstances/square/xcomEntries/return_value?map_index=1233");
    assert_eq!(server.get(&value).await.expect(200)["value"], 1_233 * 1_233);
}

#[tokio::test]
async fn a_mapped_task_is_asked_for_by_index() {
    let server = Server::with_bundle("flows-guest").await;
    let run = server.run("squares", json!({ "n": 3 })).await;
    let path = format!("/dags/squares/dagRuns/{}/taskInstances", run_id(&run));
    server.get(&format!("{path}/square")).await.expect(404);
    server.get(&format!("{path}/square/3")).await.expect(404);
    server.get(&format!("{path}/sum/listMapped")).await.expect(404);
    server.get(&format!("{path}/nothing/listMapped")).await.expect(404);
}
