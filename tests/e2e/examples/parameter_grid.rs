//! The product of three lists.

use serde_json::json;

use super::results;
use crate::harness::{Server, run_id};

#[tokio::test]
async fn every_combination_is_trained_in_order() {
    let server = Server::with_bundle("parameter-grid").await;
    let run = server.run("parameter_grid", json!({ "seeds": [4, 1] })).await;
    let best = &run["results"]["best"];
    assert_eq!((&best["rate"], &best["depth"], &best["seed"]), (&json!(0.01), &json!(5), &json!(1)), "{run:#}");
    let run = run_id(&run);
    assert_eq!(server.mapped("parameter_grid", &run, "train").await.len(), 2 * 3 * 2);
    // Row-major, the last fastest: 3 is the second seed of the second depth.
    let value = format!("/dags/parameter_grid/dagRuns/{run}/taskInstances/train/xcomEntries/return_value?map_index=3");
    let model = server.get(&value).await.expect(200)["value"].clone();
    assert_eq!((&model["rate"], &model["depth"], &model["seed"]), (&json!(0.1), &json!(5), &json!(1)), "{model:#}");
    assert_eq!(results(&server, "parameter_grid", json!({ "seeds": [9] })).await["best"]["seed"], 9);
}
