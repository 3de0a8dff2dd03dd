//! Dependencies: each says what it is for, and each is used.

use crate::tidy::Finding;
use crate::workspace::{Package, SourceFile};

/// Declared for the version or the features that they pin, not for a name in the code.
const PINS: &[&str] = &["libsqlite3-sys"];

/// Each line of `[workspace.dependencies]` says what for, and some package takes it.
pub(crate) fn shared_are_explained_and_used(manifest: &str, packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = manifest.lines().enumerate().skip_while(|(_, line)| line.trim() != "[workspace.dependencies]").skip(1);
    for (number, line) in lines.take_while(|(_, line)| !line.starts_with('[')) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim();
        if name.starts_with('#') {
            continue;
        }
        // What a crate of the house is for stands at its head.
        let is_house = value.contains("path =");
        if !is_house && !value.contains("# ") {
            let message = format!("dependency `{name}` has no comment that says what it is for");
            findings.push(Finding::error("Cargo.toml", message).at(number + 1));
        }
        let is_used = packages.iter().any(|package| package.dependencies.iter().any(|used| used.name == name));
        if !is_house && !is_used {
            let message = format!("dependency `{name}` is used by no package: remove the line");
            findings.push(Finding::error("Cargo.toml", message).at(number + 1));
        }
    }
    findings
}

/// `cargo run` in the workspace is the program: where it could be several, the first command that a user tries fails.
pub(crate) fn the_program_is_run(manifest: &str) -> Option<Finding> {
    let line = manifest.lines().find(|line| line.starts_with("default-members"));
    let value = line.and_then(|line| line.split('#').next()?.split_once('='));
    let is_program = value.is_some_and(|(_, value)| value.trim() == r#"["host/cli"]"#);
    let message = r#"`cargo run` has to be the program: write default-members = ["host/cli"]"#;
    (!is_program).then(|| Finding::error("Cargo.toml", message))
}

/// A package names each of its dependencies somewhere in its sources.
pub(crate) fn declared_are_used(packages: &[Package], sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let inside = format!("{}/", package.folder);
        // A package may stand inside another's folder; its files are not the outer one's.
        let nested = packages.iter().map(|other| format!("{}/", other.folder));
        let nested: Vec<_> = nested.filter(|folder| folder.starts_with(&inside) && *folder != inside).collect();
        let own = sources.iter().filter(|file| {
            file.is_rust()
                && file.path.starts_with(&inside)
                && !nested.iter().any(|folder| file.path.starts_with(folder))
        });
        let own: Vec<_> = own.collect();
        for dependency in package.dependencies.iter().filter(|dependency| !PINS.contains(&dependency.name.as_str())) {
            let name = dependency.name.replace('-', "_");
            if !own.iter().any(|file| has_word(&file.text, &name)) {
                let message = format!("dependency `{}` is used nowhere in the crate: remove the line", dependency.name);
                findings.push(Finding::error(format!("{}/Cargo.toml", package.folder), message));
            }
        }
    }
    findings
}

/// Whether `word` stands in `text` with no letter, digit or underscore on either side.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(is_part)
            && !text[at + word.len()..].chars().next().is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{fixture, render};
    use crate::workspace::Dependency;

    fn package(dependencies: &[&str]) -> Package {
        let dependencies = dependencies.iter().map(|name| Dependency { name: (*name).to_owned(), is_dev: false });
        Package {
            name: "api".to_owned(),
            folder: "host/api".to_owned(),
            dependencies: dependencies.collect(),
            is_cdylib: false,
        }
    }

    #[test]
    fn the_program_is_what_runs() {
        assert!(the_program_is_run("default-members = [\"host/cli\"] # the program\n").is_none());
        for manifest in ["[workspace]\ndefault-members = [\"host/*\"]\n", "[workspace]\n"] {
            assert!(render(the_program_is_run(manifest)).contains("default-members"), "{manifest}");
        }
    }

    #[test]
    fn a_shared_dependency_without_comment_or_user_is_found() {
        let manifest = "[workspace.dependencies]\nmodel = { path = \"host/model\" }\naxum = \"1\" # routes\nlru = \"1\"\n[x]\na = 1";
        let expected = "error: Cargo.toml:4: dependency `lru` has no comment that says what it is for\n\
                        error: Cargo.toml:4: dependency `lru` is used by no package: remove the line";
        assert_eq!(render(shared_are_explained_and_used(manifest, &[package(&["axum"])])), expected);
    }

    #[test]
    fn a_declared_dependency_that_no_file_names_is_found() {
        let sources = fixture("//- host/api/src/lib.rs\nuse tower_http::trace;\nfn hyperion() {}");
        let expected = "error: host/api/Cargo.toml: dependency `hyper` is used nowhere in the crate: remove the line";
        assert_eq!(render(declared_are_used(&[package(&["tower-http", "hyper"])], &sources)), expected);
    }
}
