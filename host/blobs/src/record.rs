//! One line of a log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A line that an attempt said, or that was said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// To the microsecond.
    pub at: Timestamp,
    pub level: LogLevel,
    pub source: LogSource,
    /// Without its line end. Guests write it: it may hold any character.
    pub message: String,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Where a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogSource {
    Stdout,
    Stderr,
    /// The guest's log calls.
    Log,
    /// Waft itself.
    Waft,
}
