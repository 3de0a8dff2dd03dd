//! Lists that are put together, and pass through bodies, before they are mapped over.

use serde_json::json;

use super::results;
use crate::harness::{Server, run_id};

#[tokio::test]
async fn lists_side_by_side_one_after_the_other_and_through_bodies() {
    let server = Server::with_bundle("zip-and-concat").await;
    let letters = "dear Ada (80), dear Bo (95), dear Cy (70)";
    assert_eq!(results(&server, "letters", json!({})).await, json!({ "bundle_up": letters }));

    let run = server.run("letters_to_names", json!({})).await;
    assert_eq!(run["results"], json!({ "bundle_up": "Ada (80), Bo (80), Cy (80), Di (80)" }), "{run:#}");
    let written = server.mapped("letters_to_names", &run_id(&run), "write_letter").await;
    let states: Vec<_> = written.iter().map(|instance| instance["state"].clone()).collect();
    assert_eq!(states, ["success", "success", "success", "skipped", "success"], "positions never shift");
    assert!(written[3].to_string().contains("filtered-out"), "{:#}", written[3]);
}
