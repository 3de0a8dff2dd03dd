//! A branch, a short circuit and where the ways meet.

use serde_json::json;

use super::states;
use crate::harness::{Server, run_id};

const WAYS: [&str; 4] = ["by_letter", "by_parcel", "by_freight.send", "by_freight.send__1"];

#[tokio::test]
async fn ways_that_are_not_chosen_are_skipped() {
    let server = Server::with_bundle("branch").await;
    for (grams, result, expect) in [
        (700, "sent by letter", ["success", "skipped", "skipped", "skipped"]),
        (50_000, "sent, and a letter tells", ["success", "skipped", "success", "success"]),
    ] {
        let run = server.run("delivery", json!({ "grams": grams })).await;
        assert_eq!(run["results"]["confirm"], result, "{run:#}");
        assert_eq!(states(&server, "delivery", &run_id(&run), &WAYS).await, expect);
    }
    let run = server.trigger_id("delivery", json!({ "weekday": "Sunday" })).await;
    assert_eq!(server.finished("delivery", &run).await["state"], "success");
    assert_eq!(states(&server, "delivery", &run, &WAYS).await, ["skipped"; 4]);
    assert_eq!(states(&server, "delivery", &run, &["choose_way", "confirm"]).await, ["skipped"; 2]);
}
