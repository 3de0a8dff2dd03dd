//! What is wrong with something that somebody sent: a code, a place and words that say what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::dag::{PROBLEM_TEXT_MAX_BYTES, PROBLEMS_MAX};
use crate::text::is_control_or_format;

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
        Self::new(Severity::Error, code, path.into(), message.into())
    }

    /// A problem that does not.
    pub fn warning(code: &str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, path.into(), message.into())
    }

    fn new(severity: Severity, code: &str, path: String, message: String) -> Self {
        Self { severity, code: code.to_owned(), path: visible(path), message: visible(message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, path, message, .. } = self;
        if path.is_empty() { write!(f, "{message} [{code}]") } else { write!(f, "{path}: {message} [{code}]") }
    }
}

/// Problems quote what strangers wrote: cuts a long text, and escapes what a terminal would obey or nobody would see.
fn visible(mut text: String) -> String {
    if text.len() > PROBLEM_TEXT_MAX_BYTES {
        text.truncate(text.floor_char_boundary(PROBLEM_TEXT_MAX_BYTES));
        text.push('…');
    }
    let is_hidden = |c: char| is_control_or_format(c) && !matches!(c, '\n' | '\t');
    if !text.contains(is_hidden) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
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

    /// True when another error would only be counted, so that its message need not be good.
    pub(crate) fn is_full(&self) -> bool {
        self.errors.len() >= PROBLEMS_MAX
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_strangers_are_made_visible() {
        let problem = Problem::error("code", "/a\u{202e}b", "unknown field `\u{1b}[31m\u{9b}\u{200b}x`\nnext");
        assert_eq!(problem.to_string(), "/a\\u{202e}b: unknown field `\\u{1b}[31m\\u{9b}\\u{200b}x`\nnext [code]");
        let long = Problem::error("code", "", "é".repeat(PROBLEM_TEXT_MAX_BYTES));
        assert_eq!(long.message, "é".repeat(PROBLEM_TEXT_MAX_BYTES / 2) + "…");
    }
}
