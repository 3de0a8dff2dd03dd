//! `waft.toml`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::nearest::nearest;

/// The file that is read where nobody names one.
pub(crate) const FILE_NAME: &str = "waft.toml";
const FILE_MAX_BYTES: u64 = 1 << 20;

/// What `waft.toml` says.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConfigFile {
    /// None where there is none.
    path: Option<PathBuf>,
    /// Somebody named the file; else it was found in the current folder.
    is_named: bool,
    values: Table,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the configuration {path:?}")]
pub(crate) struct FileError {
    path: PathBuf,
    #[source]
    kind: FileErrorKind,
}

#[derive(Debug, thiserror::Error)]
enum FileErrorKind {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it has more than {FILE_MAX_BYTES} bytes")]
    TooLarge,
    #[error("{0}")]
    Syntax(String),
}

/// A key that means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownKey {
    path: PathBuf,
    key: String,
    meant: Option<String>,
}

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: unknown key {:?} is ignored", self.path.display(), self.key)?;
        match &self.meant {
            Some(meant) => write!(f, "; did you mean {meant:?}?"),
            None => Ok(()),
        }
    }
}

impl ConfigFile {
    /// Reads the file that is named, or else the one in `folder` where there is one.
    pub(crate) fn read(named: Option<&Path>, folder: &Path) -> Result<Self, FileError> {
        let path = named.map_or_else(|| folder.join(FILE_NAME), Path::to_owned);
        let is_named = named.is_some();
        let failed = |kind| FileError { path: path.clone(), kind };
        let text = match read_bounded(&path) {
            Err(FileErrorKind::Io(error)) if error.kind() == io::ErrorKind::NotFound && !is_named => {
                return Ok(Self::default());
            }
            text => text.map_err(failed)?,
        };
        let values = text.parse().map_err(|error: toml::de::Error| failed(FileErrorKind::Syntax(error.to_string())))?;
        Ok(Self { path: Some(path), is_named, values })
    }

    /// The text of a key: of a string what it holds, of a number its digits. A key of a table is named after it, with a point.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let mut parts = key.split('.');
        let mut value = self.values.get(parts.next()?)?;
        for part in parts {
            value = value.as_table()?.get(part)?;
        }
        match value {
            Value::String(text) => Some(text.clone()),
            value => Some(value.to_string()),
        }
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(FILE_NAME))
    }

    /// False for a file that was found, not chosen: whoever made the folder wrote it.
    pub(crate) fn is_named(&self) -> bool {
        self.is_named
    }

    /// Keys that are none of `known`.
    pub(crate) fn unknown_keys<'a>(&self, known: impl IntoIterator<Item = &'a str> + Clone) -> Vec<UnknownKey> {
        let is_known = |key: &str| known.clone().into_iter().any(|it| it == key);
        let unknown = self.keys(known.clone()).into_iter().filter(|key| !is_known(key));
        let meant = |key: &str| nearest(key, known.clone()).map(str::to_owned);
        unknown.map(|key| UnknownKey { path: self.path().to_owned(), meant: meant(&key), key }).collect()
    }

    /// All keys; of tables that are known those within them.
    fn keys<'a>(&self, known: impl IntoIterator<Item = &'a str> + Clone) -> Vec<String> {
        let is_table =
            |key: &str| known.clone().into_iter().any(|it| it.split_once('.').is_some_and(|(table, _)| table == key));
        let mut keys = Vec::new();
        for (key, value) in &self.values {
            match value {
                Value::Table(table) if is_table(key) => {
                    keys.extend(table.keys().map(|inner| format!("{key}.{inner}")));
                }
                _ => keys.push(key.clone()),
            }
        }
        keys
    }
}

fn read_bounded(path: &Path) -> Result<String, FileErrorKind> {
    if std::fs::metadata(path)?.len() > FILE_MAX_BYTES {
        return Err(FileErrorKind::TooLarge);
    }
    Ok(std::fs::read_to_string(path)?)
}
