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
    let trained = server.mapped("parameter_grid", &run, "train").await;
    assert_eq!(trained.len(), 2 * 3 * 2);
    assert_eq!(trained[3]["rendered_map_index"], "rate 0.1, depth 5");
    // Row-major, the last fastest: 3 is the second seed of the second depth.
    let value = format!("/dags/parameter_grid/dagRuns/{run}/taskInstances/train/xcomEntries/return_value?map_index=3");
    let model = server.get(&value).await.expect(200)["value"].clone();
    assert_eq!((&model["rate"], &model["depth"], &model["seed"]), (&json!(0.1), &json!(5), &json!(1)), "{model:#}");
    assert_eq!(results(&server, "parameter_grid", json!({ "seeds": [9] })).await["best"]["seed"], 9);
}

#[tokio::test]
async fn a_model_is_published_when_there_is_a_machine_an_answer_and_a_ticket() {
    let server = Server::with_bundle("parameter-grid").await;
    let run = server.trigger_id("publish_model", json!({ "model": "m-2" })).await;
    server.until_state("publish_model", &run, "has_machine", "up_for_reschedule").await;
    assert!(server.waft(&["variables", "set", "machine", "gpu-1"]).status.success());
    server.until_state("publish_model", &run, "agree", "awaiting_input").await;
    let answer = json!({ "chosen_options": ["Approve"], "params_input": { "by": "Ada", "at_once": false } });
    let path = format!("/dags/publish_model/dagRuns/{run}/taskInstances/agree/-1/hitlDetails");
    server.patch(&path, answer).await.expect(200);
    server.until_state("publish_model", &run, "publish", "deferred").await;
    let signal = format!("/dags/publish_model/dagRuns/{run}/signals/ticket");
    server.post(&signal, json!({ "payload": { "number": 7 } })).await.expect(200);
    assert_eq!(server.finished("publish_model", &run).await["state"], "success");
    assert_eq!(server.value("publish_model", &run, "publish").await, "m-2 by Ada, ticket 7");
}
