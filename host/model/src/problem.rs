//! What is wrong with something that somebody sent: a code, a place and words that say what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// What was sent is refused.
    Error,
    /// What was sent is taken, but the author should look.
    Warning,
}

/// One problem. Lists of problems are complete: everything that could be found is reported at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Problem {
    pub severity: Severity,
    /// A stable slug such as `unknown-task`; each has a page in the docs.
    pub code: String,
    /// RFC 6901 pointer into the document (`/tasks/3/args/file`); empty where the whole is meant.
    pub path: String,
    /// What is wrong and what to do, for people.
    pub message: String,
}

impl Problem {
    /// A problem that refuses what was sent.
    pub fn error(code: &str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code: code.to_owned(), path: path.into(), message: message.into() }
    }

    /// A problem that does not.
    pub fn warning(code: &str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, code: code.to_owned(), path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, path, message, .. } = self;
        if path.is_empty() { write!(f, "{message} [{code}]") } else { write!(f, "{path}: {message} [{code}]") }
    }
}
