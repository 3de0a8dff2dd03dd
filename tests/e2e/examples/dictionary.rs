//! Objects are mapped over by pair, and references stand in literal lists.

use serde_json::json;

use super::results;
use crate::harness::Server;

#[tokio::test]
async fn pairs_and_nested_references() {
    let server = Server::with_bundle("dictionary").await;
    let lines = json!({ "list": ["apple: 30 cent", "banana: 25 cent", "cherry: 2 cent"] });
    assert_eq!(results(&server, "price_list", json!({})).await, lines);
    let commands = json!({ "list": ["ls /home/ann", "cat /etc/hosts"] });
    assert_eq!(results(&server, "commands", json!({ "file": "/etc/hosts" })).await, commands);
}
