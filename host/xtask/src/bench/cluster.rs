//! What is measured on PostgreSQL: one process on it, and several that share it.

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit_postgres::{Database, Durability, Server as Postgres};

use crate::bench::figures::{Floor, Report};
use crate::bench::http::Connection;
use crate::bench::scenario::{Bench, Floors, Scenario, Speed, thousand_dags};
use crate::bench::server::{Folder, Server, deploy};
use crate::stopwatch::Stopwatch;

pub(crate) const SCENARIOS: &[(&str, Scenario)] =
    &[("speed", speed), ("idle-cluster", idle_cluster), ("takeover", takeover)];

const FLOORS: Floors = Floors {
    one_p50_ms: Some(4.0),
    one_p95_ms: None,
    chain_p50_ms: None,
    mapped_per_s: Some(4_000.0),
    chains_per_s: None,
};
const TAKEOVER_MAX_S: f64 = 30.0;
const IDLE: Duration = Duration::from_secs(30);

/// A PostgreSQL with fsync on, and what processes on it share.
struct Shared {
    postgres: Postgres,
    database: Database,
    objects: tempfile::TempDir,
}

/// A process and the folder that is its own.
struct Process {
    server: Server,
    _folder: Folder,
}

impl Shared {
    fn new() -> Result<Self> {
        let postgres = Postgres::start(Durability::Full);
        let database = postgres.database();
        Ok(Self { postgres, database, objects: tempfile::tempdir()? })
    }

    fn process(&self, bench: &Bench, role: &str) -> Result<Process> {
        let (database, objects) = (self.database.url(), format!("file://{}", self.objects.path().display()));
        let folder = Folder::new()?;
        let arguments = ["--database", &database, "--objects", &objects, "--role", role];
        let server = Server::start_with(&bench.binary, &folder, &arguments)?;
        Ok(Process { server, _folder: folder })
    }
}

/// The rows of the spine, with one process that does everything.
fn speed(bench: &Bench, report: &mut Report) -> Result<()> {
    let shared = Shared::new()?;
    let process = shared.process(bench, "api,scheduler,worker")?;
    deploy(&mut process.server.connect()?, "bench", &bench.bench_guest)?;
    owned(&process.server)?;
    Speed::measure(&process.server)?.report("PostgreSQL", Some(&FLOORS), report);
    Ok(())
}

/// Waits until the process decides about runs itself: the first runs after a start may be decided by nobody yet.
fn owned(server: &Server) -> Result<()> {
    for _ in 0..100 {
        let metrics = server.connect()?.get("/metrics")?;
        let is_owner = |line: &str| line.strip_prefix("waft_scheduler_shards_owned ").is_some_and(|count| count != "0");
        if String::from_utf8_lossy(&metrics).lines().any(is_owner) {
            return Ok(());
        }
        thread::park_timeout(Duration::from_millis(100));
    }
    anyhow::bail!("the process owns no shard after 10 s")
}

/// Three processes that have nothing to do but a thousand DAGs: what they ask the database.
fn idle_cluster(bench: &Bench, report: &mut Report) -> Result<()> {
    let shared = Shared::new()?;
    let first = shared.process(bench, "api,scheduler")?;
    deploy(&mut first.server.connect()?, "thousand", &thousand_dags(&bench.document)?)?;
    let _second = shared.process(bench, "api,scheduler,worker")?;
    let _third = shared.process(bench, "worker")?;
    shared.postgres.log_statements();
    // What starting costs is no idling.
    thread::park_timeout(Duration::from_secs(15));
    let before = statements(&shared.postgres.log())?;
    let watch = Stopwatch::start();
    thread::park_timeout(IDLE);
    let asked = statements(&shared.postgres.log())? - before;
    let per_s = asked as f64 / watch.elapsed().as_secs_f64();
    report.add("idle cluster of three processes, 1,000 DAGs: statements", Floor::AtMost(10.0), per_s, "/s");
    Ok(())
}

/// Statements in the server's log, `BEGIN`, `COMMIT` and `ROLLBACK` left out.
fn statements(log: &Path) -> Result<usize> {
    let text = std::fs::read_to_string(log).with_context(|| format!("reading {}", log.display()))?;
    let statement = |line: &str| {
        let text = line.split_once("statement: ").or_else(|| line.split_once("execute ")?.1.split_once(": "))?.1;
        let text = text.trim_start();
        Some(!["BEGIN", "COMMIT", "ROLLBACK"].iter().any(|word| text.starts_with(word)))
    };
    Ok(text.lines().filter_map(statement).filter(|counts| *counts).count())
}

/// How long until a dead worker's instances, and a dead scheduler's runs, go on elsewhere.
fn takeover(bench: &Bench, report: &mut Report) -> Result<()> {
    let shared = Shared::new()?;
    let api = shared.process(bench, "api")?;
    deploy(&mut api.server.connect()?, "flows", &bench.flows)?;
    let _scheduler = shared.process(bench, "scheduler")?;
    let dying = shared.process(bench, "worker")?;
    let took = end_after_death(&api.server, dying, shared.process(bench, "worker")?)?;
    report.add(
        "dead worker: until its instances have run elsewhere",
        Floor::AtMost(TAKEOVER_MAX_S),
        took.as_secs_f64(),
        "s",
    );

    let shared = Shared::new()?;
    let api = shared.process(bench, "api")?;
    deploy(&mut api.server.connect()?, "flows", &bench.flows)?;
    let _worker = shared.process(bench, "worker")?;
    let dying = shared.process(bench, "scheduler")?;
    let took = end_after_death(&api.server, dying, shared.process(bench, "scheduler")?)?;
    report.add(
        "dead scheduler: until its run has ended elsewhere",
        Floor::AtMost(TAKEOVER_MAX_S),
        took.as_secs_f64(),
        "s",
    );
    Ok(())
}

/// Kills a process in the middle of a run that takes some seconds, and measures until the run has ended on another one.
fn end_after_death(api: &Server, dying: Process, _other: Process) -> Result<Duration> {
    let mut connection = api.connect()?;
    let body = json!({ "logical_date": null, "conf": { "n": 64, "pause_ms": 2_000 } });
    let run = post(&mut connection, "/api/v2/dags/surviving/dagRuns", &body)?;
    let id = run["dag_run_id"].as_str().context("a run")?.to_owned();
    let running = format!("/api/v2/dags/surviving/dagRuns/{id}/taskInstances?state=running&limit=1");
    for _ in 0..600 {
        if get(&mut connection, &running)?["total_entries"].as_u64() > Some(0) {
            break;
        }
        thread::park_timeout(Duration::from_millis(50));
    }
    drop(dying);
    let watch = Stopwatch::start();
    let wait = format!("/api/v2/dags/surviving/dagRuns/{id}/wait?until=finished&timeout=120");
    let ended = get(&mut connection, &wait)?;
    ensure!(ended["state"] == "success", "the run ended as {}", ended["state"]);
    Ok(watch.elapsed())
}

fn get(connection: &mut Connection, path: &str) -> Result<Value> {
    Ok(serde_json::from_slice(&connection.get(path)?)?)
}

fn post(connection: &mut Connection, path: &str, body: &Value) -> Result<Value> {
    let headers = "content-type: application/json\r\n";
    connection.post(path, headers, body.to_string().as_bytes())
}
