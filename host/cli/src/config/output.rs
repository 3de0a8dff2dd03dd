//! The form of what is printed.

use clap::ValueEnum;

use super::Element;
use crate::screen::Format;

/// Form of the output.
pub(crate) struct Output;

impl Element for Output {
    const KEY: &'static str = "output";
    const VARIABLE: &'static str = "WAFT_OUTPUT";
    const FLAG: &'static str = "--output";

    type Value = Format;

    fn parse(text: &str) -> Result<Format, String> {
        Format::from_str(text, false).map_err(|_| "it is table, json or plain".to_owned())
    }

    fn show(value: &Format) -> String {
        format!("{value:?}").to_lowercase()
    }

    fn default() -> Format {
        Format::Table
    }
}
