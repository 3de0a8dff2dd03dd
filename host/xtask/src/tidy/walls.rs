//! The walls of the house: which crate may use which, and who alone may use what from outside.

use crate::tidy::Finding;
use crate::workspace::{Package, SourceFile};

/// A crate of the house and what it may use of the house.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &["model"]),
    ("failpoint", &[]),
    ("plan", &["model"]),
    ("bundle", &["model"]),
    ("blobs", &["clock", "failpoint", "model"]),
    ("store", &["model"]),
    ("store-sqlite", &["clock", "failpoint", "model", "store"]),
    ("store-postgres", &["clock", "failpoint", "model", "store"]),
    ("sandbox", &["clock", "model"]),
    ("worker", &["blobs", "clock", "failpoint", "model", "sandbox", "store"]),
    ("scheduler", &["bundle", "clock", "failpoint", "model", "plan", "store"]),
    ("simulation", &["clock", "model", "plan", "scheduler", "store", "testkit", "upkeep"]),
    ("control", &["blobs", "bundle", "clock", "failpoint", "model", "plan", "sandbox", "scheduler", "store"]),
    ("api", &["clock", "control", "model"]),
    ("ui", &["control", "model"]),
    ("client", &["model"]),
    ("upkeep", &["blobs", "clock", "failpoint", "model", "store"]),
    ("xtask", &["testkit-postgres"]),
    ("waft", &["waft-macros"]),
    ("waft-macros", &[]),
    ("testkit-postgres", &[]),
    ("tests", &["store", "store-postgres", "store-sqlite", "testkit"]),
];

/// Where concrete types meet: may use every crate of the house.
const MAY_USE_ALL: &[&str] = &["cli", "testkit"];

/// What tests of any crate may use beside the table.
const FOR_TESTS: &[&str] = &["testkit", "testkit-postgres", "clock", "simulation"];

/// Crates from outside (`*` ends a prefix), and who alone may use them. This is also what keeps `model`, `plan` and `bundle` pure.
const FOREIGN: &[(&str, &[&str])] = &[
    ("sqlx*", &["store-sqlite", "store-postgres"]),
    ("libsqlite3-sys", &["store-sqlite"]),
    ("wasmtime*", &["sandbox"]),
    ("wasmparser", &["bundle"]),
    ("wit-parser", &["bundle"]),
    ("wit-bindgen", &["waft"]),
    ("axum*", &["api", "ui"]),
    ("hyper*", &["api", "blobs"]),
    ("rustls", &["blobs"]),
    ("utoipa*", &["api"]),
    ("reqwest", &["client", "tests"]),
    ("object_store", &["blobs"]),
    ("rand", &["clock"]),
    ("getrandom", &["clock"]),
    ("anyhow", &["cli", "xtask"]),
    ("cap-std", &["cli", "blobs"]),
    (
        "tokio",
        &[
            "api",
            "blobs",
            "cli",
            "client",
            "clock",
            "control",
            "sandbox",
            "scheduler",
            "simulation",
            "store-postgres",
            "store-sqlite",
            "testkit",
            "tests",
            "ui",
            "worker",
        ],
    ),
];

/// Packages whose folder has another name, because the folder says what it is among its siblings.
const FOLDER_OF: &[(&str, &str)] =
    &[("waft", "guest-sdk/rust"), ("waft-macros", "guest-sdk/rust/macros"), ("tests", "tests")];

/// The crates with SQL in them.
const WITH_SQL: &[&str] = &["host/store-sqlite/", "host/store-postgres/", "host/testkit-postgres/"];

/// Only what [`MAY_USE`] allows.
pub(crate) fn edges(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages.iter().filter(|package| !MAY_USE_ALL.contains(&package.name.as_str())) {
        let allowed: &[&str] = if package.is_guest() {
            &["waft"]
        } else if let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == package.name) {
            allowed
        } else {
            let message =
                format!("crate `{}` is not in the table of walls: add it, with what it may use", package.name);
            findings.push(Finding::error(&package.folder, message));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let is_house = packages.iter().any(|other| other.name == name);
            let is_for_tests = dependency.is_dev && FOR_TESTS.contains(&name);
            if is_house && !allowed.contains(&name) && !is_for_tests {
                let message = format!("`{}` must not use `{name}`; it may use: {}", package.name, allowed.join(", "));
                findings.push(Finding::error(format!("{}/Cargo.toml", package.folder), message));
            }
        }
    }
    findings
}

/// Only what [`FOREIGN`] allows.
pub(crate) fn foreign_crates(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages.iter().filter(|package| !package.is_guest()) {
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.is_dev) {
            let matches = |pattern: &str| match pattern.strip_suffix('*') {
                Some(prefix) => dependency.name.starts_with(prefix),
                None => dependency.name == pattern,
            };
            let Some((_, owners)) = FOREIGN.iter().find(|(pattern, _)| matches(pattern)) else { continue };
            if !owners.contains(&package.name.as_str()) {
                let message = format!("`{}` is for {} alone", dependency.name, owners.join(", "));
                findings.push(Finding::error(format!("{}/Cargo.toml", package.folder), message));
            }
        }
    }
    findings
}

