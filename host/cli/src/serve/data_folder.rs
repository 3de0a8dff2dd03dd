//! The folder that holds all data of a server, and the lock that keeps others out.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use clock::Ids;
use nix::fcntl::{Flock, FlockArg};
use uuid::Uuid;

/// A data folder that nobody else uses while this lives.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: Flock<File>,
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataFolderError {
    #[error("another server uses the data folder {0:?}; stop it, or give another folder with --data")]
    InUse(PathBuf),
    #[error("cannot use the data folder {path:?}")]
    Io { path: PathBuf, source: io::Error },
}

const LOCK: &str = "waft.lock";
const ONLY_OWNER_FOLDER: u32 = 0o700;
const ONLY_OWNER_FILE: u32 = 0o600;

impl DataFolder {
    /// Takes the folder; makes it when it is missing, for its owner alone.
    pub(crate) fn open(path: &Path) -> Result<Self, DataFolderError> {
        let failed = |source| DataFolderError::Io { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(ONLY_OWNER_FOLDER).create(path).map_err(failed)?;
        let path = fs::canonicalize(path).map_err(failed)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(ONLY_OWNER_FILE)
            .open(path.join(LOCK))
            .map_err(failed)?;
        match Flock::lock(lock, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Self { path, _lock: lock }),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(DataFolderError::InUse(path)),
            Err((_, error)) => Err(failed(error.into())),
        }
    }

    /// Whether somebody uses the folder now. Takes its lock for a moment, shared with others who look.
    pub(crate) fn is_in_use(path: &Path) -> io::Result<bool> {
        let lock = match File::open(path.join(LOCK)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            lock => lock?,
        };
        match Flock::lock(lock, FlockArg::LockSharedNonblock) {
            Ok(_) => Ok(false),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(true),
            Err((_, error)) => Err(error.into()),
        }
    }

    /// The database of a folder that is not taken.
    pub(crate) fn database_in(path: &Path) -> PathBuf {
        path.join("waft.db")
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        Self::database_in(&self.path)
    }

    /// Blobs and logs of a folder that is not taken.
    pub(crate) fn objects_in(path: &Path) -> PathBuf {
        path.join("objects")
    }

    /// What this folder is called in a cluster; it stays the same for as long as the folder is there.
    pub(crate) fn node(&self, ids: &dyn Ids) -> Result<Uuid, DataFolderError> {
        let path = self.path.join("node");
        let failed = |source| DataFolderError::Io { path: path.clone(), source };
        match fs::read_to_string(&path) {
            Ok(text) => {
                let invalid = |error| failed(io::Error::new(io::ErrorKind::InvalidData, error));
                Uuid::parse_str(text.trim()).map_err(invalid)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let node = ids.uuid();
                fs::write(&path, format!("{node}\n")).map_err(failed)?;
                Ok(node)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Compiled components.
    pub(crate) fn artefacts(&self) -> PathBuf {
        self.path.join("artefacts")
    }

    /// Blobs and logs.
    pub(crate) fn objects(&self) -> PathBuf {
        Self::objects_in(&self.path)
    }

    /// The first token.
    pub(crate) fn admin_token(&self) -> PathBuf {
        self.path.join("admin.token")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_has_one_user_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let first = DataFolder::open(&path).unwrap();
        assert!(DataFolder::is_in_use(&path).unwrap());
        let second = DataFolder::open(&path).unwrap_err();
        assert!(matches!(second, DataFolderError::InUse(_)), "{second}");
        drop(first);
        assert!(!DataFolder::is_in_use(&path).unwrap());
        DataFolder::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, ONLY_OWNER_FOLDER);
    }
}
