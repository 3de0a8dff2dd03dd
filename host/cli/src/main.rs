//! The binary `waft`: arguments, configuration, wiring. The only place where concrete types meet.
//!
//! One program plays all roles. `waft runner` and `waft compile` are the processes that hold guests: they are told apart before
//! anything else happens, so that nothing of a server (configuration, log, environment) is ever in their memory.
//! Everything else is a command of `command`, which answers with an [`exit::Exit`] or a [`failure::Failure`].

mod arguments;
mod bench_sandbox;
mod clean;
mod command;
mod config;
mod demo;
mod exit;
mod failure;
mod guest;
mod logging;
mod progress;
mod screen;
mod serve;
mod stopwatch;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args_os().nth(1).and_then(|role| role.into_string().ok()).as_deref() {
        Some("runner") => sandbox::runner_main(),
        Some("compile") => sandbox::compile_main(),
        Some("bench-sandbox") => bench_sandbox::main(),
        _ => command::main(),
    }
}
