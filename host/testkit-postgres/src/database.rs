//! Empty databases, on the server that all tests share unless they have one of their own.

use std::fs::File;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::sync::OnceLock;

use crate::cluster::{Cluster, PORT, USER};
use crate::programs::run;
use crate::server::Durability;

/// How long the shared server waits for the next test, in seconds.
const LINGER_S: u32 = 10;

/// A database of a test's own. It goes away with its server: dropping it would cost a checkpoint.
#[derive(Debug)]
pub struct Database {
    cluster: Cluster,
    port: u16,
    name: String,
}

/// An empty database on the server that all tests share.
pub fn database() -> Database {
    static SHARED: OnceLock<(Cluster, File)> = OnceLock::new();
    let (cluster, _) = SHARED.get_or_init(shared);
    Database::create(cluster.clone(), PORT)
}

impl Database {
    pub(crate) fn create(cluster: Cluster, port: u16) -> Self {
        let database = Self { cluster, port, name: format!("t{:016x}", RandomState::new().build_hasher().finish()) };
        let mut createdb = database.cluster.programs().command("createdb");
        createdb.arg("--host").arg(database.cluster.socket()).args(["--port", &port.to_string(), "--username", USER]);
        run(createdb.arg("--no-password").arg(&database.name));
        database
    }

    /// Its address, on the server's socket.
    pub fn url(&self) -> String {
        let (socket, port) = (self.cluster.socket(), self.port);
        format!("postgres://{USER}@localhost:{port}/{}?host={}", self.name, socket.display())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The server of all tests of this copy of the repository: started by the first, stopped after the last.
#[expect(clippy::zombie_processes, reason = "the server outlives this process")]
fn shared() -> (Cluster, File) {
    let mut name = std::hash::DefaultHasher::new();
    env!("CARGO_MANIFEST_DIR").hash(&mut name);
    let owner = std::fs::metadata("/proc/self").map(|own| own.uid()).unwrap_or_default();
    let folder = std::env::temp_dir().join(format!("waft-pg-{owner}-{:08x}", name.finish() as u32));
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(&folder).expect("a folder");
    let cluster = Cluster::at(&folder);
    let users = cluster.use_it();
    let start = File::options().create(true).append(true).open(folder.join("start")).expect("the lock of the start");
    start.lock().expect("the lock of the start");
    if cluster.status().is_none() {
        for name in ["data", "socket", "log"] {
            let _ = std::fs::remove_dir_all(folder.join(name));
        }
        cluster.make(LINGER_S);
        cluster.start(Durability::None, None);
    }
    cluster.wait_until_ready();
    (cluster, users)
}
