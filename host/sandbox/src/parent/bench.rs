//! Measuring a sandbox, seen from the one who asks.

use std::time::Duration;

use super::command::RunnerCommand;
use super::link::{Link, LinkError};
use crate::protocol::{FromChild, Mode, ToChild};
use crate::{Artefact, BenchFigures};

const WALL: Duration = Duration::from_secs(300);

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
#[error("cannot measure: {0}")]
pub struct BenchError(String);

/// Calls `entrypoint` so many times, each in a fresh sandbox, one after the other in one runner process.
pub async fn bench(
    command: &RunnerCommand,
    artefact: &Artefact,
    entrypoint: &str,
    args: &str,
    calls: u32,
) -> Result<BenchFigures, BenchError> {
    let ask = async {
        let mut link = Link::open(command, Mode::Bench).await?;
        link.load(artefact).await?;
        let component = artefact.component;
        link.send(&ToChild::Bench { component, entrypoint: entrypoint.into(), args: args.into(), calls }).await?;
        match link.receive().await? {
            FromChild::Benched(outcome) => outcome.map_err(LinkError::Refused),
            _ => Err(LinkError::Violation),
        }
    };
    match tokio::time::timeout(WALL, ask).await {
        Ok(outcome) => outcome.map_err(|error| BenchError(crate::error_chain::chain(&error))),
        Err(_) => Err(BenchError(format!("it took longer than {} s", WALL.as_secs()))),
    }
}
