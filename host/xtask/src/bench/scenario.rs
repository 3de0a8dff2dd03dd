//! What is measured: one function for each group of rows, in the order of the table.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::bench::figures::{Figures, Floor, Report, milliseconds};
use crate::bench::http::Connection;
use crate::bench::server::{Folder, Server, deploy, run};
use crate::bench::usage::{Peak, processor_time, resident_mib};
use crate::stopwatch::Stopwatch;

/// What the scenarios need.
pub(crate) struct Bench {
    pub(crate) binary: PathBuf,
    pub(crate) bench_guest: Vec<u8>,
    pub(crate) bench_guest_path: PathBuf,
    pub(crate) word_count: Vec<u8>,
    /// A component that tells the documents that stand in its own bytes.
    pub(crate) document: Vec<u8>,
    /// Runs of many items that take their time.
    pub(crate) flows: Vec<u8>,
    /// Finished runs for the rows with history.
    pub(crate) history: u32,
}

pub(crate) type Scenario = fn(&Bench, &mut Report) -> Result<()>;

pub(crate) const SCENARIOS: &[(&str, Scenario)] = &[
    ("sandbox", sandbox),
    ("start", start),
    ("deploy", deploy_time),
    ("connections", connections),
    ("mapped-100k", mapped_100k),
    ("history", history),
    ("idle", idle),
];

const MAPPED: u32 = 10_000;
const MAPPED_MANY: u32 = 100_000;
const CHAINS: usize = 200;

impl Bench {
    /// A fresh server with the bundle of the bench.
    fn server(&self) -> Result<(Folder, Server)> {
        let folder = Folder::new()?;
        let server = Server::start(&self.binary, &folder)?;
        deploy(&mut server.connect()?, "bench", &self.bench_guest)?;
        Ok((folder, server))
    }
}

/// Instantiation, call and drop of one sandbox, in a runner process.
fn sandbox(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut command = Command::new(&bench.binary);
    command.arg("bench-sandbox").arg(&bench.bench_guest_path).args(["noop", "20000"]);
    let output = command.output().context("starting waft bench-sandbox")?;
    ensure!(output.status.success(), "waft bench-sandbox: {}", String::from_utf8_lossy(&output.stderr));
    let figures: Value = serde_json::from_slice(&output.stdout).context("the answer of waft bench-sandbox")?;
    let mean_ns = figures["mean_ns"].as_f64().context("no mean_ns")?;
    report.add("fresh sandbox: instantiate + call + drop, in a runner", Floor::AtMost(25.0), mean_ns / 1e3, "µs");
    Ok(())
}

/// From the start of the process to the first trigger that is accepted, on a folder that is in use.
fn start(bench: &Bench, report: &mut Report) -> Result<()> {
    let (folder, server) = bench.server()?;
    drop(server);
    let mut times = Vec::new();
    for _ in 0..5 {
        let server = Server::start(&bench.binary, &folder)?;
        let body = json!({ "logical_date": null, "conf": {} }).to_string();
        let headers = "content-type: application/json\r\n";
        server.connect()?.post("/api/v2/dags/noop_one/dagRuns", headers, body.as_bytes())?;
        times.push(server.started.elapsed());
    }
    report.add("start to first accepted trigger, p50 of 5", Floor::AtMost(200.0), Figures::of(times).p50_ms(), "ms");
    Ok(())
}

/// Upload of the example to its version being current, each time on a fresh server.
fn deploy_time(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..5 {
        let folder = Folder::new()?;
        let server = Server::start(&bench.binary, &folder)?;
        let mut connection = server.connect()?;
        let watch = Stopwatch::start();
        deploy(&mut connection, "word-count", &bench.word_count)?;
        times.push(watch.elapsed());
    }
    report.add("deploy of the Rust example, p50 of 5", Floor::AtMost(300.0), Figures::of(times).p50_ms(), "ms");
    Ok(())
}

/// The same latency on one connection that is kept and on a new one each time.
fn connections(bench: &Bench, report: &mut Report) -> Result<()> {
    let (_folder, server) = bench.server()?;
    let kept = one_after_another(&server, "noop_one", 500)?;
    let mut times = Vec::new();
    for _ in 0..500 {
        let watch = Stopwatch::start();
        run(&mut server.connect()?, "noop_one", &json!({}))?;
        times.push(watch.elapsed());
    }
    let fresh = Figures::of(times);
    report.add("one task, kept-alive connection, p50", Floor::None, kept.p50_ms(), "ms");
    report.add("one task, new connections, p50", Floor::None, fresh.p50_ms(), "ms");
    let difference = (fresh.p50_ms() - kept.p50_ms()).abs();
    report.add("difference of kept-alive and new connections, p50", Floor::AtMost(0.5), difference, "ms");
    Ok(())
}

