//! Logs of tries.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// Part of a log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogResponse {
    pub(crate) content: Vec<LogLineResponse>,
    /// Sent back as `token`, gives what follows; null at the end of a log that nobody writes any more.
    pub(crate) continuation_token: Option<String>,
}

/// One line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogLineResponse {
    pub(crate) timestamp: Timestamp,
    /// What was said, as it was said: escape it before it is shown.
    pub(crate) event: String,
    /// `trace`, `debug`, `info`, `warning` or `error`.
    pub(crate) level: &'static str,
    /// `stdout`, `stderr`, `log` or `waft`.
    pub(crate) logger: &'static str,
}
