//! The side of the worker and the server: starts child processes, talks with them, never runs or compiles a guest.

mod assigned;
mod backlog;
mod bench;
mod command;
mod compile;
mod completion_check;
mod describe;
mod last_words;
mod link;
mod runner;
mod supervisor;

pub use bench::{BenchError, bench};
pub use command::{RunnerCommand, StartError};
pub use compile::{CompileError, compile};
pub use describe::{DescribeError, DescribeFault, describe};
pub use runner::{LoadError, Runner, RunnerEvent, RunnerGone, SpawnError};
