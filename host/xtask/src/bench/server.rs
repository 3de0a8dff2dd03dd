//! A server to measure.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bench::http::{Connection, Endpoint};
use crate::stopwatch::Stopwatch;

/// The folder of a server; it outlives the servers that run on it.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }
}

/// A running server; it ends with this value.
pub(crate) struct Server {
    child: Child,
    pub(crate) endpoint: Endpoint,
    /// Runs from the moment in which the process was started.
    pub(crate) started: Stopwatch,
    /// Tells how the database stands.
    status: Command,
}

impl Server {
    pub(crate) fn start(binary: &Path, folder: &Folder) -> Result<Self> {
        Self::start_with(binary, folder, &[])
    }

    /// With more arguments for `waft serve`.
    pub(crate) fn start_with(binary: &Path, folder: &Folder, arguments: &[&str]) -> Result<Self> {
        let data = folder.0.path().join("data");
        let log = std::fs::File::create(folder.0.path().join("server.log"))?;
        let started = Stopwatch::start();
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).args(arguments);
        command.current_dir(folder.0.path());
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().context("starting waft")?;
        let (tell, told) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().context("a pipe")?);
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(std::result::Result::ok) {
                if let Some(address) = address_in(&line) {
                    // Nobody listens any more once the first address is known.
                    let _ = tell.send(address);
                }
            }
        });
        let address = told.recv_timeout(Duration::from_secs(30)).context("the server told no address")?;
        let token = std::fs::read_to_string(data.join("admin.token")).context("reading admin.token")?;
        let endpoint = Endpoint { address: address.parse()?, token: token.trim().to_owned() };
        let mut status = Command::new(binary);
        status.args(["db", "status", "--output", "json", "--data"]).arg(&data);
        if let Some(at) = arguments.iter().position(|argument| *argument == "--database") {
            status.args(arguments.iter().skip(at).take(2));
        }
        Ok(Self { child, endpoint, started, status })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Bytes of the database, as it tells them itself.
    pub(crate) fn database_bytes(&mut self) -> Result<f64> {
        let output = self.status.output().context("asking for the database")?;
        let status: Value = serde_json::from_slice(&output.stdout).context("reading how the database stands")?;
        status["size_bytes"].as_f64().context("the database tells its size")
    }

    pub(crate) fn connect(&self) -> Result<Connection> {
        Connection::open(&self.endpoint)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What cannot be killed has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Uploads a component as a bundle.
pub(crate) fn deploy(connection: &mut Connection, bundle: &str, component: &[u8]) -> Result<Value> {
    connection.post(&format!("/api/v2/bundles/{bundle}"), "content-type: application/wasm\r\n", component)
}

/// Triggers a run and waits for its result, which must come.
pub(crate) fn run(connection: &mut Connection, dag: &str, conf: &Value) -> Result<Value> {
    let body = json!({ "logical_date": null, "conf": conf }).to_string();
    let headers = "content-type: application/json\r\nprefer: wait=300\r\n";
    let run = connection.post(&format!("/api/v2/dags/{dag}/dagRuns"), headers, body.as_bytes())?;
    anyhow::ensure!(run["result"] == "available", "a run of {dag} went wrong: {run}");
    Ok(run)
}

fn address_in(line: &str) -> Option<String> {
    let rest = line.split_once("http://")?.1;
    Some(rest.split(|c: char| c.is_whitespace() || c == '/').next()?.to_owned())
}
