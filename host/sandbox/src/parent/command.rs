//! How child processes are started.

use std::path::PathBuf;

/// The program that holds `runner` and `compile` as subcommands: the `waft` binary, usually the running one.
#[derive(Debug, Clone)]
pub struct RunnerCommand {
    /// Started as `PROGRAM runner` and `PROGRAM compile`, with an empty environment.
    pub program: PathBuf,
}
