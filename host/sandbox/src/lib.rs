//! Runs guests: untrusted WebAssembly components, each attempt in a fresh sandbox, in child processes without rights.
//!
//! The only crate that uses the engine. It has two sides that talk over one socket:
//! - the parent, in `waft serve` and its worker: [`compile`], [`describe`], [`Runner`];
//! - the child, in the processes that these start: [`runner_main`], [`compile_main`].
//!
//! What a guest asks of its host beyond its assignment reaches the parent as a [`HostRequest`] to a [`HostPort`].
//! Not here: what to run and when (`worker`), rows and blobs (behind the port).

mod artefact;
mod assignment;
mod completion;
mod host;
mod parent;

pub use artefact::{Artefact, EngineKey};
pub use assignment::{Assignment, SequenceRef, TaskContext};
pub use completion::{Completion, LogLevel, LogLine, LogPiece, LogSource, Progress};
pub use host::{HostError, HostPort, HostReply, HostRequest, HostValue};
pub use parent::{
    CompileError, DescribeError, DescribeFault, LoadError, Runner, RunnerCommand, RunnerEvent, RunnerGone, SpawnError,
    compile, describe,
};

use std::process::ExitCode;

/// The key that artefacts of this build on this CPU have.
pub fn engine_key() -> EngineKey {
    unimplemented!()
}

/// `waft runner`.
pub fn runner_main() -> ExitCode {
    unimplemented!()
}

/// `waft compile`.
pub fn compile_main() -> ExitCode {
    unimplemented!()
}
