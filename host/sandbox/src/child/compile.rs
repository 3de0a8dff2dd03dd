//! `waft compile`: the bytes of a component in, native code out.
//!
//! A hostile component may hang, crash or fill the memory of its compiler: this process has limits and ends after one component.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use model::limits::component::{BYTES_MAX, COMPILE_CPU_MAX_S, COMPILE_MEMORY_MAX_BYTES};
use nix::sys::resource::{Resource, setrlimit};

use super::process;
use crate::engine;
use crate::error_chain::chain;

/// The exit code that says: the component is at fault, standard error tells why.
pub(crate) const INVALID_COMPONENT: u8 = 3;

/// Where a component's own header stands, and what it says: layer 1, a component.
const MAGIC: &[u8] = b"\0asm\x0d\0\x01\0";

#[derive(Debug, thiserror::Error)]
enum CompileFailure {
    #[error("{0}")]
    Invalid(String),
    #[error("cannot set limits")]
    Limits(#[from] nix::Error),
    #[error("cannot build the engine: {0:#}")]
    Engine(wasmtime::Error),
    #[error("cannot talk to the parent")]
    Io(#[from] io::Error),
}

/// `waft compile`.
pub fn compile_main() -> ExitCode {
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(CompileFailure::Invalid(why)) => {
            eprintln!("{why}");
            ExitCode::from(INVALID_COMPONENT)
        }
        Err(failure) => {
            eprintln!("{}", chain(&failure));
            ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<(), CompileFailure> {
    process::bind_to_parent()?;
    setrlimit(Resource::RLIMIT_CPU, COMPILE_CPU_MAX_S, COMPILE_CPU_MAX_S)?;
    setrlimit(Resource::RLIMIT_DATA, COMPILE_MEMORY_MAX_BYTES, COMPILE_MEMORY_MAX_BYTES)?;
    let engine = engine::compiler().map_err(CompileFailure::Engine)?;
    process::hide()?;

    let mut component = Vec::new();
    io::stdin().lock().take(BYTES_MAX as u64 + 1).read_to_end(&mut component)?;
    if component.len() > BYTES_MAX {
        return Err(CompileFailure::Invalid(format!("the component has more than {BYTES_MAX} bytes")));
    }
    // The engine would take text and ready-made native code too.
    if !component.starts_with(MAGIC) {
        return Err(CompileFailure::Invalid("these bytes are not a WebAssembly component".into()));
    }
    let artefact =
        engine.precompile_component(&component).map_err(|error| CompileFailure::Invalid(format!("{error:#}")))?;
    let mut out = io::stdout().lock();
    out.write_all(&artefact)?;
    Ok(out.flush()?)
}
