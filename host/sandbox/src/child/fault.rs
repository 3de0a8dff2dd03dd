//! Why a call of a guest gave no answer: the errors of the engine, sorted by whose fault they are.

use std::any::Any;
use std::time::Duration;

use model::limits::task::MESSAGE_MAX_BYTES;
use wasmtime::{Error, FrameInfo, PoolConcurrencyLimitError, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::attempt::Attempt;
use super::limiter::LimitReached;

/// Functions of a backtrace that are named.
const FRAMES: usize = 8;

/// What ended a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    TimedOut(String),
    OverLimit(String),
    Trapped(String),
    Cancelled,
    /// This process had no room; not the guest's fault.
    NoRoom(String),
    /// A bug of this program; not the guest's fault. The process must not be used any more.
    Panicked(String),
}

/// The guest computed past its wall time.
#[derive(Debug, thiserror::Error)]
#[error("ran past its timeout of {} ms", .0.as_millis())]
pub(super) struct WallLimit(pub(super) Duration);

/// The guest used up its CPU time.
#[derive(Debug, thiserror::Error)]
#[error("used more than {} ms of CPU time", .0.as_millis())]
pub(super) struct CpuLimit(pub(super) Duration);

impl Fault {
    pub(super) fn wall(limit: Duration) -> Self {
        Self::TimedOut(WallLimit(limit).to_string())
    }

    pub(super) fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Self::Panicked(format!("the runner panicked: {text}"))
    }

    pub(super) fn of(error: &Error, attempt: &Attempt) -> Self {
        if let Some(limit) = error.downcast_ref::<WallLimit>() {
            return Self::TimedOut(limit.to_string());
        }
        if let Some(limit) = error.downcast_ref::<CpuLimit>() {
            return Self::TimedOut(limit.to_string());
        }
        if let Some(limit) = error.downcast_ref::<LimitReached>() {
            return Self::OverLimit(limit.to_string());
        }
        if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
            return Self::NoRoom(full.to_string());
        }
        if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
            return Self::Trapped(with_last_words(format!("the guest called exit({status})"), attempt));
        }
        if let Some(limit) = private_limit(error) {
            return Self::OverLimit(limit.to_owned());
        }
        Self::Trapped(told(error, attempt))
    }
}

/// Limits whose error types are private to the engine: only their text tells them apart.
fn private_limit(error: &Error) -> Option<&'static str> {
    const HOSTCALL: &str = "fuel allocated for hostcalls has been exhausted";
    const HANDLES: &str = "store handle limit exceeded";
    const TABLE: &str = "resource table has no free keys";
    error.chain().find_map(|cause| {
        let text = cause.to_string();
        if text.contains(HOSTCALL) {
            Some("more data in one call between guest and host than its limit allows; send big values as blobs")
        } else if text.contains(HANDLES) || text.contains(TABLE) {
            Some("more open handles than the limit allows; drop what is not needed")
        } else {
            None
        }
    })
}

/// The causes in one line, the names of the innermost functions where the component has any, and the last lines of stderr, where
/// most toolchains write the message of a panic.
fn told(error: &Error, attempt: &Attempt) -> String {
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    let causes: Vec<String> = error.chain().skip(usize::from(backtrace.is_some())).map(ToString::to_string).collect();
    let mut message = causes.join(": ");
    let frames = backtrace.map(WasmBacktrace::frames).unwrap_or_default();
    let names: Vec<&str> = frames.iter().filter_map(FrameInfo::func_name).take(FRAMES).collect();
    if !names.is_empty() {
        message = format!("{message}\nin {}", names.join("\nfrom "));
    }
    with_last_words(message, attempt)
}

fn with_last_words(mut message: String, attempt: &Attempt) -> String {
    let words = attempt.log.last_words();
    if !words.is_empty() {
        message = format!("{message}\nlast lines of stderr:\n{}", words.join("\n"));
    }
    message.truncate(message.floor_char_boundary(MESSAGE_MAX_BYTES));
    message
}
