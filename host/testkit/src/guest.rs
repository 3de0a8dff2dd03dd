//! Guest programs of the workspace as components.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

/// Builds the package for `wasm32-wasip2` and gives the path of its component. Each package is built once a process; cargo itself
/// knows when there is nothing to do.
///
/// # Panics
/// When the package does not build: a test cannot go on without it.
pub fn component(package: &str) -> PathBuf {
    static BUILT: LazyLock<Mutex<HashMap<String, PathBuf>>> = LazyLock::new(Mutex::default);
    // A panic of another test's build leaves nothing half done.
    let mut built = BUILT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    built.entry(package.to_owned()).or_insert_with(|| build(package)).clone()
}

fn build(package: &str) -> PathBuf {
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("host/testkit stands in the workspace");
    // A folder of its own: the build that runs this test may hold the lock of the usual one.
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from).join("guests");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(workspace)
        .args(["build", "--quiet", "--target", "wasm32-wasip2", "--profile", "guest", "--package", package])
        .arg("--target-dir")
        .arg(&target)
        // What the host's build was asked for does not fit a guest.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .status()
        .expect("cargo starts");
    assert!(status.success(), "the guest {package} does not build; `rustup target add wasm32-wasip2` may help");
    target.join("wasm32-wasip2").join("guest").join(format!("{}.wasm", package.replace('-', "_")))
}
