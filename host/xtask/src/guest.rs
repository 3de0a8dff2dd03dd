//! Building guest components, into the folder where the tests look for them.

use std::path::PathBuf;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::workspace::Workspace;

pub(crate) const TARGET: &str = "wasm32-wasip2";

/// Builds the component of a package and gives its path.
///
/// One package at a time and in a folder of its own, as `testkit::guest` does, so that nothing is built twice.
pub(crate) fn build(workspace: &Workspace, shell: &Shell, package: &str) -> Result<PathBuf> {
    let folder = workspace.target.join("guests");
    cmd!(shell, "cargo build --locked --target {TARGET} --profile guest --target-dir {folder} --package {package}")
        .run()
        .with_context(|| format!("the guest {package}"))?;
    Ok(folder.join(TARGET).join("guest").join(format!("{}.wasm", package.replace('-', "_"))))
}
