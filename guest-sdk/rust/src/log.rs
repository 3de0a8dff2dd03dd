//! Lines in the log of this attempt, and its progress.
//!
//! ```
//! use waft::prelude::*;
//!
//! #[task]
//! fn check_all(names: Vec<String>) {
//!     for (done, name) in names.iter().enumerate() {
//!         log::info!("checking {name}");
//!         progress(done as u64 + 1, names.len() as u64, name);
//!     }
//! }
//!
//! check_all::body(vec!["a".into()]);
//! assert_eq!(waft::testing::logs()[0].message, "checking a");
//! ```
//!
//! What a body prints to stdout and stderr stands in the same log.

use crate::host;

/// How important a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every step.
    Trace,
    /// For those who look for a bug.
    Debug,
    /// What happened.
    Info,
    /// Something is not as it should be, and the task goes on.
    Warn,
    /// Something failed.
    Error,
}

/// Writes a line; the macros beside it format their arguments. Never fails: above the limits the host drops lines and counts
/// them.
pub fn write(level: Level, message: &str) {
    host::log(level, message);
}

/// Tells those who watch how far this attempt is; `total` is `None` where it is not known. Only the newest report counts.
///
/// ```
/// waft::progress(3, 10, "third of ten");
/// waft::progress(4, None, "no idea how many there are");
/// assert_eq!(waft::testing::progress().unwrap().done, 4);
/// ```
pub fn progress(done: u64, total: impl Into<Option<u64>>, message: &str) {
    host::progress(done, total.into(), message);
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log_trace {
    ($($arg:tt)+) => {
        $crate::log::write($crate::log::Level::Trace, &::std::format!($($arg)+))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log_debug {
    ($($arg:tt)+) => {
        $crate::log::write($crate::log::Level::Debug, &::std::format!($($arg)+))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log_info {
    ($($arg:tt)+) => {
        $crate::log::write($crate::log::Level::Info, &::std::format!($($arg)+))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log_warn {
    ($($arg:tt)+) => {
        $crate::log::write($crate::log::Level::Warn, &::std::format!($($arg)+))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log_error {
    ($($arg:tt)+) => {
        $crate::log::write($crate::log::Level::Error, &::std::format!($($arg)+))
    };
}

/// Writes a line for those who look for a bug, as `format!` does.
#[doc(inline)]
pub use crate::__log_debug as debug;
/// Writes a line about something that failed, as `format!` does.
#[doc(inline)]
pub use crate::__log_error as error;
/// Writes a line about what happened, as `format!` does.
#[doc(inline)]
pub use crate::__log_info as info;
/// Writes a line about a single step, as `format!` does.
#[doc(inline)]
pub use crate::__log_trace as trace;
/// Writes a line about something that is not as it should be, as `format!` does.
#[doc(inline)]
pub use crate::__log_warn as warn;
