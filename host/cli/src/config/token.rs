//! The file that holds the token for the server. The token itself may stand in `WAFT_TOKEN`, but never in `waft.toml` or in an argument,
//! where others could read it.

use std::path::PathBuf;

use super::Element;

/// File with the token; none where it is empty.
pub(crate) struct TokenFile;

impl TokenFile {
    /// The variable with the token itself.
    pub(crate) const TOKEN_VARIABLE: &'static str = "WAFT_TOKEN";
}

impl Element for TokenFile {
    const KEY: &'static str = "token_file";
    const VARIABLE: &'static str = "WAFT_TOKEN_FILE";
    const FLAG: &'static str = "--token-file";

    type Value = PathBuf;

    fn parse(text: &str) -> Result<PathBuf, String> {
        Ok(text.into())
    }

    fn show(value: &PathBuf) -> String {
        value.display().to_string()
    }

    fn default() -> PathBuf {
        PathBuf::new()
    }
}
