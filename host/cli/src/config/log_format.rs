//! The form of a server's log.

use clap::ValueEnum;

use super::Element;

/// Form of the lines of a server's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Form of the log.
pub(crate) struct LogFormatElement;

impl Element for LogFormatElement {
    const KEY: &'static str = "log_format";
    const VARIABLE: &'static str = "WAFT_LOG_FORMAT";
    const FLAG: &'static str = "--log-format";

    type Value = LogFormat;

    fn parse(text: &str) -> Result<LogFormat, String> {
        LogFormat::from_str(text, false).map_err(|_| "it is text or json".to_owned())
    }

    fn show(value: &LogFormat) -> String {
        format!("{value:?}").to_lowercase()
    }

    fn default() -> LogFormat {
        LogFormat::Text
    }
}
