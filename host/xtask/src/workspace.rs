//! What cargo and the disk say about this repository: its packages, their dependencies, its text files.
//!
//! Read once per command; the rules of [`crate::tidy`] see nothing else, so that each can be tested on a few lines of text.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use xshell::{Shell, cmd};

/// The repository.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// One package of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, from the root, with `/` between the parts.
    pub(crate) folder: String,
    pub(crate) dependencies: Vec<Dependency>,
    /// Builds a dynamic library: with [`Package::is_guest`], a component.
    pub(crate) is_cdylib: bool,
}

/// One line of a package's dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Only for tests, benches and examples.
    pub(crate) is_dev: bool,
}

/// A text file below the root.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    /// From the root, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Workspace {
    /// Asks cargo, from the root of this repository.
    pub(crate) fn find() -> Result<Self> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().context("the root of the repository")?;
        let shell = Shell::new()?;
        shell.change_dir(&root);
        let metadata = cmd!(shell, "cargo metadata --format-version 1 --no-deps").quiet().read()?;
        Self::from_metadata(root, &serde_json::from_str(&metadata).context("the answer of cargo metadata")?)
    }

    fn from_metadata(root: PathBuf, metadata: &Value) -> Result<Self> {
        let target = PathBuf::from(text(metadata, "target_directory")?);
        let packages = items(metadata, "packages")?.iter().map(|package| Package::from_metadata(&root, package));
        let packages = packages.collect::<Result<_>>()?;
        Ok(Self { root, target, packages })
    }

    /// A shell in the root.
    pub(crate) fn shell(&self) -> Result<Shell> {
        let shell = Shell::new()?;
        shell.change_dir(&self.root);
        Ok(shell)
    }

    /// The packages that build components for the tests, the demo and the bench.
    pub(crate) fn guests(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.is_cdylib && package.is_guest())
    }

    /// All text files that belong to the repository, sorted by path.
    pub(crate) fn sources(&self) -> Result<Vec<SourceFile>> {
        let mut sources = Vec::new();
        collect_sources(&self.root, &self.root, &mut sources)?;
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(sources)
    }

    /// One file below the root.
    pub(crate) fn read(&self, path: &str) -> Result<String> {
        std::fs::read_to_string(self.root.join(path)).with_context(|| format!("reading {path}"))
    }
}

impl Package {
    fn from_metadata(root: &Path, package: &Value) -> Result<Self> {
        let name = text(package, "name")?.to_owned();
        let manifest = Path::new(text(package, "manifest_path")?);
        let folder = manifest.parent().and_then(|folder| folder.strip_prefix(root).ok());
        let Some(folder) = folder else { bail!("package {name} is not below {}", root.display()) };
        let dependencies = items(package, "dependencies")?.iter().map(|dependency| {
            let is_dev = dependency["kind"].as_str() == Some("dev");
            Ok(Dependency { name: text(dependency, "name")?.to_owned(), is_dev })
        });
        let is_cdylib = items(package, "targets")?.iter().any(|target| {
            target["crate_types"].as_array().is_some_and(|types| types.iter().any(|kind| kind == "cdylib"))
        });
        Ok(Self { name, folder: slashed(folder), dependencies: dependencies.collect::<Result<_>>()?, is_cdylib })
    }

    /// A program that runs inside the sandbox.
    pub(crate) fn is_guest(&self) -> bool {
        self.folder.starts_with("examples/") || self.folder.starts_with("tests/guests/")
    }
}

impl SourceFile {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

fn collect_sources(root: &Path, folder: &Path, into: &mut Vec<SourceFile>) -> Result<()> {
    // Cargo marks its output folders so, whatever they are called.
    if folder.join("CACHEDIR.TAG").exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let entry = entry?;
        let path = entry.path();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let name = entry.file_name();
            if name != ".git" && name != "target" {
                collect_sources(root, &path, into)?;
            }
        } else if kind.is_file()
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            into.push(SourceFile { path: slashed(path.strip_prefix(root)?), text });
        }
    }
    Ok(())
}

fn slashed(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key].as_str().with_context(|| format!("cargo metadata has no text `{key}`"))
}

fn items<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key].as_array().with_context(|| format!("cargo metadata has no list `{key}`"))
}
