//! What an element of the configuration is.

use std::fmt;
use std::path::PathBuf;

/// One thing that can be configured.
pub(crate) trait Element {
    /// In `waft.toml`.
    const KEY: &'static str;
    /// In the environment.
    const VARIABLE: &'static str;
    /// On the command line.
    const FLAG: &'static str;

    type Value: Clone;

    /// Reads the text of a flag, a variable or the file.
    fn parse(text: &str) -> Result<Self::Value, String>;

    /// The value as text that [`Element::parse`] reads.
    fn show(value: &Self::Value) -> String;

    /// The value where nobody says anything.
    fn default() -> Self::Value;
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(&'static str),
    Variable(&'static str),
    File(PathBuf),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Variable(variable) => write!(f, "environment {variable}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}