/// Ten times the instances in eleven times the time, within memory.
fn mapped_100k(bench: &Bench, report: &mut Report) -> Result<()> {
    let (_folder, mut server) = bench.server()?;
    let mut connection = server.connect()?;
    mapped(&mut connection, 1_000)?;
    let before = server.database_bytes()?;
    let few = mapped(&mut connection, MAPPED)?;
    let peak = Peak::watch(server.pid());
    let many = mapped(&mut connection, MAPPED_MANY)?;
    report.add(format!("1 → {MAPPED_MANY} mapped → reduce"), Floor::None, many.as_secs_f64(), "s");
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    report.add(format!("time of {MAPPED_MANY} over time of {MAPPED}"), Floor::AtMost(11.0), ratio, "×");
    let bytes = (server.database_bytes()? - before) / f64::from(MAPPED + MAPPED_MANY);
    report.add("database for a mapped instance", Floor::None, bytes, "B");
    report.add("memory of server and runners meanwhile", Floor::AtMost(400.0), peak.mib(), "MiB");
    Ok(())
}

/// The rows of latency and throughput, on an empty database and on one with many finished runs.
fn history(bench: &Bench, report: &mut Report) -> Result<()> {
    let (_folder, mut server) = bench.server()?;
    let empty = Speed::measure(&server)?;
    empty.report("empty database", Some(&Speed::FLOORS), report);

    let (before, watch) = (server.database_bytes()?, Stopwatch::start());
    fill(&server, bench.history)?;
    report.add(format!("{} runs to fill the database", bench.history), Floor::None, watch.elapsed().as_secs_f64(), "s");
    let bytes = (server.database_bytes()? - before) / f64::from(bench.history);
    report.add("database for a run of one task", Floor::None, bytes, "B");

    let full = Speed::measure(&server)?;
    let title = format!("{} finished runs", bench.history);
    full.report(&title, None, report);
    for (what, ratio) in full.over(&empty) {
        report.add(format!("{what}: time with {title} over empty"), Floor::AtMost(1.2), ratio, "×");
    }
    Ok(())
}

/// A server that has nothing to do but a thousand DAGs.
fn idle(bench: &Bench, report: &mut Report) -> Result<()> {
    let folder = Folder::new()?;
    let server = Server::start(&bench.binary, &folder)?;
    deploy(&mut server.connect()?, "thousand", &thousand_dags(&bench.document)?)?;
    drop(server);
    let server = Server::start(&bench.binary, &folder)?;
    // What starting costs is no idling.
    thread::park_timeout(Duration::from_secs(3));
    let (before, watch) = (processor_time(server.pid()), Stopwatch::start());
    thread::park_timeout(Duration::from_secs(30));
    let used = processor_time(server.pid()).saturating_sub(before);
    let percent = used.as_secs_f64() / watch.elapsed().as_secs_f64() * 100.0;
    report.add("idle with 1,000 DAGs: memory", Floor::AtMost(80.0), resident_mib(server.pid()), "MiB");
    report.add("idle with 1,000 DAGs: processor", Floor::AtMost(0.2), percent, "%");
    Ok(())
}

/// The rows that must not slow down as runs pile up.
pub(crate) struct Speed {
    one: Figures,
    chain: Figures,
    mapped: Duration,
    chains_at_once: Duration,
}

pub(crate) struct Floors {
    pub(crate) one_p50_ms: Option<f64>,
    pub(crate) one_p95_ms: Option<f64>,
    pub(crate) chain_p50_ms: Option<f64>,
    pub(crate) mapped_per_s: Option<f64>,
    pub(crate) chains_per_s: Option<f64>,
}

impl Speed {
    const FLOORS: Floors = Floors {
        one_p50_ms: Some(2.0),
        one_p95_ms: Some(5.0),
        chain_p50_ms: Some(4.0),
        mapped_per_s: Some(8_000.0),
        chains_per_s: Some(1_000.0),
    };

    pub(crate) fn measure(server: &Server) -> Result<Self> {
        let one = one_after_another(server, "noop_one", 1_000)?;
        let chain = one_after_another(server, "noop_chain", 500)?;
        let mut connection = server.connect()?;
        mapped(&mut connection, 1_000)?;
        let mapped = median_of(5, || mapped(&mut connection, MAPPED))?;
        let chains_at_once = median_of(9, || at_once(server, "noop_chain", CHAINS))?;
        Ok(Self { one, chain, mapped, chains_at_once })
    }

    pub(crate) fn report(&self, title: &str, floors: Option<&Floors>, report: &mut Report) {
        let at_most = |floor: fn(&Floors) -> Option<f64>| floors.and_then(floor).map_or(Floor::None, Floor::AtMost);
        let at_least = |floor: fn(&Floors) -> Option<f64>| floors.and_then(floor).map_or(Floor::None, Floor::AtLeast);
        let mut add = |what: &str, floor, measured, unit| report.add(format!("{what}, {title}"), floor, measured, unit);
        add("one task, p50", at_most(|floors| floors.one_p50_ms), self.one.p50_ms(), "ms");
        add("one task, p95", at_most(|floors| floors.one_p95_ms), self.one.p95_ms(), "ms");
        add("chain of 3, p50", at_most(|floors| floors.chain_p50_ms), self.chain.p50_ms(), "ms");
        add("chain of 3, p95", Floor::None, self.chain.p95_ms(), "ms");
        let per_s = f64::from(MAPPED + 2) / self.mapped.as_secs_f64();
        add(&format!("1 → {MAPPED} mapped → reduce"), at_least(|floors| floors.mapped_per_s), per_s, "/s");
        let per_s = CHAINS as f64 / self.chains_at_once.as_secs_f64();
        add(&format!("{CHAINS} chains of 3 at once, runs"), at_least(|floors| floors.chains_per_s), per_s, "/s");
    }

