//! Sudden and gentle deaths: the run ends with the right answer, and nothing is done twice that was done.

use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};

use crate::harness::{Server, children_of, eventually, is_alive};

const ITEMS: u64 = 2_000;
/// What a worker holds at a time: what is in flight when it dies.
const SLOTS: u64 = 256;

/// How many instances of `begin` are in a state.
pub(crate) async fn count(server: &Server, run: &str, state: &str) -> u64 {
    let path = format!("/dags/surviving/dagRuns/{run}/taskInstances/begin/listMapped?state={state}&limit=1");
    server.get(&path).await.expect(200)["total_entries"].as_u64().expect("a total")
}

/// Triggers the run of many items and comes back in the middle of it.
async fn in_the_middle(server: &Server) -> String {
    let run = server.trigger_id("surviving", json!({ "n": ITEMS, "pause_ms": 100 })).await;
    eventually("some items are done", async || (count(server, &run, "success").await >= 100).then_some(())).await;
    run
}

/// The run ends with the right answer, and only what was in flight at one of the deaths was begun again.
async fn assert_survived(server: &Server, run: &str, deaths: u64) {
    assert_all_done(server, run, ITEMS, deaths * SLOTS).await;
}

/// The run has ended well: every item once, no more of them begun again than may have been under way when somebody died.
pub(crate) async fn assert_all_done(server: &Server, run: &str, items: u64, begun_again_max: u64) {
    let ended =
        server.get(&format!("/dags/surviving/dagRuns/{run}/wait?until=finished&result=survey&timeout=90")).await;
    let ended = ended.expect(200);
    assert_eq!(ended["state"], "success", "{ended:#}");
    let path = format!("/dags/surviving/dagRuns/{run}/taskInstances/survey/xcomEntries/return_value");
    let survival: Value = server.get(&path).await.expect(200)["value"].clone();
    assert_eq!(
        (&survival["items"], &survival["sum"]),
        (&json!(items), &json!(items * (items - 1) / 2)),
        "{survival:#}"
    );
    let begun_again = survival["begun_again"].as_u64().expect("a number");
    assert!(begun_again <= begun_again_max, "{begun_again} items were begun again");

    let mapped = server.mapped("surviving", run, "begin").await;
    assert_eq!(mapped.len() as u64, items);
    for (index, instance) in mapped.iter().enumerate() {
        assert_eq!(instance["map_index"], index, "{instance:#}");
        assert_eq!((&instance["state"], &instance["try_number"]), (&json!("success"), &json!(1)), "{instance:#}");
    }
    for index in (0..items).step_by(97) {
        let path = format!("/dags/surviving/dagRuns/{run}/taskInstances/begin/{index}/tries");
        let tries = server.get(&path).await.expect(200);
        assert_eq!(
            (&tries["total_entries"], &tries["task_instances"][0]["end"]),
            (&json!(1), &json!("success")),
            "{tries:#}"
        );
    }
    let running = server.get("/dags/~/dagRuns/~/taskInstances?state=running").await.expect(200);
    assert_eq!(running["total_entries"], 0, "{running:#}");
}

#[tokio::test]
async fn a_run_survives_a_killed_server() {
    let mut server = Server::with_bundle("flows-guest").await;
    let run = in_the_middle(&server).await;
    server.kill().await;
    server.restart().await;
    assert!(count(&server, &run, "success").await >= 100, "what was done is lost");
    assert_survived(&server, &run, 1).await;
}

#[tokio::test]
async fn a_run_survives_three_killed_servers() {
    let mut server = Server::with_bundle("flows-guest").await;
    let run = in_the_middle(&server).await;
    for done in [400, 800, 1_200] {
        let reached = async || (count(&server, &run, "success").await >= done).then_some(());
        eventually("more items are done", reached).await;
        server.kill().await;
        server.restart().await;
    }
    assert_survived(&server, &run, 3).await;
}

#[tokio::test]
async fn a_run_survives_a_killed_runner() {
    let server = Server::with_bundle("flows-guest").await;
    let run = in_the_middle(&server).await;
    let runners = children_of(server.pid());
    assert!(!runners.is_empty(), "no runner runs");
    for runner in runners {
        kill(runner, Signal::SIGKILL).expect("the runner runs");
    }
    assert_survived(&server, &run, 1).await;
}

#[tokio::test]
async fn a_server_that_is_asked_to_end_hands_back_what_it_holds() {
    let mut server = Server::with_bundle("flows-guest").await;
    let run = in_the_middle(&server).await;
    let runners = children_of(server.pid());
    let status = server.terminate().await;
    assert!(status.success(), "{status}");
    for runner in runners {
        eventually("the runners end with their server", async || (!is_alive(runner)).then_some(())).await;
    }
    server.restart().await;
    assert_survived(&server, &run, 1).await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let mut server = Server::with_bundle("flows-guest").await;
    let mut runs = Vec::new();
    for start in 0..20 {
        runs.push(server.trigger_id("chain", json!({ "start": start })).await);
    }
    server.kill().await;
    server.restart().await;
    for run in &runs {
        assert_eq!(server.finished("chain", run).await["state"], "success");
    }
    assert_eq!(server.get("/dags/chain/dagRuns?limit=1").await.expect(200)["total_entries"], 20);
}

#[tokio::test]
async fn state_survives_a_kill_in_the_middle_of_an_attempt() {
    let mut server = Server::with_bundle("flows-guest").await;
    let run = server.trigger_id("surviving", json!({ "n": 1, "pause_ms": 3_000 })).await;
    let log = format!("/dags/surviving/dagRuns/{run}/taskInstances/begin/logs/1?map_index=0");
    let has_begun = async || server.get(&log).await.text.contains("begun 1 times").then_some(());
    eventually("the item has written its state", has_begun).await;
    server.kill().await;
    server.restart().await;
    let ended = server.finished("surviving", &run).await;
    assert_eq!(
        (&ended["state"], &ended["results"]["survey"]["begun_again"]),
        (&json!("success"), &json!(1)),
        "{ended:#}"
    );
    assert_eq!(server.mapped("surviving", &run, "begin").await[0]["try_number"], 1);
}
