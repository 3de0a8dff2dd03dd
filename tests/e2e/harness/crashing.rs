//! A server that dies, stands still or fails where a plan says, and is started again until it lives.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{Reply, children_of, eventually, is_alive, is_stopped, waft};

/// How often somebody looks whether a process stands still, …
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// … and after how many looks it may go on.
const STANDSTILL_LOOKS: u32 = 15;
/// Far above what one answer takes where nothing is wrong.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// A server, and what its next starts are armed with. It ends with this value.
pub(crate) struct CrashingServer {
    folder: TempDir,
    arguments: Vec<String>,
    /// Plans of the next starts, the last one first; later starts have none.
    plans: Vec<String>,
    child: Option<Child>,
    origin: String,
    token: String,
    http: reqwest::Client,
    pub(crate) starts: u32,
}

impl CrashingServer {
    /// A server whose first start has the first plan, and so on. Nothing is started yet.
    pub(crate) fn new(arguments: &[String], plans: &[String]) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            arguments: arguments.to_vec(),
            plans: plans.iter().rev().cloned().collect(),
            child: None,
            origin: String::new(),
            token: String::new(),
            http: reqwest::Client::builder().timeout(ANSWER_MAX).build().expect("an HTTP client"),
            starts: 0,
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What the servers on this folder have logged.
    pub(crate) fn log_text(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// Asks until there is an answer that is neither a refusal for now nor a broken connection, whatever dies meanwhile.
    pub(crate) async fn ask(&mut self, method: Method, path: &str, body: Body<'_>) -> Reply {
        let what = format!("there is an answer to {method} {path}");
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        let answered = tokio::time::timeout(Duration::from_secs(90), async {
            loop {
                pause.tick().await;
                self.revive().await;
                if let Some(reply) = self.try_ask(&method, path, &body).await {
                    return reply;
                }
            }
        });
        match answered.await {
            Ok(reply) => reply,
            Err(_) => panic!("waited in vain until {what}; the log ends with {}", self.log_end()),
        }
    }

    async fn try_ask(&self, method: &Method, path: &str, body: &Body<'_>) -> Option<Reply> {
        let reply = self.send(method, path, body).await?;
        let is_for_now = reply.status.is_server_error() || reply.status == StatusCode::TOO_MANY_REQUESTS;
        (!is_for_now).then_some(reply)
    }

    async fn send(&self, method: &Method, path: &str, body: &Body<'_>) -> Option<Reply> {
        let url = format!("{}/api/v2{path}", self.origin);
        let request = self.http.request(method.clone(), &url).bearer_auth(&self.token);
        let request = match body {
            Body::None => request,
            Body::Json(value) => request.json(value),
            Body::Component(bytes) => request.header("content-type", "application/wasm").body(bytes.to_vec()),
        };
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.ok()?;
        Some(Reply::new(format!("{method} {url}"), status, headers, text))
    }

    /// Lets every write to a file fail from now on, or no more.
    pub(crate) fn disk_is_full(&self, is_full: bool) {
        let pid = self.child.as_ref().expect("the server lives").id();
        let limit = if is_full { "--fsize=0:unlimited" } else { "--fsize=unlimited:unlimited" };
        let limited =
            Command::new("prlimit").args(["--pid", &pid.to_string(), limit]).status().expect("prlimit starts");
        assert!(limited.success(), "{limited}");
    }

    /// Asks once; `None` where the server did not answer.
    pub(crate) async fn ask_once(&self, method: Method, path: &str, body: Body<'_>) -> Option<Reply> {
        self.send(&method, path, &body).await
    }

    /// Starts the server if it does not live.
    async fn revive(&mut self) {
        while !self.lives() {
            self.start().await;
        }
    }

    fn lives(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| child.try_wait().expect("a child").is_none())
    }

    /// Starts the server; it may die before it says where it is.
    async fn start(&mut self) {
        self.starts += 1;
        let program = waft();
        // A write that is too long for a limit fails, as one to a full disk does, instead of killing the process.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program.get_program());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::null()).current_dir(self.folder.path());
        command.env("WAFT_FAILPOINTS", self.plans.pop().unwrap_or_default());
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(self.data()).args(&self.arguments);
        command.stdout(Stdio::piped()).stderr(self.log());
        let mut child = command.spawn().expect("waft starts");
        let pid = Pid::from_raw(child.id().cast_signed());
        // Ends with the process.
        tokio::spawn(async move {
            let mut looks = tokio::time::interval(LOOK_EVERY);
            let mut still = 0;
            while is_alive(pid) {
                looks.tick().await;
                still = if is_stopped(pid) { still + 1 } else { 0 };
                if still == STANDSTILL_LOOKS {
                    let _ = kill(pid, Signal::SIGCONT);
                }
            }
        });

        let (tell, told) = oneshot::channel();
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        // Reads on after the address, so that the server never waits for a reader.
        std::thread::spawn(move || {
            let mut tell = Some(tell);
            for line in stdout.lines().map_while(Result::ok) {
                if let (Some(at), true) = (line.find("http://"), tell.is_some()) {
                    let origin = line[at..].split_whitespace().next().unwrap_or_default().to_owned();
                    let _ = tell.take().map(|tell| tell.send(origin));
                }
            }
        });
        let told = tokio::time::timeout(Duration::from_secs(30), told).await;
        let told = told.unwrap_or_else(|_| panic!("the server told no address: {}", self.log_end()));
        self.child = Some(child);
        if let Ok(origin) = told {
            self.origin = origin.trim_end_matches(['/', '.', ',']).to_owned();
            let token = std::fs::read_to_string(self.data().join("admin.token")).expect("the server wrote its token");
            self.token = token.trim().to_owned();
        } else {
            let child = self.child.as_mut().expect("it was just started");
            child.wait().expect("a server that tells nothing ends");
            assert!(self.starts < 10, "the server does not start: {}", self.log_end());
        }
    }

    /// Asks the server to end (SIGTERM) until it does so well.
    pub(crate) async fn terminate(&mut self) {
        loop {
            self.revive().await;
            let mut child = self.child.take().expect("the server lives");
            let pid = Pid::from_raw(child.id().cast_signed());
            let children = children_of(pid);
            let _ = kill(pid, Signal::SIGTERM);
            let status: ExitStatus = eventually("the server ends", async || child.try_wait().expect("a child")).await;
            for child in children {
                eventually("the children of a server end with it", async || (!is_alive(child)).then_some(())).await;
            }
            if status.success() {
                return;
            }
        }
    }

    fn log_end(&self) -> String {
        let log = self.log_text();
        let from = log.char_indices().rev().nth(6_000).map_or(0, |(at, _)| at);
        log[from..].to_owned()
    }

    fn log(&self) -> File {
        let path = self.folder.path().join("server.log");
        OpenOptions::new().create(true).append(true).open(path).expect("the folder can be written")
    }
}

/// What is sent with a request.
pub(crate) enum Body<'a> {
    None,
    Json(Value),
    Component(&'a [u8]),
}

impl Drop for CrashingServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let children = children_of(Pid::from_raw(child.id().cast_signed()));
            let _ = child.kill();
            let _ = child.wait();
            for child in children {
                let _ = kill(child, Signal::SIGKILL);
            }
        }
        if std::thread::panicking() {
            eprintln!("--- the server's log ends with\n{}", self.log_end());
        }
    }
}
