//! Logs of tries.

use control::{LogLevel, LogRecord, LogSource};

use crate::wire::log::{LogLineResponse, LogResponse};

pub(crate) fn log_line(record: LogRecord) -> LogLineResponse {
    LogLineResponse {
        timestamp: record.at,
        event: record.message,
        level: match record.level {
            LogLevel::Trace => "trace",
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warning",
            LogLevel::Error => "error",
        },
        logger: match record.source {
            LogSource::Stdout => "stdout",
            LogSource::Stderr => "stderr",
            LogSource::Log => "log",
            LogSource::Waft => "waft",
        },
    }
}

/// What stands before and after the lines of a part of a log, which are sent as they are read.
pub(crate) fn log_frame(continuation_token: Option<String>) -> (String, String) {
    let empty = LogResponse { content: Vec::new(), continuation_token };
    let text = serde_json::to_string(&empty).expect("texts are JSON");
    let (before, after) = text.split_once("[]").expect("the list is empty");
    (format!("{before}["), format!("]{after}"))
}
