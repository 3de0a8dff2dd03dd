//! `cargo xtask sim`: histories of the scheduler on a simulated database. The simulation is a program of its own, so that this one
//! stays small.

use anyhow::Result;
use xshell::cmd;

use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Plays the history of this seed and prints it
    #[arg(long, value_name = "N", conflicts_with = "seeds", required_unless_present = "seeds")]
    seed: Option<u64>,
    /// Plays so many histories and prints the promises that were broken
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// The first seed of many
    #[arg(long, value_name = "N", default_value_t = 0, requires = "seeds")]
    from: u64,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let shell = workspace.shell()?;
    let (count, from) = (arguments.seeds.unwrap_or_default().to_string(), arguments.from.to_string());
    let rest = match arguments.seed {
        Some(seed) => vec!["--seed".to_owned(), seed.to_string()],
        None => vec!["--seeds".to_owned(), count, "--from".to_owned(), from],
    };
    cmd!(shell, "cargo run --quiet --locked --package simulation -- {rest...}").quiet().run()?;
    Ok(())
}
