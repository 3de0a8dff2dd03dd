//! The side of the guests: what runs in the processes `waft runner` and `waft compile`.
//!
//! These processes hold no files, no network, no environment and no credentials. All they know came over their socket.

mod attempt;
mod bench;
mod compile;
mod components;
mod fault;
mod frozen_clock;
mod guest;
mod host_calls;
mod limiter;
mod log;
mod meter;
mod outbox;
mod output;
mod parse;
mod process;
mod runner;
mod sandbox;
mod task;
mod tasks;
mod ticker;
mod world;

pub(crate) use compile::INVALID_COMPONENT;
pub use compile::compile_main;
pub(crate) use guest::Guest;
pub use runner::runner_main;
