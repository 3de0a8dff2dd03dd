//! Compiling, seen from the server.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use clock::{Clock, Real};
use model::Digest;
use model::limits::component::{ARTEFACT_MAX_BYTES, COMPILE_WALL_MAX_S};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

use super::command::{RunnerCommand, StartError};
use super::last_words::LastWords;
use crate::child::INVALID_COMPONENT;
use crate::{Artefact, engine_key, metric_names};

/// Why a component has no artefact.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The bytes are no component that the engine takes.
    #[error("the component cannot be compiled: {0}")]
    Invalid(String),
    /// The compiler went over a limit of time or memory, or died: the component is too big or hostile.
    #[error("the compiler gave up on the component: {0}")]
    Died(String),
    /// Not the component's fault.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Compiles a component in a process of its own.
pub async fn compile(command: &RunnerCommand, component: &[u8]) -> Result<Artefact, CompileError> {
    let began = Real.monotonic();
    let child = command.compiler().await?;
    let wall = Duration::from_secs(COMPILE_WALL_MAX_S);
    // Dropping the child on a timeout kills it.
    let outcome = match tokio::time::timeout(wall, talk(child, component)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(CompileError::Died(format!("it took longer than {COMPILE_WALL_MAX_S} s"))),
    };
    let label = if outcome.is_ok() { "compiled" } else { "refused" };
    metrics::histogram!(metric_names::COMPILE_SECONDS, "outcome" => label).record(Real.monotonic() - began);
    let bytes = outcome?;
    Ok(Artefact { component: Digest::of(component), engine: engine_key(), bytes: bytes.into() })
}

async fn talk(mut child: Child, component: &[u8]) -> Result<Vec<u8>, CompileError> {
    let mut words = LastWords::of(child.stderr.take());
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let give = async {
        if let Some(mut stdin) = stdin {
            // It may end before it has read all; how it ends tells more than this error.
            let _ = stdin.write_all(component).await;
        }
    };
    let take = async {
        let mut artefact = Vec::new();
        if let Some(stdout) = stdout {
            let _ = stdout.take(ARTEFACT_MAX_BYTES as u64 + 1).read_to_end(&mut artefact).await;
        }
        artefact
    };
    let ((), artefact) = tokio::join!(give, take);
    if artefact.len() > ARTEFACT_MAX_BYTES {
        return Err(CompileError::Died(format!("its native code has more than {ARTEFACT_MAX_BYTES} bytes")));
    }
    let status = child.wait().await.ok();
    match status.and_then(|status| status.code()) {
        Some(0) => Ok(artefact),
        Some(code) if code == i32::from(INVALID_COMPONENT) => Err(CompileError::Invalid(words.text().await)),
        _ => Err(CompileError::Died(died(status, &mut words).await)),
    }
}

async fn died(status: Option<ExitStatus>, words: &mut LastWords) -> String {
    const SIGXCPU: i32 = 24;
    if status.and_then(|status| status.signal()) == Some(SIGXCPU) {
        return format!("it used more than {} s of CPU time", model::limits::component::COMPILE_CPU_MAX_S);
    }
    words.obituary(status).await
}
