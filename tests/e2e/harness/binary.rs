//! The programs under test: the binary, and the guests that it runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// A command of the binary, without settings of whoever runs the tests.
pub(crate) fn waft() -> Command {
    let mut command = Command::new(program());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("WAFT_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// The binary: the one that `WAFT_BIN` names, else a fresh build.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match std::env::var_os("WAFT_BIN") {
        Some(path) => path.into(),
        None => build(),
    })
}

/// The bytes of the component that a package of the workspace builds.
pub(crate) fn component(package: &str) -> Vec<u8> {
    let path = testkit::guest::component(package);
    std::fs::read(&path).unwrap_or_else(|error| panic!("reading {}: {error}", path.display()))
}

/// A component that tells these DAG documents and whose bodies are the attacks of the probe.
pub(crate) fn component_with(documents: &Value) -> Vec<u8> {
    const MARK: &[u8] = b"\"documents stand here\"";
    let mut component = component("document-guest");
    let start =
        component.windows(MARK.len()).position(|window| window == MARK).expect("there is a place for documents");
    let room = MARK.len() + component[start + MARK.len()..].iter().take_while(|byte| **byte == b' ').count();
    let text = documents.to_string();
    assert!(text.len() <= room, "{} bytes of documents, and room for {room}", text.len());
    let place = &mut component[start..start + room];
    place.fill(b' ');
    place[..text.len()].copy_from_slice(text.as_bytes());
    component
}

fn build() -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into()));
    cargo.args([
        "build",
        "--quiet",
        "--package",
        "cli",
        "--features",
        "failpoints",
        "--bin",
        "waft",
        "--message-format",
        "json",
    ]);
    let output = cargo.output().expect("cargo starts");
    assert!(output.status.success(), "building waft: {}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("cargo speaks UTF-8");
    let executable = messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    executable.expect("cargo says where the binary is")
}
