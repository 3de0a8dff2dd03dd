//! What the world outside looks like from within.

use std::io::Read;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::exports::waft::task::task_bodies::TaskContext;

/// Environment, arguments, working directory, standard input.
pub(crate) fn everything() -> String {
    let mut input = Vec::new();
    let read = std::io::stdin().read_to_end(&mut input).map_err(|error| error.kind());
    format!(
        r#"{{"env":{},"args":{},"input":"{read:?}","input_bytes":{}}}"#,
        std::env::vars_os().count(),
        std::env::args_os().count(),
        input.len(),
    )
}

pub(crate) fn files() -> String {
    let tries = [
        std::fs::read("/etc/passwd").err(),
        std::fs::read_dir("/").err(),
        std::fs::read_dir(".").err(),
        std::fs::write("x", "x").err(),
        std::fs::create_dir("/tmp/x").err(),
        std::fs::metadata("/proc/self").err(),
    ];
    let refused = tries.iter().filter(|error| error.is_some()).count();
    format!("[{},{refused}]", tries.len())
}

pub(crate) fn sockets() -> String {
    use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
    let tries = [
        TcpStream::connect("127.0.0.1:80").err(),
        TcpStream::connect("169.254.169.254:80").err(),
        TcpListener::bind("127.0.0.1:0").err(),
        UdpSocket::bind("127.0.0.1:0").err(),
        "localhost:80".to_socket_addrs().err(),
    ];
    let refused = tries.iter().filter(|error| error.is_some()).count();
    format!("[{},{refused}]", tries.len())
}

/// The order of a hash map's seeds.
pub(crate) fn random() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("\"{:016x}\"", RandomState::new().hash_one(1))
}

#[expect(clippy::disallowed_methods, reason = "a guest has no other clock than the one that its host shows")]
pub(crate) fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis())
}

pub(crate) fn context(context: &TaskContext) -> String {
    format!(
        r#"{{"dag":"{}","run":"{}","task":"{}","map_index":{},"map_path":{:?},"map_key":{},"try":{},"logical_date":{},"params":{},"left_ms":{}}}"#,
        context.dag_id,
        context.run_id,
        context.task_id,
        context.map_index,
        context.map_path,
        context.map_key.as_deref().unwrap_or("null"),
        context.try_number,
        context.logical_date.unwrap_or(0),
        context.params,
        i128::from(context.deadline) / 1_000 - now_ms() as i128,
    )
}