/// A folder has the name of its package.
pub(crate) fn folders(packages: &[Package]) -> Vec<Finding> {
    let expected = |package: &Package| {
        if let Some((_, folder)) = FOLDER_OF.iter().find(|(name, _)| *name == package.name) {
            return (*folder).to_owned();
        }
        if package.folder.starts_with("tests/guests/") {
            return format!("tests/guests/{}", package.name.strip_suffix("-guest").unwrap_or(&package.name));
        }
        let parent = if package.is_guest() { "examples" } else { "host" };
        format!("{parent}/{}", package.name)
    };
    let wrong = packages.iter().filter(|package| package.folder != expected(package));
    wrong
        .map(|package| {
            let message = format!("package `{}` belongs into {}", package.name, expected(package));
            Finding::error(&package.folder, message)
        })
        .collect()
}

/// Statements of SQL stand in the crates of the databases alone.
pub(crate) fn sql_in_text(sources: &[SourceFile]) -> Vec<Finding> {
    const STATEMENTS: &[&str] =
        &["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "BEGIN IMMEDIATE", "PRAGMA "];
    let outside = sources.iter().filter(|file| {
        file.is_rust()
            && file.path.starts_with("host/")
            && !WITH_SQL.iter().any(|folder| file.path.starts_with(folder))
            && !file.path.starts_with("host/xtask/src/tidy/")
    });
    let mut findings = Vec::new();
    for file in outside {
        for (number, line) in file.text.lines().enumerate() {
            let is_comment = line.trim_start().starts_with("//");
            if !is_comment && STATEMENTS.iter().any(|statement| line.contains(statement)) {
                findings.push(Finding::error(&file.path, "SQL belongs into the crate of its database").at(number + 1));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{fixture, render};
    use crate::workspace::Dependency;

    /// `name folder: dependency, dependency (dev)`
    fn packages(lines: &[&str]) -> Vec<Package> {
        let parse = |line: &&str| {
            let (head, dependencies) = line.split_once(':').expect("a colon");
            let (name, folder) = head.split_once(' ').expect("a folder");
            let dependencies = dependencies.split(',').map(str::trim).filter(|name| !name.is_empty());
            let dependencies = dependencies.map(|name| Dependency {
                name: name.trim_end_matches(" (dev)").to_owned(),
                is_dev: name.ends_with(" (dev)"),
            });
            Package {
                name: name.to_owned(),
                folder: folder.to_owned(),
                dependencies: dependencies.collect(),
                is_cdylib: false,
            }
        };
        lines.iter().map(parse).collect()
    }

    #[test]
    fn an_edge_outside_the_table_is_found() {
        let packages = packages(&[
            "model host/model:",
            "store host/store: model",
            "clock host/clock:",
            "plan host/plan: model, store, clock (dev)",
            "new host/new:",
        ]);
        let expected = "error: host/plan/Cargo.toml: `plan` must not use `store`; it may use: model\n\
                        error: host/new: crate `new` is not in the table of walls: add it, with what it may use";
        assert_eq!(render(edges(&packages)), expected);
    }

    #[test]
    fn a_guest_may_use_the_sdk_alone() {
        let packages = packages(&["waft guest-sdk/rust:", "model host/model:", "hi examples/hi: waft, model"]);
        let expected = "error: examples/hi/Cargo.toml: `hi` must not use `model`; it may use: waft";
        assert_eq!(render(edges(&packages)), expected);
    }

    #[test]
    fn a_foreign_crate_in_the_wrong_house_is_found() {
        let packages = packages(&["model host/model: serde, wasmtime-wasi", "sandbox host/sandbox: wasmtime-wasi"]);
        assert_eq!(
            render(foreign_crates(&packages)),
            "error: host/model/Cargo.toml: `wasmtime-wasi` is for sandbox alone"
        );
    }

    #[test]
    fn a_folder_with_another_name_is_found() {
        let packages =
            packages(&["model host/models:", "probe-guest tests/guests/probe:", "word-count examples/word-count:"]);
        assert_eq!(render(folders(&packages)), "error: host/models: package `model` belongs into host/model");
    }

    #[test]
    fn sql_outside_its_crate_is_found() {
        let sources = fixture(
            "//- host/api/src/dag.rs
             // the SELECT in a comment is nothing
             let rows = query(\"SELECT 1\");
             //- host/store-sqlite/src/dag.rs
             let rows = query(\"SELECT 1\");",
        );
        assert_eq!(
            render(sql_in_text(&sources)),
            "error: host/api/src/dag.rs:2: SQL belongs into the crate of its database"
        );
    }
}
