//! The child processes of this crate's tests: `worker-child runner` and `worker-child compile`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("runner") => sandbox::runner_main(),
        Some("compile") => sandbox::compile_main(),
        _ => {
            eprintln!("usage: worker-child runner|compile");
            ExitCode::FAILURE
        }
    }
}
