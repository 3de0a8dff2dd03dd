//! Several processes on one PostgreSQL and one folder of objects: each takes requests, and each hears of results.

use std::path::Path;

use serde_json::json;
use tempfile::TempDir;
use testkit_postgres::{Database, Durability, Server as Postgres};

use crate::harness::Server;

/// What each worker holds at a time.
const SLOTS: &str = "64";

/// What the processes of a cluster share.
struct Shared {
    _postgres: Postgres,
    database: Database,
    objects: TempDir,
}

impl Shared {
    fn new() -> Self {
        let postgres = Postgres::start(Durability::Full);
        let database = postgres.database();
        Self { _postgres: postgres, database, objects: tempfile::tempdir().expect("a temporary folder") }
    }

    async fn process(&self, roles: &str) -> Server {
        let (database, objects) = (self.database.url(), url(self.objects.path()));
        Server::start_with(&[
            "--database",
            &database,
            "--objects",
            &objects,
            "--role",
            roles,
            "--slots",
            SLOTS,
            "--grace-s",
            "5",
        ])
        .await
    }
}

fn url(folder: &Path) -> String {
    format!("file://{}", folder.display())
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
