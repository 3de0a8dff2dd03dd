//! Objects are mapped over by pair, and references stand in literal lists.

use serde_json::json;

use super::results;
use crate::harness::{Server, run_id};

#[tokio::test]
async fn pairs_and_nested_references() {
    let server = Server::with_bundle("dictionary").await;
    let lines = json!({ "list": ["apple: 30 cent", "banana: 25 cent", "cherry: 2 cent"] });
    let run = server.run("price_list", json!({})).await;
    assert_eq!(run["results"], lines, "{run:#}");
    let named = server.mapped("price_list", &run_id(&run), "line").await;
    let names: Vec<_> = named.iter().map(|instance| instance["rendered_map_index"].clone()).collect();
    assert_eq!(names, ["apple", "banana", "cherry"]);
    let commands = json!({ "list": ["ls /home/ann", "cat /etc/hosts"] });
    assert_eq!(results(&server, "commands", json!({ "file": "/etc/hosts" })).await, commands);
}
