//! Makes components: a file as it is, or what Cargo makes of a package for `wasm32-wasip2`.
//!
//! Callers: `deploy`, `run` and `demo`. Not here: whether the bytes are a component that Waft takes (`bundle`, behind the API).

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use bytes::Bytes;
use model::limits::component::BYTES_MAX;
use serde::Deserialize;
use tokio::process::Command;

use crate::exit::Exit;
use crate::failure::Failure;

const TARGET: &str = "wasm32-wasip2";
/// The profile that makes small, reproducible components; a workspace that has none gets a release build.
const PROFILE: &str = "guest";

/// A component's bytes and the name that its file suggests.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
}

/// The component in a file, or of the Cargo package in a folder. `is_quiet`: Cargo says nothing unless it fails.
pub(crate) async fn component(path: &Path, is_quiet: bool) -> Result<Component, Failure> {
    let metadata = std::fs::metadata(path).map_err(|error| no_input(path, error))?;
    let file = if metadata.is_dir() { build(path, is_quiet).await? } else { path.to_owned() };
    read(&file)
}

fn read(file: &Path) -> Result<Component, Failure> {
    let length = std::fs::metadata(file).map_err(|error| no_input(file, error))?.len();
    if length > BYTES_MAX as u64 {
        return Err(Failure::usage(format!("{file:?} has {length} bytes; a component has at most {BYTES_MAX}")));
    }
    let bytes = std::fs::read(file).map_err(|error| no_input(file, error))?;
    let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Component { name, bytes: bytes.into() })
}

fn no_input(path: &Path, error: io::Error) -> Failure {
    Failure::new(Exit::Usage, anyhow::Error::new(error).context(format!("cannot read {path:?}")))
        .hint("give a .wasm file, or the folder of a Cargo package")
}

/// Builds the package in `folder` and answers where its component is.
pub(crate) async fn build(folder: &Path, is_quiet: bool) -> Result<PathBuf, Failure> {
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(Failure::usage(format!("{folder:?} holds no Cargo.toml"))
            .hint("give a .wasm file, or the folder of a Cargo package"));
    }
    ensure_target().await?;
    let mut command = Command::new(cargo());
    command.arg("build").arg("--manifest-path").arg(&manifest).args(["--target", TARGET]);
    match has_profile(&manifest).await? {
        true => command.args(["--profile", PROFILE]),
        false => command.arg("--release"),
    };
    command.args(["--lib", "--message-format", "json-render-diagnostics"]);
    if is_quiet {
        command.arg("--quiet");
    }
    let output = command.stderr(Stdio::inherit()).output().await.context("cannot start cargo")?;
    if !output.status.success() {
        let message = format!("cargo could not build {folder:?} for {TARGET} ({})", output.status);
        return Err(Failure::new(Exit::Usage, anyhow::Error::msg(message)));
    }
    artefact(&output.stdout).ok_or_else(|| {
        Failure::usage(format!("the package in {folder:?} makes no component"))
            .hint("add to its Cargo.toml: [lib] crate-type = [\"cdylib\"]")
    })
}

/// What Cargo says it has made; the package itself comes last.
fn artefact(messages: &[u8]) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        #[serde(default)]
        filenames: Vec<PathBuf>,
    }
    let lines = messages.split(|byte| *byte == b'\n');
    let made = lines.filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    let mut files = made.filter(|message| message.reason == "compiler-artifact").flat_map(|message| message.filenames);
    files.rfind(|file| file.extension().is_some_and(|it| it == "wasm"))
}

async fn has_profile(manifest: &Path) -> Result<bool, Failure> {
    #[derive(Deserialize)]
    struct Metadata {
        workspace_root: PathBuf,
    }
    let output = Command::new(cargo())
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .stderr(Stdio::inherit())
        .output()
        .await
        .context("cannot start cargo")?;
    if !output.status.success() {
        return Err(Failure::usage(format!("cargo cannot read {manifest:?}")));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata is not what it was")?;
    let root =
        std::fs::read_to_string(metadata.workspace_root.join("Cargo.toml")).context("cannot read the workspace")?;
    let root: toml::Table = root.parse().context("cannot read the workspace")?;
    Ok(root.get("profile").and_then(|profiles| profiles.get(PROFILE)).is_some())
}

/// Installs the target where it is missing and rustup is there.
async fn ensure_target() -> Result<(), Failure> {
    let output = Command::new(rustc())
        .args(["--print", "target-libdir", "--target", TARGET])
        .stderr(Stdio::null())
        .output()
        .await
        .map_err(|error| {
            Failure::new(Exit::Usage, anyhow::Error::new(error).context("cannot start rustc"))
                .hint("install Rust from https://rustup.rs, or give a .wasm file")
        })?;
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && folder.is_dir() {
        return Ok(());
    }
    eprintln!("installing the target {TARGET} with rustup");
    let status = Command::new("rustup").args(["target", "add", TARGET]).stdout(Stdio::null()).status().await;
    if status.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    let message = format!("Rust's target {TARGET} is missing and rustup could not install it");
    Err(Failure::new(Exit::Broken, anyhow::Error::msg(message)).hint(format!("run: rustup target add {TARGET}")))
}

fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn rustc() -> OsString {
    std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_component_that_cargo_names_is_the_packages() {
        let messages = br#"{"reason":"compiler-artifact","filenames":["/t/libdep.rlib"]}
{"reason":"compiler-message","message":{}}
not json
{"reason":"compiler-artifact","filenames":["/t/word_count.wasm"]}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(artefact(messages), Some(PathBuf::from("/t/word_count.wasm")));
        assert_eq!(artefact(b""), None);
    }

    #[test]
    fn a_file_lends_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("my_dags.wasm");
        std::fs::write(&file, b"bytes").unwrap();
        let component = read(&file).unwrap();
        assert_eq!((component.name.as_str(), &component.bytes[..]), ("my_dags", &b"bytes"[..]));
        assert_eq!(read(&folder.path().join("none.wasm")).unwrap_err().exit(), Exit::Usage);
    }
}
