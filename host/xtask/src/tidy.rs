//! `cargo xtask tidy`: the rules of the house that no compiler checks.
//!
//! Each rule is a pure function from what [`Workspace`] read to findings, with its test on a small bad example beside it.
//! An error fails the command; a warning is only told.

mod dependencies;
mod migrations;
mod sources;
mod walls;

use std::fmt;

use anyhow::{Result, bail};

use crate::wit;
use crate::workspace::Workspace;

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// File or folder from the root.
    pub(crate) path: String,
    /// Counts from 1; `None` where the finding is about the whole.
    pub(crate) line: Option<usize>,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Warning,
    Error,
}

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let sources = workspace.sources()?;
    let manifest = workspace.read("Cargo.toml")?;

    let mut findings = Vec::new();
    findings.extend(walls::edges(&workspace.packages));
    findings.extend(walls::foreign_crates(&workspace.packages));
    findings.extend(walls::folders(&workspace.packages));
    findings.extend(walls::sql_in_text(&sources));
    findings.extend(dependencies::shared_are_explained_and_used(&manifest, &workspace.packages));
    findings.extend(dependencies::the_program_is_run(&manifest));
    findings.extend(dependencies::declared_are_used(&workspace.packages, &sources));
    findings.extend(sources::module_docs(&sources));
    findings.extend(sources::lengths(&sources));
    findings.extend(sources::banned_text(&sources));
    findings.extend(sources::banned_names(&sources));
    findings.extend(sources::unsafe_code(&sources));
    findings.extend(migrations::numbers(&sources));
    findings.extend(migrations::tenant_in_every_table(&sources));
    findings.extend(wit::published(&sources));
    findings.sort();

    for finding in &findings {
        eprintln!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if errors > 0 {
        bail!("{errors} rules of the house are broken");
    }
    Ok(())
}

impl Finding {
    pub(crate) fn error(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, path: path.into(), line: None, message: message.into() }
    }

    pub(crate) fn at(self, line: usize) -> Self {
        Self { line: Some(line), ..self }
    }

    pub(crate) fn warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        match self.line {
            Some(line) => write!(f, "{severity}: {}:{line}: {}", self.path, self.message),
            None => write!(f, "{severity}: {}: {}", self.path, self.message),
        }
    }
}

/// For the tests of the rules: files in one text, each begun by a line `//- path`.
#[cfg(test)]
pub(crate) fn fixture(text: &str) -> Vec<crate::workspace::SourceFile> {
    let mut files: Vec<crate::workspace::SourceFile> = Vec::new();
    for line in text.lines() {
        if let Some(path) = line.trim_start().strip_prefix("//- ") {
            files.push(crate::workspace::SourceFile { path: path.to_owned(), text: String::new() });
        } else if let Some(file) = files.last_mut() {
            file.text.push_str(line);
            file.text.push('\n');
        }
    }
    files
}

/// For the tests of the rules: the findings as text, one a line.
#[cfg(test)]
pub(crate) fn render(findings: impl IntoIterator<Item = Finding>) -> String {
    findings.into_iter().map(|finding| finding.to_string()).collect::<Vec<_>>().join("\n")
}
