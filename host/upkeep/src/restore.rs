//! Puts a backup into a new data folder. All of it is put together beside the folder, which appears when everything in it was
//! verified and is on disk.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::BackupError;
use crate::archive::{self, ArchiveSize, Entry, sync_folder_of};

const ONLY_OWNER_FOLDER: u32 = 0o700;
const ONLY_OWNER_FILE: u32 = 0o600;

/// A data folder that is being put together. Dropped before its end it is gone.
#[derive(Debug)]
pub struct Restoration {
    folder: PathBuf,
    place: PathBuf,
}

impl Restoration {
    /// Begins a data folder that will be at `place`, where there is none, or an empty one. What an earlier restoration of this folder left
    /// when it was killed is removed.
    pub fn begin(place: &Path) -> Result<Self, BackupError> {
        let failed = |source| BackupError::Io { path: place.to_owned(), source };
        match fs::read_dir(place).map(|mut entries| entries.next().is_none()) {
            Ok(true) => {}
            Ok(false) => return Err(BackupError::NotEmpty(place.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let name = place.file_name().ok_or_else(|| BackupError::NoFile(place.to_owned()))?;
        let folder = place.with_file_name(format!(".{}.restoring", name.to_string_lossy()));
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        DirBuilder::new().recursive(true).mode(ONLY_OWNER_FOLDER).create(&folder).map_err(failed)?;
        Ok(Self { folder, place: place.to_owned() })
    }

    /// Where the data are until then.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes everything out of a backup, and compares it with what was written.
    pub fn extract(&self, backup: &Path) -> Result<ArchiveSize, BackupError> {
        let mut has_database = false;
        let size = archive::read(backup, |entry, bytes| {
            has_database |= entry == Entry::Database;
            let path = self.folder.join(entry.path());
            let write = || {
                if let Some(parent) = path.parent() {
                    DirBuilder::new().recursive(true).mode(ONLY_OWNER_FOLDER).create(parent)?;
                }
                let mut options = OpenOptions::new();
                options.write(true).create(true).truncate(true).mode(ONLY_OWNER_FILE);
                io::copy(bytes, &mut options.open(&path)?)
            };
            let mut write = write;
            write().map(drop).map_err(|source| BackupError::Io { path: path.clone(), source })
        })?;
        if has_database {
            return Ok(size);
        }
        Err(BackupError::Damaged { path: backup.to_owned(), detail: "it holds no database".to_owned() })
    }

    /// Makes everything durable and puts the folder in its place.
    pub fn finish(self) -> Result<(), BackupError> {
        let put = || -> io::Result<()> {
            nix::unistd::syncfs(File::open(&self.folder)?)?;
            failpoint::begins("restore::swap");
            fs::rename(&self.folder, &self.place)?;
            failpoint::ends("restore::swap");
            sync_folder_of(&self.place)
        };
        put().map_err(|source| BackupError::Io { path: self.place.clone(), source })
    }
}

impl Drop for Restoration {
    fn drop(&mut self) {
        // There is none any more where the folder is in its place.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
