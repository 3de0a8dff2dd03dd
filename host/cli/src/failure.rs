//! Why a command did not do what it was asked, and how that is shown.
//!
//! A [`Failure`] is expected: the user's fault or the world's. It says what was tried, why it failed and what to do, and has its exit
//! code. Bugs are panics.

use std::fmt;
use std::io;

use anyhow::Error;
use client::{ClientError, ErrorKind, Problem};
use serde_json::json;

use crate::clean::{clean, clean_line};
use crate::exit::Exit;
use crate::screen::{Format, json_text};
use crate::serve::DataFolderError;

/// A command that did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// What was tried, with all causes.
    error: Error,
    /// What to do.
    hint: Option<String>,
    /// The server's stable name of the error.
    slug: Option<String>,
    /// All that is wrong with what was sent.
    problems: Vec<Problem>,
}

/// What a command comes to.
pub(crate) type Outcome = Result<Exit, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, error: impl Into<Error>) -> Self {
        Self { exit, error: error.into(), hint: None, slug: None, problems: Vec::new() }
    }

    /// Arguments, configuration or input that is wrong.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, Error::msg(message.to_string()))
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Whoever reads the output has gone: nothing to tell and nobody to tell it.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        let closed = |error: &(dyn std::error::Error + 'static)| {
            error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
        };
        self.error.chain().any(closed)
    }

    /// For standard error.
    pub(crate) fn render(&self, format: Format) -> String {
        match format {
            Format::Json => self.render_json(),
            Format::Table | Format::Plain => self.render_text(),
        }
    }

    fn render_json(&self) -> String {
        let error = json!({ "error": {
            "exit_code": self.exit as u8,
            "message": format!("{:#}", self.error),
            "slug": self.slug,
            "hint": self.hint,
            "errors": self.problems,
        }});
        json_text(&error) + "\n"
    }

    fn render_text(&self) -> String {
        let mut text = format!("error: {}\n", clean_line(&self.error.to_string()));
        for cause in self.error.chain().skip(1) {
            text += &format!("  because: {}\n", clean_line(&cause.to_string()));
        }
        for problem in &self.problems {
            let label = if problem.severity == "warning" { "warning" } else { "problem" };
            text += &format!("  {label}: {}\n", clean(&problem.to_string()).replace('\n', "\n    "));
        }
        if let Some(hint) = &self.hint {
            text += &format!("  hint: {}\n", clean_line(hint));
        }
        text
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match error.kind() {
            ErrorKind::Address { .. } | ErrorKind::Token => Exit::Usage,
            ErrorKind::Unreachable { .. } | ErrorKind::Answer { .. } => Exit::Unreachable,
            ErrorKind::TimedOut { .. } => Exit::TimedOut,
            ErrorKind::Refused(refusal) => match refusal.status {
                404 => Exit::NotFound,
                400..500 => Exit::Refused,
                _ => Exit::Broken,
            },
        };
        let hint = error.hint();
        let (slug, problems) = match error.refusal() {
            Some(refusal) => (Some(refusal.slug.clone()), refusal.errors.clone()),
            None => (None, Vec::new()),
        };
        Self { exit, hint, slug: slug.filter(|slug| !slug.is_empty()), problems, error: error.into() }
    }
}

impl From<control::Error> for Failure {
    fn from(error: control::Error) -> Self {
        use control::Code;
        let exit = match error.code() {
            Code::DagNotFound
            | Code::VersionNotFound
            | Code::RunNotFound
            | Code::TaskNotFound
            | Code::InstanceNotFound
            | Code::TryNotFound
            | Code::XcomNotFound
            | Code::BlobNotFound => Exit::NotFound,
            Code::NotWritable | Code::Unavailable | Code::Internal | Code::Stopping => Exit::Broken,
            _ => Exit::Refused,
        };
        let problem = |problem: &model::Problem| Problem {
            severity: match problem.severity {
                model::Severity::Error => "error".to_owned(),
                model::Severity::Warning => "warning".to_owned(),
            },
            code: problem.code.clone(),
            path: problem.path.clone(),
            message: problem.message.clone(),
        };
        Self {
            exit,
            hint: error.what_to_do().map(str::to_owned),
            slug: Some(error.code().slug().to_owned()),
            problems: error.all_problems().iter().map(problem).collect(),
            error: error.into(),
        }
    }
}

impl From<DataFolderError> for Failure {
    fn from(error: DataFolderError) -> Self {
        Self::new(Exit::Broken, error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Exit::Broken, error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(Exit::Broken, error)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn failure() -> Failure {
        let error = anyhow!("there is no DAG \"x\u{1b}[2J\"").context("cannot trigger DAG \"x\"");
        let problem = Problem {
            severity: "error".into(),
            code: "unknown-task".into(),
            path: "/tasks/3".into(),
            message: "there is no task \"b\"".into(),
        };
        Failure { slug: Some("dag-not-found".into()), problems: vec![problem], ..Failure::new(Exit::NotFound, error) }
            .hint("deploy the bundle that defines it")
    }

    #[test]
    fn people_see_what_why_and_what_to_do() {
        insta::assert_snapshot!(failure().render(Format::Table), @r#"
        error: cannot trigger DAG "x"
          because: there is no DAG "x"
          problem: /tasks/3: there is no task "b" [unknown-task]
          hint: deploy the bundle that defines it
        "#);
    }

    #[test]
    fn scripts_see_the_same() {
        insta::assert_snapshot!(failure().render(Format::Json), @r#"
        {
          "error": {
            "exit_code": 3,
            "message": "cannot trigger DAG \"x\": there is no DAG \"x\u001b[2J\"",
            "slug": "dag-not-found",
            "hint": "deploy the bundle that defines it",
            "errors": [
              {
                "severity": "error",
                "code": "unknown-task",
                "path": "/tasks/3",
                "message": "there is no task \"b\""
              }
            ]
          }
        }
        "#);
    }

    #[test]
    fn a_reader_that_has_gone_is_told_nothing() {
        let gone = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(Failure::from(Error::from(gone).context("cannot print")).is_closed_pipe());
        assert!(!failure().is_closed_pipe());
    }
}
