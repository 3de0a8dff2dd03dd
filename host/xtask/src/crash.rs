//! `cargo xtask crash`: the server dies at each of its steps, as seeds say. The stories are a test of the package `tests`, which runs
//! its small form with all other tests.

use anyhow::Result;
use xshell::cmd;

use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Plays so many stories, one after the other; the first ones play each cell of the matrix once
    #[arg(long, value_name = "N")]
    seeds: u64,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 0)]
    from: u64,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let shell = workspace.shell()?;
    let seeds = format!("{}..{}", arguments.from, arguments.from + arguments.seeds);
    shell.set_var("WAFT_CRASH_SEEDS", seeds);
    shell.set_var("RUST_BACKTRACE", "0");
    cmd!(shell, "cargo test --quiet --locked --package tests --test e2e -- --nocapture --test-threads 2 matrix::")
        .run()?;
    Ok(())
}
