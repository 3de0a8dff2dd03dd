//! `log`: lines of the attempt's log.

use crate::bindings::waft::task::log::{Host, Level};
use crate::child::Guest;
use crate::completion::{LogLevel, LogSource};

impl Host for Guest {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            Level::Trace => LogLevel::Trace,
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        self.attempt().write_log(LogSource::Log(level), &message);
        Ok(())
    }
}
