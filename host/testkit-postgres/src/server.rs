//! A server of a test's own, which it may stop, kill, start again and measure.

use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command};

use tempfile::TempDir;

use crate::cluster::{Cluster, PASSWORD, USER};
use crate::database::Database;
use crate::programs::run;

/// What the server does for what it has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: `fsync` is off. For tests that lose no power.
    None,
    /// Everything, as in production. For measurements, and for tests that kill the server.
    Full,
}

/// A server that ends with this value, or with the process that holds it.
#[derive(Debug)]
pub struct Server {
    cluster: Cluster,
    durability: Durability,
    port: u16,
    process: Child,
    users: Option<File>,
    folder: Option<TempDir>,
}

impl Server {
    /// Makes a cluster and starts it, on a socket in its folder and on a free port of the loopback.
    pub fn start(durability: Durability) -> Self {
        let folder = tempfile::Builder::new().prefix("waft-pg-").permissions(readable()).tempdir().expect("a folder");
        let cluster = Cluster::at(folder.path());
        let users = Some(cluster.use_it());
        cluster.make(0);
        let port = free_port();
        let process = cluster.start(durability, Some(port));
        cluster.wait_until_ready();
        Self { cluster, durability, port, process, users, folder: Some(folder) }
    }

    /// A new, empty database on it.
    pub fn database(&self) -> Database {
        Database::create(self.cluster.clone(), self.port)
    }

    /// The address of a database over TCP, with these credentials in place of the right ones.
    pub fn tcp_url(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// The right credentials.
    pub fn credentials(&self) -> (&'static str, &'static str) {
        (USER, PASSWORD)
    }

    /// Writes every statement to its log from now on.
    pub fn log_statements(&self) {
        let mut psql = self.cluster.programs().command("psql");
        psql.arg("--host").arg(self.cluster.socket()).args(["--port", &self.port.to_string(), "--username", USER]);
        psql.args(["--no-password", "--dbname", "postgres", "--command", "ALTER SYSTEM SET log_statement = 'all'"]);
        run(psql.args(["--command", "SELECT pg_reload_conf()"]));
    }

    /// What it says.
    pub fn log(&self) -> std::path::PathBuf {
        self.cluster.log()
    }

    /// Stops it as an administrator does: statements that are under way are broken off.
    pub fn stop(&mut self) {
        self.end("-INT");
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) {
        self.end("-QUIT");
    }

    /// Starts it after it was stopped or killed.
    pub fn start_again(&mut self) {
        self.process = self.cluster.start(self.durability, Some(self.port));
        self.cluster.wait_until_ready();
    }

    /// Makes a standby without a primary of it, after it was stopped.
    pub fn become_standby(&self) {
        File::create(self.cluster.folder.join("data/standby.signal")).expect("the signal of a standby");
    }

    fn end(&mut self, signal: &str) {
        let (pid, _) = self.cluster.status().expect("a server that runs");
        run(Command::new("kill").arg(signal).arg(pid.to_string()));
        let ended = self.process.wait();
        assert!(ended.is_ok(), "{ended:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The keeper has it from here.
        drop(self.users.take());
        let _ = self.process.wait();
        if let Some(folder) = self.folder.take() {
            let _ = folder.close();
        }
    }
}

fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o755)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of the loopback");
    listener.local_addr().expect("its number").port()
}
