//! `cargo xtask bench`: how fast and how small the release build is, as those who use it see it.
//!
//! Each scenario starts real servers in temporary folders, on SQLite or on a PostgreSQL of its own. This process is the client: it shares no memory with what it
//! measures. A table goes to stdout, with the floor beside each figure, and the same as JSON to `--out`.

mod cluster;
mod disk;
mod figures;
mod http;
mod scenario;
mod server;
mod usage;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::guest;
use crate::workspace::Workspace;

use figures::Report;
use scenario::{Bench, SCENARIOS};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Write the figures as JSON to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only this scenario; may be given more than once
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Finished runs in the database for the rows with history
    #[arg(long, default_value_t = 100_000)]
    history: u32,
    /// On PostgreSQL instead of SQLite: a private server with fsync on, and processes that share it
    #[arg(long, value_enum, default_value_t = Database::Sqlite)]
    database: Database,
    /// Measure this binary instead of building one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// What is measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let scenarios = match arguments.database {
        Database::Sqlite => SCENARIOS,
        Database::Postgres => cluster::SCENARIOS,
    };
    let known = || scenarios.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = arguments.only.iter().find(|only| !scenarios.iter().any(|(name, _)| name == only)) {
        bail!("there is no scenario `{unknown}`; there are {}", known());
    }
    let shell = workspace.shell()?;
    let binary = match &arguments.binary {
        Some(binary) => binary.canonicalize().with_context(|| format!("looking for {}", binary.display()))?,
        None => {
            xshell::cmd!(shell, "cargo build --release --locked --package cli --bin waft").run()?;
            workspace.target.join("release/waft")
        }
    };
    let component = |package| -> Result<_> {
        let path = guest::build(workspace, &shell, package)?;
        Ok((std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?, path))
    };
    let (bench_guest, bench_guest_path) = component("bench-guest")?;
    let (word_count, _) = component("word-count")?;
    let (document, _) = component("document-guest")?;
    let (flows, _) = component("flows-guest")?;
    let bench =
        Bench { binary, bench_guest, bench_guest_path, word_count, document, flows, history: arguments.history };

    let mut report = Report::default();
    report.disk("before", disk::sync_time()?);
    for (name, scenario) in scenarios {
        if arguments.only.is_empty() || arguments.only.iter().any(|only| only == name) {
            eprintln!("=== {name}");
            scenario(&bench, &mut report).with_context(|| format!("scenario `{name}`"))?;
        }
    }
    report.disk("after", disk::sync_time()?);
    print!("{report}");
    if let Some(out) = &arguments.out {
        std::fs::write(out, report.to_json()).with_context(|| format!("writing {}", out.display()))?;
    }
    Ok(())
}
