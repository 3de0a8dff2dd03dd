//! The program's own log, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;
use crate::failure::Failure;

/// Starts the log. `filter` is a level, or levels by module (`info,sqlx=warn`).
pub(crate) fn start(filter: &str, format: LogFormat) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::usage(format!("{filter:?} is not a log filter: {error}")).hint("write info, or info,sqlx=warn")
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    // A log on a full disk loses lines; to say so on the same standard error would panic in whatever wanted to log.
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    let started = match format {
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
        LogFormat::Text => registry.with(layer.with_ansi(std::io::stderr().is_terminal())).try_init(),
    };
    started.map_err(|error| Failure::from(anyhow::Error::new(error)))
}
