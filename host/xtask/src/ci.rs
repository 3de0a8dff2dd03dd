//! `cargo xtask ci`: everything that must hold before a change is taken, in the order in which it fails fastest.
//!
//! The tests come last, so that what stands at the end of the output is the runner's own summary.
//! All steps build the whole workspace with one profile, so that they share what they build.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::clients;
use crate::guest::{self, TARGET as GUEST_TARGET};
use crate::stopwatch::Stopwatch;
use crate::tidy;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let shell = workspace.shell()?;
    // Builds of this size gain nothing from incremental state, and it is gigabytes.
    shell.set_var("CARGO_INCREMENTAL", "0");
    shell.set_var("CARGO_TERM_COLOR", "never");
    let mut steps = Steps::default();

    steps.run("tools", || install_tools(&shell))?;
    steps.run("tidy", || tidy::run(workspace))?;
    steps.run("fmt", || Ok(cmd!(shell, "cargo fmt --all --check").run()?))?;
    steps.run("clippy", || {
        Ok(cmd!(shell, "cargo clippy --workspace --all-targets --features cli/failpoints --locked -- -D warnings")
            .run()?)
    })?;
    steps.run("doc", || {
        let _flags = shell.push_env("RUSTDOCFLAGS", "-Dwarnings");
        Ok(cmd!(shell, "cargo doc --workspace --no-deps --features cli/failpoints --locked").run()?)
    })?;
    steps.run("guests", || {
        workspace.guests().try_for_each(|package| guest::build(workspace, &shell, &package.name).map(drop))
    })?;
    steps.run("build", || {
        Ok(cmd!(shell, "cargo build --workspace --bins --tests --features cli/failpoints --locked").run()?)
    })?;
    steps.run("doctests", || {
        Ok(cmd!(shell, "cargo test --workspace --doc --features cli/failpoints --locked").run()?)
    })?;
    steps.run("clients", || clients::drive(workspace, &shell, clients::CASES_PER_OPERATION))?;
    steps.print();

    eprintln!("=== tests");
    shell.set_var("WAFT_BIN", workspace.target.join("debug/waft"));
    shell.set_var("PROPTEST_RNG_SEED", RANDOM_SEED);
    cmd!(shell, "cargo nextest run --workspace --features cli/failpoints --locked --profile ci")
        .run()
        .context("step `tests`")
}

/// Of the property tests, so that a red run tells about the change alone; run without it they look at other cases each time.
const RANDOM_SEED: &str = "20261121";

/// The steps that are done, with what each took.
#[derive(Default)]
struct Steps(Vec<(&'static str, Duration)>);

impl Steps {
    fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<()>) -> Result<()> {
        eprintln!("=== {name}");
        let watch = Stopwatch::start();
        step().with_context(|| format!("step `{name}`"))?;
        let took = watch.elapsed();
        eprintln!("=== {name}: {:.1} s", took.as_secs_f64());
        self.0.push((name, took));
        Ok(())
    }

    fn print(&self) {
        let total = self.0.iter().map(|(_, took)| took).sum::<Duration>();
        for (name, took) in &self.0 {
            eprintln!("{name:>10} {:>7.1} s", took.as_secs_f64());
        }
        eprintln!("{:>10} {:>7.1} s", "so far", total.as_secs_f64());
    }
}

/// The target that guests are built for, and the test runner.
fn install_tools(shell: &Shell) -> Result<()> {
    let installed = cmd!(shell, "rustup target list --installed").quiet().ignore_stderr().read().unwrap_or_default();
    let sysroot = cmd!(shell, "rustc --print sysroot").quiet().read()?;
    let has_target = shell.path_exists(format!("{sysroot}/lib/rustlib/{GUEST_TARGET}/lib"));
    if !has_target && !installed.lines().any(|target| target == GUEST_TARGET) {
        cmd!(shell, "rustup target add {GUEST_TARGET}").run().with_context(|| {
            format!("guests are built for {GUEST_TARGET}: install it with `rustup target add {GUEST_TARGET}`")
        })?;
    }
    if cmd!(shell, "cargo nextest --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        cmd!(shell, "cargo install --locked cargo-nextest")
            .run()
            .context("the tests run under nextest: install it with `cargo install --locked cargo-nextest`")?;
    }
    install_python(shell)?;
    install_postgres(shell)
}

/// What the clients of Airflow run in.
fn install_python(shell: &Shell) -> Result<()> {
    let has_venv = || cmd!(shell, "python3 -c 'import venv, ensurepip'").quiet().ignore_stderr().run().is_ok();
    let is_root = cmd!(shell, "id -u").quiet().read()? == "0";
    if !has_venv() && is_root {
        cmd!(shell, "apt-get install --yes --no-install-recommends python3-venv")
            .run()
            .context("the tests need Python 3.11 with venv (Debian: `apt-get install python3-venv`)")?;
    }
    anyhow::ensure!(has_venv(), "the tests need Python 3.11 with venv (Debian: `apt-get install python3-venv`)");
    Ok(())
}

/// The server that the tests of the other database start for themselves.
fn install_postgres(shell: &Shell) -> Result<()> {
    let is_installed = || {
        let own = cmd!(shell, "pg_config --bindir").quiet().ignore_stderr().read().unwrap_or_default();
        let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut folders = debian.map(|version| version.path().join("bin")).chain([PathBuf::from(own.trim())]);
        folders.any(|folder| folder.join("initdb").is_file())
    };
    let is_root = cmd!(shell, "id -u").quiet().read()? == "0";
    if !is_installed() && is_root {
        cmd!(shell, "apt-get install --yes --no-install-recommends postgresql").run().context(
            "the tests need PostgreSQL 15 or newer: install its server (Debian: `apt-get install postgresql`)",
        )?;
    }
    anyhow::ensure!(
        is_installed(),
        "the tests need PostgreSQL 15 or newer: install its server (Debian: `apt-get install postgresql`)"
    );
    Ok(())
}