    /// How many times as long each row took as in another measurement.
    fn over(&self, other: &Self) -> [(String, f64); 4] {
        let ratio = |ours: Duration, theirs: Duration| milliseconds(ours) / milliseconds(theirs);
        [
            ("one task".to_owned(), ratio(self.one.percentile(50), other.one.percentile(50))),
            ("chain of 3".to_owned(), ratio(self.chain.percentile(50), other.chain.percentile(50))),
            (format!("1 → {MAPPED} mapped → reduce"), ratio(self.mapped, other.mapped)),
            (format!("{CHAINS} chains of 3 at once"), ratio(self.chains_at_once, other.chains_at_once)),
        ]
    }
}

/// Runs of one DAG, each triggered when the one before it has answered, on one connection.
fn one_after_another(server: &Server, dag: &str, times: usize) -> Result<Figures> {
    let mut connection = server.connect()?;
    for _ in 0..50 {
        run(&mut connection, dag, &json!({}))?;
    }
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let watch = Stopwatch::start();
        run(&mut connection, dag, &json!({}))?;
        took.push(watch.elapsed());
    }
    Ok(Figures::of(took))
}

/// From the trigger to the result of a mapped run.
fn mapped(connection: &mut Connection, n: u32) -> Result<Duration> {
    let watch = Stopwatch::start();
    let run = run(connection, "noop_map", &json!({ "n": n }))?;
    let took = watch.elapsed();
    ensure!(run["results"]["count"] == n, "the run of {n} items counted {}", run["results"]);
    Ok(took)
}

/// From the first trigger to the last result of runs that are triggered at the same time, each on its own connection.
fn at_once(server: &Server, dag: &str, runs: usize) -> Result<Duration> {
    let connections = (0..runs).map(|_| server.connect()).collect::<Result<Vec<_>>>()?;
    let gate = Barrier::new(runs + 1);
    thread::scope(|scope| {
        let start = |mut connection: Connection| {
            let gate = &gate;
            scope.spawn(move || {
                gate.wait();
                run(&mut connection, dag, &json!({}))
            })
        };
        let running: Vec<_> = connections.into_iter().map(start).collect();
        gate.wait();
        let watch = Stopwatch::start();
        for run in running {
            run.join().expect("a client does not panic")?;
        }
        Ok(watch.elapsed())
    })
}

/// Runs a DAG of one task so many times, on several connections.
fn fill(server: &Server, runs: u32) -> Result<()> {
    const CLIENTS: u32 = 64;
    thread::scope(|scope| {
        let clients = (0..CLIENTS).map(|client| {
            scope.spawn(move || -> Result<()> {
                let mut connection = server.connect()?;
                for _ in (client..runs).step_by(CLIENTS as usize) {
                    run(&mut connection, "noop_one", &json!({}))?;
                }
                Ok(())
            })
        });
        let clients: Vec<_> = clients.collect();
        clients.into_iter().try_for_each(|client| client.join().expect("a client does not panic"))
    })
}

fn median_of(times: usize, mut measure: impl FnMut() -> Result<Duration>) -> Result<Duration> {
    let took = (0..times).map(|_| measure()).collect::<Result<Vec<_>>>()?;
    Ok(Figures::of(took).percentile(50))
}

/// The component that tells a thousand DAGs of three tasks.
pub(crate) fn thousand_dags(document: &[u8]) -> Result<Vec<u8>> {
    let task = |id: &str| json!({ "task_id": id, "kind": "empty" });
    let edges = json!([{ "from": "a", "to": "b" }, { "from": "b", "to": "c" }]);
    let dags = (0..1_000).map(|number| {
        let dag_id = format!("thousand_{number}");
        json!({ "schema": "waft.dag/v1", "dag_id": dag_id, "tasks": [task("a"), task("b"), task("c")], "edges": edges })
    });
    with_documents(document, &Value::Array(dags.collect()))
}

/// Writes documents over the place in the component that is kept for them.
fn with_documents(component: &[u8], documents: &Value) -> Result<Vec<u8>> {
    const MARK: &[u8] = b"\"documents stand here\"";
    let start = component.windows(MARK.len()).position(|window| window == MARK).context("no place for documents")?;
    let room = component[start + MARK.len()..].iter().take_while(|byte| **byte == b' ').count() + MARK.len();
    let text = documents.to_string();
    ensure!(text.len() <= room, "{} bytes of documents, and room for {room}", text.len());
    let mut component = component.to_vec();
    component[start..start + room].fill(b' ');
    component[start..start + text.len()].copy_from_slice(text.as_bytes());
    Ok(component)
}
