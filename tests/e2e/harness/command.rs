//! Commands of the binary that work on a data folder.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Output;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::waft;

/// Runs a command on a data folder.
pub(crate) fn on(arguments: &[&str], data: &Path) -> Output {
    waft().args(arguments).arg("--data").arg(data).output().expect("waft starts")
}

/// Runs a command that must succeed, and reads what it says.
#[track_caller]
pub(crate) fn told(arguments: &[&str], data: &Path) -> Value {
    let output = on(&[arguments, &["--output", "json"]].concat(), data);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output:?}"))
}

/// Runs a command that must fail with these words.
#[track_caller]
pub(crate) fn refused(arguments: &[&str], data: &Path, words: &str) {
    let output = on(arguments, data);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{arguments:?}: {output:?}");
    assert!(said.contains(words), "{arguments:?}: {words:?} is not in {said}");
}

/// Lets a command die at a step; it must have come to it.
#[track_caller]
pub(crate) fn dies(arguments: &[&str], data: &Path, plan: &str) {
    let output =
        waft().args(arguments).arg("--data").arg(data).env("WAFT_FAILPOINTS", plan).output().expect("waft starts");
    let signal = output.status.signal();
    assert_eq!(signal, Some(Signal::SIGKILL as i32), "{plan}: {output:?}");
}
