//! A cluster's folder: the data, the socket, the lock of its users, and the keeper that removes it all.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::programs::{Programs, run, user};
use crate::server::Durability;

/// The name of the only user, who needs no password on the socket.
pub(crate) const USER: &str = "waft";
/// The password of that user, which connections over TCP need.
pub(crate) const PASSWORD: &str = "waft-of-the-tests";
pub(crate) const PORT: u16 = 5432;

/// Waits until nobody uses the server, lingers, and stops it when still nobody does.
const KEEPER: &str = r#"
while :; do
    flock -x "$1/users" true
    sleep "$2"
    flock -n -x "$1/users" sh -c '
        pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
        if [ -n "$pid" ]; then
            kill -QUIT "$pid" 2>/dev/null
            while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
        fi
        rm -rf "$1/data" "$1/socket" "$1/log"
        rm -f "$1/password"; [ "$2" != 0 ] || rm -rf "$1"
    ' sh "$1" "$2" && exit
done
"#;

/// A folder that holds a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) folder: PathBuf,
    programs: Programs,
}

impl Cluster {
    /// In this folder, which exists.
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), programs: Programs::find() }
    }

    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Where the server listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log/postgres.log")
    }

    /// A share in the lock that keeps the server alive; it ends with this process at the latest.
    pub(crate) fn use_it(&self) -> File {
        let path = self.folder.join("users");
        let file = File::options().create(true).append(true).open(&path).expect("the lock of the users");
        file.lock_shared().expect("a share in the lock");
        file
    }

    /// Makes the files of a new cluster and a keeper that removes them, `linger_s` after nobody uses it any more.
    pub(crate) fn make(&self, linger_s: u32) {
        for name in ["data", "socket", "log"] {
            let folder = self.folder.join(name);
            std::fs::create_dir_all(&folder).expect("a folder of the cluster");
            Programs::hand_over(&folder);
        }
        self.keep(linger_s);
        let data = self.folder.join("data");
        let password = self.folder.join("password");
        std::fs::write(&password, PASSWORD).expect("a file with the password");
        let mut initdb = self.programs.command("initdb");
        initdb.arg("--pwfile").arg(&password);
        initdb.arg("--pgdata").arg(&data).args(["--username", USER, "--auth-local=trust", "--auth-host=scram-sha-256"]);
        initdb.args(["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]);
        run(&mut initdb);
    }

    #[expect(clippy::zombie_processes, reason = "the keeper outlives this process")]
    fn keep(&self, linger_s: u32) {
        let mut keeper = Command::new("sh");
        keeper.arg("-c").arg(KEEPER).arg("sh").arg(&self.folder).arg(linger_s.to_string());
        keeper.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Not in the group of the tests, so that what ends them all leaves the keeper to its work.
        keeper.process_group(0);
        keeper.spawn().expect("a keeper of the server: it needs `sh` and `flock`");
    }

    /// Starts the server, which belongs to no group of the tests.
    pub(crate) fn start(&self, durability: Durability, tcp_port: Option<u16>) -> Child {
        let log = File::options().create(true).append(true).open(self.log()).expect("a log");
        let settings = [
            ("unix_socket_directories", self.socket().display().to_string()),
            ("port", tcp_port.unwrap_or(PORT).to_string()),
            ("listen_addresses", if tcp_port.is_some() { "127.0.0.1" } else { "" }.to_owned()),
            ("max_connections", "300".to_owned()),
            ("shared_buffers", "64MB".to_owned()),
            ("max_wal_size", "2GB".to_owned()),
            ("log_checkpoints", "off".to_owned()),
        ];
        let careless = [("fsync", "off"), ("full_page_writes", "off")].map(|(name, value)| (name, value.to_owned()));
        let careless = careless.into_iter().filter(|_| durability == Durability::None);
        let mut server = self.programs.command("postgres");
        server.arg("-D").arg(self.folder.join("data"));
        for (name, value) in settings.into_iter().chain(careless) {
            server.arg("-c").arg(format!("{name}={value}"));
        }
        server.stdout(log.try_clone().expect("the log")).stderr(log).process_group(0);
        server.spawn().expect("the server starts")
    }

    /// The first process of the server and whether it takes connections.
    pub(crate) fn status(&self) -> Option<(u32, bool)> {
        let text = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).ok()?;
        let pid = text.lines().next()?.parse().ok()?;
        let is_ready = text.lines().nth(7).is_some_and(|status| status.trim() == "ready");
        Path::new(&format!("/proc/{pid}")).exists().then_some((pid, is_ready))
    }

    /// Waits until the server takes connections.
    pub(crate) fn wait_until_ready(&self) {
        const STEP: Duration = Duration::from_millis(20);
        const STEPS_MAX: u32 = 3000;
        for _ in 0..STEPS_MAX {
            if self.status().is_some_and(|(_, is_ready)| is_ready) {
                return;
            }
            std::thread::sleep(STEP);
        }
        panic!("no server after {:?}; {}", STEP * STEPS_MAX, self.last_words());
    }

    /// What the server wrote last, for the message of a failure.
    pub(crate) fn last_words(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(20).collect();
        let who = user().unwrap_or("the user of the tests");
        format!("the server (as {who}) said last:\n{}", lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
    }
}
