//! Guests that misbehave: each ends as what it is, with a message that says why, and its neighbours do not notice.

use futures::future::{join, join_all};
use serde_json::{Value, json};

use crate::harness::{Server, component_with};

/// A DAG of one task that runs an attack.
fn attack(entrypoint: &str, timeout_ms: u64) -> Value {
    json!({
        "schema": "waft.dag/v1",
        "dag_id": entrypoint,
        "result": ["attack"],
        "tasks": [{ "task_id": "attack", "entrypoint": entrypoint, "timeout_ms": timeout_ms }],
    })
}

/// A server with the well-behaved bundle and one with these attacks, by entrypoint and timeout.
async fn server(attacks: &[(&str, u64)]) -> Server {
    let server = Server::with_bundle("flows-guest").await;
    let documents = attacks.iter().map(|(entrypoint, timeout_ms)| attack(entrypoint, *timeout_ms)).collect();
    server.upload("attacks", component_with(&documents)).await.expect(200);
    server
}

/// Runs an attack beside well-behaved runs and gives the message of its failure.
async fn message_of(server: &Server, entrypoint: &str) -> String {
    let neighbours = join_all((1..=8_u64).map(|n| server.run("squares", json!({ "n": n * 10 }))));
    let (run, neighbours) = join(server.run(entrypoint, json!({})), neighbours).await;
    for (n, neighbour) in (1_u64..).map(|n| n * 10).zip(&neighbours) {
        let sum = (0..n).map(|number| number * number).sum::<u64>();
        assert_eq!(neighbour["results"], json!({ "sum": sum }), "beside {entrypoint}: {neighbour:#}");
    }
    assert_eq!(run["result"], "impossible", "{entrypoint}: {run:#}");
    run["failed"]["message"].as_str().unwrap_or_else(|| panic!("{entrypoint}: no message in {run:#}")).to_owned()
}

async fn check(attacks: &[(&str, u64, &[&str])]) {
    let with_timeouts: Vec<_> = attacks.iter().map(|(entrypoint, timeout_ms, _)| (*entrypoint, *timeout_ms)).collect();
    let server = server(&with_timeouts).await;
    for (entrypoint, _, words) in attacks {
        let message = message_of(&server, entrypoint).await;
        for word in *words {
            assert!(message.contains(word), "{entrypoint}: {word:?} is not in {message:?}");
        }
    }
}

#[tokio::test]
async fn a_guest_that_does_not_end_is_ended() {
    check(&[("loop", 500, &["500"]), ("sleep", 500, &["500"])]).await;
}

#[tokio::test]
async fn a_guest_that_breaks_down_is_told_why() {
    check(&[("unreachable", 30_000, &["unreachable"]), ("panic", 30_000, &[]), ("recurse", 30_000, &["stack"])]).await;
}

#[tokio::test]
async fn a_guest_that_wants_too_much_memory_is_told_the_limit() {
    check(&[("memory", 60_000, &["memory"])]).await;
}

#[tokio::test]
async fn values_that_cannot_be_taken_are_refused_with_the_reason() {
    check(&[
        ("bad_json", 30_000, &["JSON"]),
        ("deep_json", 30_000, &["32"]),
        ("long_string", 30_000, &["1048576"]),
        ("many_items", 60_000, &[]),
        ("huge_string", 60_000, &[]),
    ])
    .await;
}

#[tokio::test]
async fn a_flood_of_log_is_cut_and_the_task_goes_on() {
    let server = server(&[("log_flood", 60_000), ("print_flood", 60_000)]).await;
    for entrypoint in ["log_flood", "print_flood"] {
        let run = server.trigger_id(entrypoint, json!({})).await;
        let ended = server.finished(entrypoint, &run).await;
        assert_eq!(ended["state"], "success", "{entrypoint}: {ended:#}");
        let path = format!("/dags/{entrypoint}/dagRuns/{run}/taskInstances/attack/logs/1?full_content=true");
        let log = server.get(&path).await;
        log.expect(200);
        assert!(log.text.len() < 40 << 20, "{entrypoint}: {} bytes of log", log.text.len());
    }
}

#[tokio::test]
async fn the_runner_of_a_hostile_guest_serves_the_next() {
    let server = server(&[("unreachable", 30_000)]).await;
    for _ in 0..50 {
        assert_eq!(server.run("unreachable", json!({})).await["result"], "impossible");
    }
    assert_eq!(server.run("chain", json!({ "start": 1 })).await["results"], json!({ "add_one__2": 4 }));
}
