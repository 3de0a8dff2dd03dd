//! The tools of this repository: `cargo xtask --help` lists them.
//!
//! Called by people and by `.ci/run`; nothing of the product depends on this crate. Each command stands in a file of its own.

mod bench;
mod ci;
mod clients;
mod crash;
mod guest;
mod sim;
mod stopwatch;
mod tidy;
mod wit;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tools of this repository")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// All checks and tests, from installing what they need to the summary of the tests
    Ci,
    /// The rules of the house that no compiler checks
    Tidy,
    /// How fast and how small the release build is
    Bench(bench::Arguments),
    /// Histories of the scheduler on a simulated database, clock and workers
    Sim(sim::Arguments),
    /// Clients of Airflow drive a server, and a fuzzer asks what its document promises
    Clients(clients::Arguments),
    /// Servers that die at each of their steps
    Crash(crash::Arguments),
    /// Records the digest of the contract in wit/ under its version
    Wit {
        /// Replace the digest of a version that no release holds yet
        #[arg(long)]
        unreleased: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let workspace = Workspace::find()?;
    match arguments.command {
        Command::Ci => ci::run(&workspace),
        Command::Tidy => tidy::run(&workspace),
        Command::Bench(arguments) => bench::run(&workspace, &arguments),
        Command::Sim(arguments) => sim::run(&workspace, &arguments),
        Command::Clients(arguments) => clients::run(&workspace, &arguments),
        Command::Crash(arguments) => crash::run(&workspace, &arguments),
        Command::Wit { unreleased } => wit::publish(&workspace, unreleased),
    }
}
