//! Where PostgreSQL's programs are, and as whom they run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const WITHOUT: &str = "the tests need PostgreSQL 15 or newer: install it (`apt-get install postgresql`)";

/// The programs of the newest PostgreSQL that is installed.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    folder: PathBuf,
}

const NEEDED: [&str; 4] = ["initdb", "postgres", "createdb", "psql"];

fn folder() -> Option<PathBuf> {
    candidates().into_iter().find(|folder| NEEDED.iter().all(|name| folder.join(name).is_file()))
}

impl Programs {
    pub(crate) fn find() -> Self {
        Self { folder: folder().unwrap_or_else(|| panic!("{WITHOUT}")) }
    }

    /// A command that runs a program without rights of root.
    pub(crate) fn command(&self, name: &str) -> Command {
        let program = self.folder.join(name);
        let mut command = match user() {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("runuser");
                command.arg("-u").arg(user).arg("--").arg(program);
                command
            }
        };
        // What the caller's shell says about another server does not concern this one.
        for name in ["PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGOPTIONS", "PGDATA"] {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null());
        command
    }

    /// Gives a folder to the user as whom the programs run.
    pub(crate) fn hand_over(folder: &Path) {
        if let Some(user) = user() {
            run(Command::new("chown").arg(user).arg(folder));
        }
    }
}

fn candidates() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    if let Ok(answer) = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim()));
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> = versions.map(|entry| entry.path()).collect();
    let number = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    versions.sort_by_key(number);
    folders.extend(versions.into_iter().rev().map(|version| version.join("bin")));
    folders
}

/// As whom the server runs; `None` for the one who runs the tests.
pub(crate) fn user() -> Option<&'static str> {
    let id = |args: &[&str]| {
        let answer = Command::new("id").args(args).stderr(Stdio::null()).output().ok()?;
        answer.status.success().then(|| String::from_utf8_lossy(&answer.stdout).trim().to_owned())
    };
    if id(&["-u"]).as_deref() != Some("0") {
        return None;
    }
    ["postgres", "nobody"].into_iter().find(|user| id(&["-u", user]).is_some())
}

/// Runs a command that is to succeed.
#[track_caller]
pub(crate) fn run(command: &mut Command) {
    let answer = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(answer.status.success(), "{command:?}: {}", String::from_utf8_lossy(&answer.stderr));
}
