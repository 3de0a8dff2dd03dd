//! `waft serve` on a folder of its own, which outlives kills and restarts.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use futures::future::join_all;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{Reply, children_of, component, eventually, is_alive, waft};

/// A server and the folder that it keeps everything in. Both end with this value.
pub(crate) struct Server {
    folder: TempDir,
    arguments: Vec<String>,
    process: Option<Process>,
    http: reqwest::Client,
    token: String,
}

struct Process {
    child: Child,
    /// `http://127.0.0.1:PORT`
    origin: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server on what a backup holds.
    pub(crate) async fn restored(backup: &Path) -> Self {
        let mut server = Self::new(&[]);
        let output = server.command().arg("restore").arg(backup).arg("--data").arg(server.data()).output();
        let output = output.expect("waft starts");
        assert!(output.status.success(), "{output:?}");
        server.restart().await;
        server
    }

    /// With more arguments for `waft serve`.
    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        let mut server = Self::new(arguments);
        server.restart().await;
        server
    }

    fn new(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(100)).build().expect("an HTTP client");
        Self { folder, arguments, process: None, http, token: String::new() }
    }

    /// A server with the bundle of a package on it.
    pub(crate) async fn with_bundle(package: &str) -> Self {
        let server = Self::start().await;
        server.deploy(package).await;
        server
    }

    /// Starts again on the same folder; the old process must have ended.
    pub(crate) async fn restart(&mut self) {
        assert!(self.process.is_none(), "the server still runs");
        let mut command = self.command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(self.data()).args(&self.arguments);
        command.stdout(Stdio::piped()).stderr(self.log());
        let mut child = command.spawn().expect("waft starts");

        let (tell, told) = oneshot::channel();
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        // Reads on after the address, so that the server never waits for a reader.
        std::thread::spawn(move || {
            let mut tell = Some(tell);
            for line in stdout.lines().map_while(Result::ok) {
                if let (Some(origin), true) = (origin_in(&line), tell.is_some()) {
                    let _ = tell.take().map(|tell| tell.send(origin));
                }
            }
        });
        let told = tokio::time::timeout(Duration::from_secs(30), told).await;
        let Ok(Ok(origin)) = told else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the server told no address: {}", self.log_text());
        };
        self.process = Some(Process { child, origin });
        let token = std::fs::read_to_string(self.data().join("admin.token")).expect("the server wrote its token");
        self.token = token.trim().to_owned();
    }

    /// Ends the server without any chance to do anything (kill -9), and waits until its children have gone too.
    pub(crate) async fn kill(&mut self) {
        let children = children_of(self.pid());
        let mut process = self.process.take().expect("the server runs");
        process.child.kill().expect("the server can be killed");
        process.child.wait().expect("the server ends");
        for child in children {
            eventually("the children of a killed server end", async || (!is_alive(child)).then_some(())).await;
        }
    }

    /// Asks the server to end (SIGTERM) and waits for it.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        kill(self.pid(), Signal::SIGTERM).expect("the server runs");
        self.ended().await
    }

    /// Waits until the server ends by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("the server runs");
        eventually("the server ends", async || process.child.try_wait().expect("a child")).await
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.process.as_ref().expect("the server runs").child.id().cast_signed())
    }

    /// The folder that holds everything.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn origin(&self) -> &str {
        &self.process.as_ref().expect("the server runs").origin
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// A request without credentials; `path` is below `/api/v2`.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/api/v2{path}", self.origin()))
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.token)
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Reply {
        let (client, request) = request.build_split();
        let request = request.expect("a legal request");
        let asked = format!("{} {}", request.method(), request.url());
        match client.execute(request).await {
            Ok(response) => Reply::read(asked, response).await,
            Err(error) => panic!("{asked}: {error:?}"),
        }
    }

    /// What the server tells a collector of metrics.
    pub(crate) async fn metrics(&self) -> String {
        self.send(self.http.get(format!("{}/metrics", self.origin()))).await.text
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// Uploads bytes as a bundle.
    pub(crate) async fn upload(&self, bundle: &str, bytes: impl Into<reqwest::Body>) -> Reply {
        let request = self.request(Method::POST, &format!("/bundles/{bundle}"));
        self.send(request.header("content-type", "application/wasm").body(bytes)).await
    }

    /// Uploads the component of a package, which must be taken.
    pub(crate) async fn deploy(&self, package: &str) -> Value {
        self.upload(package, component(package)).await.expect(200)
    }

    /// Triggers a run and does not wait.
    pub(crate) async fn trigger(&self, dag: &str, conf: Value) -> Value {
        let body = json!({ "logical_date": null, "conf": conf });
        self.post(&format!("/dags/{dag}/dagRuns"), body).await.expect(200)
    }

    /// The id of a run that was just triggered.
    pub(crate) async fn trigger_id(&self, dag: &str, conf: Value) -> String {
        text(&self.trigger(dag, conf).await, "dag_run_id")
    }

    /// Triggers a run and waits until its result is there or cannot come.
    pub(crate) async fn run(&self, dag: &str, conf: Value) -> Value {
        let body = json!({ "logical_date": null, "conf": conf });
        let request =
            self.request(Method::POST, &format!("/dags/{dag}/dagRuns")).header("prefer", "wait=90").json(&body);
        self.send(request).await.expect(200)
    }

    /// Waits until a run has ended.
    pub(crate) async fn finished(&self, dag: &str, run: &str) -> Value {
        self.get(&format!("/dags/{dag}/dagRuns/{run}/wait?until=finished&timeout=90")).await.expect(200)
    }

    /// A task instance that is not mapped.
    pub(crate) async fn instance(&self, dag: &str, run: &str, task: &str) -> Value {
        self.get(&format!("/dags/{dag}/dagRuns/{run}/taskInstances/{task}")).await.expect(200)
    }

    /// Every instance of a mapped task, page by page.
    pub(crate) async fn mapped(&self, dag: &str, run: &str, task: &str) -> Vec<Value> {
        const PAGE: usize = 100;
        let path = format!("/dags/{dag}/dagRuns/{run}/taskInstances/{task}/listMapped?order_by=map_index&limit={PAGE}");
        let first = self.get(&path).await.expect(200);
        let total = usize::try_from(first["total_entries"].as_u64().expect("a total")).expect("a small total");
        let rest = (PAGE..total).step_by(PAGE).map(|offset| self.get_owned(format!("{path}&offset={offset}")));
        let rest = join_all(rest).await;
        let pages = [first].into_iter().chain(rest.iter().map(|reply| reply.expect(200)));
        pages.flat_map(|page| page["task_instances"].as_array().expect("instances").clone()).collect()
    }

    /// Runs the command line against this server.
    pub(crate) fn waft(&self, arguments: &[&str]) -> Output {
        let mut command = self.command();
        command.env("WAFT_SERVER", self.origin()).env("WAFT_TOKEN", &self.token);
        command.args(arguments).output().expect("waft starts")
    }

    /// What the servers on this folder have logged.
    pub(crate) fn log_text(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    async fn get_owned(&self, path: String) -> Reply {
        self.get(&path).await
    }

    fn command(&self) -> Command {
        let mut command = waft();
        command.current_dir(self.folder.path());
        command
    }

    fn log(&self) -> File {
        let mut options = OpenOptions::new();
        options
            .create(true)
            .append(true)
            .open(self.folder.path().join("server.log"))
            .expect("the folder can be written")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let children = children_of(Pid::from_raw(process.child.id().cast_signed()));
            let _ = process.child.kill();
            let _ = process.child.wait();
            for child in children {
                let _ = kill(child, Signal::SIGKILL);
            }
        }
        if std::thread::panicking() {
            let log = self.log_text();
            let from = log.char_indices().rev().nth(8_000).map_or(0, |(at, _)| at);
            eprintln!("--- the server's log ends with\n{}", &log[from..]);
        }
    }
}

/// The id of a run that was waited for.
#[track_caller]
pub(crate) fn run_id(waited: &Value) -> String {
    text(&waited["dag_run"], "dag_run_id")
}

/// A member of an object that must be text.
#[track_caller]
pub(crate) fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no text {key:?} in {value:#}")).to_owned()
}

fn origin_in(line: &str) -> Option<String> {
    let start = line.find("http://")?;
    let end = line[start..].find(|c: char| c.is_whitespace() || c == '"').map_or(line.len(), |length| start + length);
    Some(line[start..end].trim_end_matches(['/', '.', ',']).to_owned())
}
