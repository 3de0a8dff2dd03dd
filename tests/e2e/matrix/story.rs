//! What is asked of the server in every cell: deploy, map and reduce, fail and try again, leave large values, clear, end.

use reqwest::Method;
use serde_json::{Value, json};
use simulation::invariant;

use super::cell::Cell;
use super::place::Place;
use crate::harness::{Body, CrashingServer, component};

const ITEMS: u64 = 40;
/// More than stands in a row of the database.
const WORDS_BYTES: usize = 80 << 10;

/// Plays the story of a seed and checks what is left.
pub(super) async fn play(seed: u64, place: Place) {
    let cell = Cell::of(seed);
    eprintln!("seed {seed}: {cell:?}");
    let mut server = CrashingServer::new(&place.arguments(), &cell.plans());
    let component = component("flows-guest");
    server.ask(Method::POST, "/bundles/flows-guest", Body::Component(&component)).await.expect(200);

    let words = "word ".repeat(WORDS_BYTES / 5);
    trigger(&mut server, "surviving", json!({ "n": ITEMS, "pause_ms": 2 })).await;
    trigger(&mut server, "flaky", json!({ "failures": 2 })).await;
    trigger(&mut server, "talk", json!({ "words": words })).await;
    trigger(&mut server, "doomed", json!({})).await;

    check_survey(&mut server).await;
    assert_eq!(finished(&mut server, "flaky").await, "success");
    assert_eq!(result(&mut server, "flaky", "fail_first").await, 3);
    assert_eq!(finished(&mut server, "talk").await, "success");
    assert_eq!(result(&mut server, "talk", "listen").await, json!([words, words, null]));
    assert_eq!(finished(&mut server, "doomed").await, "failed");

    clear(&mut server, "surviving", false).await;
    clear(&mut server, "doomed", true).await;
    check_survey(&mut server).await;
    assert_eq!(finished(&mut server, "doomed").await, "failed");
    // What an error made somebody repeat may have been done more than once, but never less.
    let log = server.ask(Method::GET, "/dags/talk/dagRuns/story/taskInstances/speak/logs/1", Body::None).await;
    log.expect(200);

    server.terminate().await;
    check_rows(&server, &place, seed, &["surviving", "flaky", "talk", "doomed"]).await;
    let has_struck = server.log_text().contains(&format!("failpoint {}", cell.step));
    assert!(
        has_struck || !cell.must_strike(),
        "seed {seed}: {cell:?} was never passed: is `waft` built with failpoints?"
    );
}

/// While nothing can be written, whatever would have to be is refused; what runs ends when there is room again (F7).
pub(super) async fn play_on_a_full_disk() {
    let mut server = CrashingServer::new(&Place::Sqlite.arguments(), &[]);
    let component = component("flows-guest");
    server.ask(Method::POST, "/bundles/flows-guest", Body::Component(&component)).await.expect(200);
    trigger(&mut server, "surviving", json!({ "n": ITEMS, "pause_ms": 100 })).await;
    server.disk_is_full(true);
    let body = json!({ "logical_date": null, "dag_run_id": "refused", "conf": {} });
    let refused = server.ask_once(Method::POST, "/dags/chain/dagRuns", Body::Json(body)).await;
    refused.expect("the server answers").expect_problem(507, "storage-not-writable");
    server.disk_is_full(false);
    check_survey(&mut server).await;
    let body = json!({ "logical_date": null, "dag_run_id": "taken", "conf": {} });
    server.ask(Method::POST, "/dags/chain/dagRuns", Body::Json(body)).await.expect(200);
    assert_eq!(server.starts, 1, "the server died of a full disk");
    server.terminate().await;
    check_rows(&server, &Place::Sqlite, 0, &["surviving", "chain"]).await;
}

/// A caller who does not hear an answer repeats what he asked under the same name.
async fn trigger(server: &mut CrashingServer, dag: &str, conf: Value) {
    let body = json!({ "logical_date": null, "dag_run_id": "story", "conf": conf });
    let reply = server.ask(Method::POST, &format!("/dags/{dag}/dagRuns"), Body::Json(body)).await;
    assert!(matches!(reply.status.as_u16(), 200 | 409), "{reply:?}");
}

async fn clear(server: &mut CrashingServer, dag: &str, only_failed: bool) {
    let body = json!({ "dry_run": false, "only_failed": only_failed });
    let reply = server.ask(Method::POST, &format!("/dags/{dag}/dagRuns/story/clear"), Body::Json(body)).await;
    assert!(matches!(reply.status.as_u16(), 200 | 409), "{reply:?}");
}

/// The state that a run ends in.
async fn finished(server: &mut CrashingServer, dag: &str) -> String {
    let path = format!("/dags/{dag}/dagRuns/story/wait?until=finished&timeout=20");
    loop {
        let waited = server.ask(Method::GET, &path, Body::None).await.expect(200);
        if let state @ ("success" | "failed") = waited["state"].as_str().expect("a state") {
            return state.to_owned();
        }
    }
}

async fn result(server: &mut CrashingServer, dag: &str, task: &str) -> Value {
    let path = format!("/dags/{dag}/dagRuns/story/taskInstances/{task}/xcomEntries/return_value");
    server.ask(Method::GET, &path, Body::None).await.expect(200)["value"].clone()
}

async fn check_survey(server: &mut CrashingServer) {
    assert_eq!(finished(server, "surviving").await, "success");
    let survey = result(server, "surviving", "survey").await;
    assert_eq!((&survey["items"], &survey["sum"]), (&json!(ITEMS), &json!(ITEMS * (ITEMS - 1) / 2)), "{survey:#}");
}

/// What every database must hold, whatever happened.
async fn check_rows(server: &CrashingServer, place: &Place, seed: u64, dags: &[&str]) {
    let snapshot = place.snapshot(&server.data()).await;
    let mut found: Vec<_> = snapshot.runs.iter().map(|run| run.row.dag_id.as_str()).collect();
    found.sort_unstable();
    let mut expect = dags.to_vec();
    expect.sort_unstable();
    assert_eq!(found, expect, "seed {seed}: one run for each trigger");
    let broken = invariant::of_rows(&snapshot);
    assert!(broken.is_empty(), "seed {seed}: {broken:#?}");
    for run in &snapshot.runs {
        // No fault of a host is counted as a try of the task.
        let clears = run.row.clears;
        let tries = |task: &str| if task == "fail_first" { 3 } else { 1 + clears };
        for it in &run.instances {
            let task = run.dag.task(it.node).task_id.as_str();
            assert!(it.try_number.0 <= tries(task), "seed {seed}: {task} had {} tries", it.try_number.0);
        }
    }
}
