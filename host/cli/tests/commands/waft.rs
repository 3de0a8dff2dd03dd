//! Runs the binary in an empty folder with an empty environment.

use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::canned::Canned;

/// What the binary said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A call of the binary.
pub(crate) struct Call {
    command: Command,
    folder: TempDir,
}

pub(crate) fn waft() -> Call {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_waft"));
    command.env_clear().current_dir(folder.path()).stdin(Stdio::null());
    Call { command, folder }
}

impl Call {
    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn arg(self, arg: &str) -> Self {
        self.args(&[arg])
    }

    pub(crate) fn server(self, server: &Canned) -> Self {
        self.variable("WAFT_SERVER", &server.url())
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    pub(crate) fn run(mut self) -> Said {
        let output = self.command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}
