//! The child processes of this crate's tests: `sandbox-child runner` and `sandbox-child compile`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("runner") => sandbox::runner_main(),
        Some("compile") => sandbox::compile_main(),
        _ => {
            eprintln!("usage: sandbox-child runner|compile");
            ExitCode::FAILURE
        }
    }
}
