//! `waft bench-sandbox FILE ENTRYPOINT CALLS`: what one fresh sandbox costs in a real runner, as JSON.
//!
//! For the bench of the repository, which measures the same binary as all else; hence in no help.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use sandbox::RunnerCommand;

pub(crate) fn main() -> ExitCode {
    match measure() {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<String> {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let [file, entrypoint, calls] = arguments.as_slice() else { bail!("say FILE ENTRYPOINT CALLS") };
    let calls = calls.parse().context("CALLS is a number")?;
    let component = std::fs::read(file).with_context(|| format!("reading {file}"))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let figures = runtime.block_on(async {
        let command = RunnerCommand::this_program()?;
        let artefact = sandbox::compile(&command, &component).await?;
        anyhow::Ok(sandbox::bench(&command, &artefact, entrypoint, "{}", calls).await?)
    })?;
    Ok(serde_json::to_string(&figures)?)
}
