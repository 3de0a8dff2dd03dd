//! Runs guests: untrusted WebAssembly components, each attempt in a fresh sandbox, in child processes without rights.
//!
//! The only crate that uses the engine. It has two sides that talk over one socket:
//! - the parent, in `waft serve` and its worker: [`compile`], [`describe`], [`Runner`], [`bench()`];
//! - the child, in the processes that these start: [`runner_main`], [`compile_main`].
//!
//! What a guest asks of its host beyond its assignment reaches the parent as a [`HostRequest`] to a [`HostPort`].
//! Not here: what to run and when (`worker`), rows and blobs (behind the port).

mod artefact;
mod assignment;
mod bench;
mod bindings;
mod capability;
mod child;
mod completion;
mod engine;
mod error_chain;
mod frame;
mod host;
mod metric_names;
mod parent;
mod protocol;

pub use artefact::{Artefact, EngineKey};
pub use assignment::{Assignment, ItemCall, SequenceRef, TaskContext, Work};
pub use bench::BenchFigures;
pub use child::{compile_main, runner_main};
pub use completion::{Completion, ItemAnswer, LogLevel, LogLine, LogPiece, LogSource, Progress};
pub use engine::engine_key;
pub use host::{Connection, HostError, HostPort, HostReply, HostRequest, HostValue, RunRequest, RunStatus};
pub use parent::{
    BenchError, CompileError, DescribeError, DescribeFault, LoadError, Runner, RunnerCommand, RunnerEvent, RunnerGone,
    SpawnError, StartError, bench, compile, describe,
};
