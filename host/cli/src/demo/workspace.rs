//! Where the repository with the example is.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::exit::Exit;
use crate::failure::Failure;

const EXAMPLE: &str = "examples/word-count";
/// The repository from which this program was built.
const BUILT_FROM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The repository: the current folder or one above it, else the one from which this program was built.
pub(crate) fn root() -> Result<PathBuf, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let above = here.ancestors().map(Path::to_owned);
    above.chain([PathBuf::from(BUILT_FROM)]).find(|folder| has_example(folder)).ok_or_else(|| {
        Failure::new(Exit::Usage, anyhow!("the example {EXAMPLE} is neither here nor above"))
            .hint("run it in a clone of the repository")
    })
}

/// The folder of the example's package.
pub(crate) fn example(root: &Path) -> PathBuf {
    root.join(EXAMPLE)
}

fn has_example(folder: &Path) -> bool {
    example(folder).join("Cargo.toml").is_file()
}
