//! Where a server keeps its data.

use std::path::PathBuf;

use super::Element;

/// Data folder of the server.
pub(crate) struct Data;

impl Element for Data {
    const KEY: &'static str = "data";
    const VARIABLE: &'static str = "WAFT_DATA";
    const FLAG: &'static str = "--data";

    type Value = PathBuf;

    fn parse(text: &str) -> Result<PathBuf, String> {
        if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(text.into()) }
    }

    fn show(value: &PathBuf) -> String {
        value.display().to_string()
    }

    fn default() -> PathBuf {
        "waft-data".into()
    }
}
