//! What is wrong with something that somebody sent: a code, a place and words that say what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::dag::PROBLEMS_MAX;

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

/// Problems as they are found. Only the first [`crate::limits::dag::PROBLEMS_MAX`] of each severity are kept, the rest are counted,
/// so that a document made of mistakes does not make an answer larger than itself.
#[derive(Debug, Default)]
pub struct Problems {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    left_out: usize,
}

impl Problems {
    /// Adds one that refuses what was sent.
    pub fn error(&mut self, code: &str, path: impl Into<String>, message: impl Into<String>) {
        self.push(Problem::error(code, path, message));
    }

    /// Adds one that does not.
    pub fn warning(&mut self, code: &str, path: impl Into<String>, message: impl Into<String>) {
        self.push(Problem::warning(code, path, message));
    }

    /// Adds one that was found elsewhere.
    pub fn push(&mut self, problem: Problem) {
        let list = match problem.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if list.len() < PROBLEMS_MAX {
            list.push(problem);
        } else {
            self.left_out += 1;
        }
    }

    /// True while nothing refuses what was sent.
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// The warnings where nothing refuses what was sent, else everything.
    pub fn into_result(self) -> Result<Vec<Problem>, Vec<Problem>> {
        if self.errors.is_empty() { Ok(self.into_list()) } else { Err(self.into_list()) }
    }

    /// Errors, then warnings.
    pub fn into_list(self) -> Vec<Problem> {
        let mut list = self.errors;
        list.extend(self.warnings);
        if self.left_out > 0 {
            let message = format!("{} more problems are not listed; mend these first", self.left_out);
            list.push(Problem::warning("more-problems", "", message));
        }
        list
    }
}
