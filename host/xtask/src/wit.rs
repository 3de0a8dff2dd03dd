//! The contract with guests does not change without a version: `wit/published.sha256` holds the digest of each version's text.
//!
//! One line a version: `sha256  waft:task@0.1.0`. The digest is over the names and texts of all files of `wit/`, sorted by name.

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::tidy::Finding;
use crate::workspace::{SourceFile, Workspace};

const PUBLISHED: &str = "wit/published.sha256";

/// `cargo xtask wit`: records the digest of the contract as it stands.
pub(crate) fn publish(workspace: &Workspace, unreleased: bool) -> Result<()> {
    let contract = Contract::read(&workspace.sources()?)
        .context("wit/ holds no package line such as `package waft:task@0.1.0;`")?;
    let path = workspace.root.join(PUBLISHED);
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    let Contract { version, digest } = &contract;
    match recorded(&old, version) {
        Some(recorded) if recorded == digest => return Ok(()),
        Some(_) if !unreleased => bail!(
            "{version} is published with another text: raise the version in wit/, \
             or, if no release holds it yet, `cargo xtask wit --unreleased`"
        ),
        _ => {}
    }
    let others = old.lines().filter(|line| !line.ends_with(&format!("  {version}")));
    let lines = others.map(str::to_owned).chain([format!("{digest}  {version}")]);
    let text: String = lines.map(|line| line + "\n").collect();
    std::fs::write(&path, text).with_context(|| format!("writing {PUBLISHED}"))
}

/// The contract as it stands is the one that its version was published with.
pub(crate) fn published(sources: &[SourceFile]) -> Vec<Finding> {
    let Some(Contract { version, digest }) = Contract::read(sources) else {
        return vec![Finding::error("wit", "no file has a package line such as `package waft:task@0.1.0;`")];
    };
    let published = sources.iter().find(|file| file.path == PUBLISHED).map_or("", |file| &file.text);
    let message = match recorded(published, &version) {
        Some(recorded) if recorded == digest => return Vec::new(),
        Some(_) => format!("the text of {version} has changed: raise the version, then `cargo xtask wit`"),
        None => format!("{version} is not recorded: `cargo xtask wit`"),
    };
    vec![Finding::error(PUBLISHED, message)]
}

struct Contract {
    /// `waft:task@0.1.0`
    version: String,
    digest: String,
}

impl Contract {
    fn read(sources: &[SourceFile]) -> Option<Self> {
        let mut files: Vec<_> =
            sources.iter().filter(|file| file.path.starts_with("wit/") && file.path.ends_with(".wit")).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let packages = files.iter().flat_map(|file| file.text.lines().filter_map(|line| line.strip_prefix("package ")));
        let version = packages.filter_map(|line| line.split(';').next()).next()?.trim().to_owned();
        let mut hash = Sha256::new();
        for part in files.iter().flat_map(|file| [&file.path, &file.text]) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { version, digest })
    }
}

fn recorded<'a>(published: &'a str, version: &str) -> Option<&'a str> {
    published
        .lines()
        .find_map(|line| line.split_once("  ").filter(|(_, recorded)| *recorded == version).map(|(digest, _)| digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{fixture, render};

    const TEXT: &str = "//- wit/a.wit\npackage waft:task@1.2.3;\n";

    #[test]
    fn a_version_that_is_not_recorded_is_found() {
        let expected = "error: wit/published.sha256: waft:task@1.2.3 is not recorded: `cargo xtask wit`";
        assert_eq!(render(published(&fixture(TEXT))), expected);
    }

    #[test]
    fn a_changed_text_under_an_old_version_is_found() {
        let digest = Contract::read(&fixture(TEXT)).expect("a package line").digest;
        let record = format!("//- {PUBLISHED}\n{digest}  waft:task@1.2.3\n");
        assert_eq!(render(published(&fixture(&format!("{TEXT}{record}")))), "");

        let expected = "error: wit/published.sha256: the text of waft:task@1.2.3 has changed: raise the version, then `cargo xtask wit`";
        assert_eq!(render(published(&fixture(&format!("{TEXT}interface more {{}}\n{record}")))), expected);
    }
}
