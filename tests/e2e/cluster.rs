//! Several processes on one PostgreSQL and one folder of objects: whichever of them dies, stops or is cut off from the database, the
//! run ends with the right answer, and nothing succeeds twice.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use serde_json::json;
use tempfile::TempDir;
use testkit_postgres::{Database, Durability, Server as Postgres};

use crate::crash::{assert_all_done, count};
use crate::harness::{Server, eventually};

const ITEMS: u64 = 10_000;
/// Of a run whose processes are stopped.
const STOPPED_ITEMS: u64 = 6_000;
/// What each worker holds at a time.
const SLOTS: u64 = 64;

/// What the processes of a cluster share.
struct Shared {
    postgres: Postgres,
    database: Database,
    objects: TempDir,
}

impl Shared {
    fn new() -> Self {
        let postgres = Postgres::start(Durability::Full);
        let database = postgres.database();
        Self { postgres, database, objects: tempfile::tempdir().expect("a temporary folder") }
    }

    async fn process(&self, roles: &str) -> Server {
        let (database, objects) = (self.database.url(), url(self.objects.path()));
        let slots = SLOTS.to_string();
        Server::start_with(&[
            "--database",
            &database,
            "--objects",
            &objects,
            "--role",
            roles,
            "--slots",
            &slots,
            "--grace-s",
            "5",
        ])
        .await
    }
}

fn url(folder: &Path) -> String {
    format!("file://{}", folder.display())
}

/// Triggers the run of many items and comes back when some are done.
async fn in_the_middle(server: &Server, items: u64, pause_ms: u64) -> String {
    let run = server.trigger_id("surviving", json!({ "n": items, "pause_ms": pause_ms })).await;
    reach(server, &run, 100).await;
    run
}

async fn reach(server: &Server, run: &str, done: u64) {
    eventually("more items are done", async || (count(server, run, "success").await >= done).then_some(())).await;
}

#[tokio::test]
async fn any_process_takes_requests_and_hears_of_results() {
    let shared = Shared::new();
    let first = shared.process("api,scheduler,worker").await;
    first.deploy("flows-guest").await;
    let second = shared.process("api").await;
    let third = shared.process("worker").await;
    for server in [&first, &second] {
        let ended = server.run("chain", json!({ "start": 1 })).await;
        assert_eq!(ended["result"], "available", "{ended:#}");
    }
    let run = second.trigger_id("chain", json!({ "start": 2 })).await;
    assert_eq!(first.finished("chain", &run).await["state"], "success");
    assert_eq!(second.finished("chain", &run).await["state"], "success");
    assert_eq!(third.get("/dags").await.status, 404, "a process without the role api has no API");
    third.get("/monitor/health").await.expect(200);
}

#[tokio::test]
async fn a_run_survives_the_death_of_each_process_in_turn() {
    let shared = Shared::new();
    let mut deciding = shared.process("api,scheduler").await;
    deciding.deploy("flows-guest").await;
    let mut both = shared.process("api,scheduler,worker").await;
    let mut working = shared.process("worker").await;
    let run = in_the_middle(&both, ITEMS, 50).await;

    working.kill().await;
    working.restart().await;
    reach(&both, &run, 1_500).await;
    deciding.kill().await;
    deciding.restart().await;
    reach(&deciding, &run, 3_000).await;
    both.kill().await;
    both.restart().await;
    assert_all_done(&deciding, &run, ITEMS, 3 * 2 * SLOTS).await;
    assert_all_done(&both, &run, ITEMS, 3 * 2 * SLOTS).await;
}

#[tokio::test]
async fn what_a_stopped_process_writes_after_its_lease_is_refused() {
    let shared = Shared::new();
    let mut first = shared.process("api,scheduler,worker").await;
    first.deploy("flows-guest").await;
    let mut second = shared.process("api,scheduler,worker").await;
    // Slow enough to outlast two leases.
    let run = in_the_middle(&second, STOPPED_ITEMS, 1_000).await;
    // One of the two owns the run; each is stopped once.
    stop_until_replaced(&mut first, &second, &run).await;
    stop_until_replaced(&mut second, &first, &run).await;
    assert_all_done(&first, &run, STOPPED_ITEMS, 2 * 2 * SLOTS).await;
    assert_all_done(&second, &run, STOPPED_ITEMS, 2 * 2 * SLOTS).await;
}

/// Stops a process until another one has taken over, lets it go on, and sees it end by itself.
async fn stop_until_replaced(stopped: &mut Server, other: &Server, run: &str) {
    kill(stopped.pid(), Signal::SIGSTOP).expect("it runs");
    let is_alone = async || {
        let metrics = other.metrics().await;
        metrics.lines().any(|line| line == "waft_scheduler_cluster_schedulers 1").then_some(())
    };
    eventually("the stopped process is evicted", is_alone).await;
    let before = count(other, run, "success").await;
    reach(other, run, (before + 50).min(STOPPED_ITEMS)).await;
    kill(stopped.pid(), Signal::SIGCONT).expect("it is there");
    let status = stopped.ended().await;
    assert_eq!(status.code(), Some(7), "it says that it cannot go on");
    stopped.restart().await;
}

#[tokio::test]
async fn a_run_survives_a_restart_of_the_database() {
    let mut shared = Shared::new();
    let first = shared.process("api,scheduler").await;
    first.deploy("flows-guest").await;
    let second = shared.process("api,scheduler,worker").await;
    let _third = shared.process("worker").await;
    let run = in_the_middle(&first, ITEMS, 50).await;
    shared.postgres.kill();
    shared.postgres.start_again();
    assert_all_done(&second, &run, ITEMS, 3 * 2 * SLOTS).await;
}
