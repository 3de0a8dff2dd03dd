//! What a server logs.

use super::Element;

/// Level, or levels by module.
pub(crate) struct LogFilter;

impl Element for LogFilter {
    const KEY: &'static str = "log";
    const VARIABLE: &'static str = "WAFT_LOG";
    const FLAG: &'static str = "--log";

    type Value = String;

    fn parse(text: &str) -> Result<String, String> {
        tracing_subscriber::EnvFilter::try_new(text)
            .map(|_| text.to_owned())
            .map_err(|_| "it is a level such as info, or levels by module such as info,sqlx=warn".to_owned())
    }

    fn show(value: &String) -> String {
        value.clone()
    }

    fn default() -> String {
        "info".to_owned()
    }
}
