//! The side of the worker and the server: starts child processes, talks with them, never runs or compiles a guest.

mod command;
mod compile;
mod describe;
mod runner;

pub use command::RunnerCommand;
pub use compile::{CompileError, compile};
pub use describe::{DescribeError, DescribeFault, describe};
pub use runner::{LoadError, Runner, RunnerEvent, RunnerGone, SpawnError};
