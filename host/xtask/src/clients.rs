//! `cargo xtask clients`: clients of Airflow that people have already drive the server, and a fuzzer asks what its OpenAPI document
//! promises. They live in a virtual environment below the target folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::guest;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Requests that the fuzzer makes for each operation
    #[arg(long, default_value_t = CASES_PER_OPERATION)]
    cases: u32,
}

/// About two thousand in all.
pub(crate) const CASES_PER_OPERATION: u32 = 25;

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let shell = workspace.shell()?;
    cmd!(shell, "cargo build --workspace --bins --tests --features cli/failpoints --locked").run()?;
    drive(workspace, &shell, arguments.cases)
}

/// With a binary that is built.
pub(crate) fn drive(workspace: &Workspace, shell: &Shell, cases: u32) -> Result<()> {
    let folder = workspace.root.join("tests/clients");
    let python = environment(workspace, shell, &folder)?;
    let guest = guest::build(workspace, shell, "document-guest")?;
    let _binary = shell.push_env("WAFT_BIN", workspace.target.join("debug/waft"));
    let _guest = shell.push_env("WAFT_DOCUMENT_GUEST", guest);
    let _bytecode = shell.push_env("PYTHONDONTWRITEBYTECODE", "1");
    let _folder = shell.push_dir(&folder);
    cmd!(shell, "{python} -m unittest discover").run().context("the clients")?;
    let cases = cases.to_string();
    cmd!(shell, "{python} fuzz.py {cases}").run().context("the fuzzer")
}

/// The interpreter of the virtual environment, with everything that the tests need.
fn environment(workspace: &Workspace, shell: &Shell, folder: &Path) -> Result<PathBuf> {
    let place = workspace.target.join("clients");
    let python = place.join("bin/python");
    if !shell.path_exists(&python) {
        let made = cmd!(shell, "python3 -m venv {place}").run();
        made.context("the clients need Python 3.11 with venv (Debian: `apt-get install python3-venv`)")?;
    }
    let requirements = folder.join("requirements.txt");
    cmd!(shell, "{python} -m pip install --quiet --disable-pip-version-check --requirement {requirements}")
        .run()
        .context("installing the clients")?;
    Ok(python)
}
