//! What a runner tells about an attempt: lines of its log, its progress and how it ended.

use std::sync::Arc;

use model::Key;
use model::outcome::{EmittedEvent, End, ResourcesUsed};
use serde::{Deserialize, Serialize};

/// The end of one attempt and all that it left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// [`crate::Assignment::id`].
    pub id: u64,
    pub end: End,
    /// JSON text of the value of a success; `None` where the task has no value.
    pub result: Option<String>,
    /// What the guest pushed, each key once and sorted; empty unless the end is a success.
    pub xcoms: Vec<(Key, String)>,
    /// Events that the guest told; empty unless the end is a success.
    pub asset_events: Vec<EmittedEvent>,
    /// What the calls of [`crate::Work::Items`] answered, in their order; empty unless the end is a success.
    pub items: Vec<ItemAnswer>,
    pub used: ResourcesUsed,
    /// The lines that were not streamed before.
    pub log: Vec<LogLine>,
}

impl Completion {
    /// The end of an attempt whose guest never ran.
    pub(crate) fn without_running(id: u64, end: End) -> Self {
        Self::of(id, end, ResourcesUsed::default(), Vec::new())
    }

    /// An end that leaves nothing.
    pub fn of(id: u64, end: End, used: ResourcesUsed, log: Vec<LogLine>) -> Self {
        let (xcoms, asset_events, items) = (Vec::new(), Vec::new(), Vec::new());
        Self { id, end, result: None, xcoms, asset_events, items, used, log }
    }
}

/// What a body made of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ItemAnswer {
    /// JSON text; nothing where it has no value.
    Value(Option<Arc<str>>),
    /// The item is not wanted, with the reason.
    Skipped(String),
}

/// One line of the log of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub at_us: i64,
    pub source: LogSource,
    /// Without its line end; at most `limits::log::LINE_MAX_BYTES`. May hold any character: whoever shows it escapes it.
    pub text: String,
}

/// Where a line of a log comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LogSource {
    Stdout,
    Stderr,
    /// The guest called `log.write`.
    Log(LogLevel),
    /// Waft itself, such as the marker that says how much was dropped.
    Waft,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Lines of one attempt that arrive while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPiece {
    pub assignment: u64,
    pub lines: Vec<LogLine>,
}

/// How far an attempt is, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub assignment: u64,
    pub done: u64,
    pub total: Option<u64>,
    pub message: String,
}
