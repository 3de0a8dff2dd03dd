//! The file of a backup: a tar archive that says at its end what it holds.
//!
//! It begins with a *head* that says which format it has, and ends with a *seal*: how many entries stand before it, and a digest over
//! their names and bytes. A file without its seal was cut off and is refused; so is one with anything in it that is no part of a
//! backup.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use blobs::ObjectName;
use model::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::BackupError;

const FORMAT: u32 = 1;
const HEAD: &str = "waft-backup.json";
const DATABASE: &str = "waft.db";
const OBJECTS: &str = "objects/";
const SEAL: &str = "waft-backup-seal.json";
/// Longest head and seal.
const TEXT_MAX_BYTES: u64 = 64 << 10;
const PIECE_BYTES: usize = 256 << 10;

/// What stands first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) format: u32,
    /// The version of the program that wrote it.
    pub(crate) program: String,
    pub(crate) made_at: String,
}

/// What stands last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seal {
    entries: u64,
    bytes: u64,
    digest: Digest,
}

/// One thing in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Database,
    Object(ObjectName),
}

impl Entry {
    /// Where it stands in the archive, and below a data folder.
    pub(crate) fn path(self) -> String {
        match self {
            Self::Database => DATABASE.to_owned(),
            Self::Object(name) => format!("{OBJECTS}{name}"),
        }
    }

    fn of_path(path: &str) -> Option<Self> {
        if path == DATABASE {
            return Some(Self::Database);
        }
        path.strip_prefix(OBJECTS)?.parse().ok().map(Self::Object)
    }
}

/// Counts and digests entries as they pass.
#[derive(Default)]
struct Tally {
    entries: u64,
    bytes: u64,
    hasher: Sha256,
}

impl Tally {
    fn add(&mut self, path: &str, size: u64, digest: &[u8]) {
        self.entries += 1;
        self.bytes += size;
        self.hasher.update(path.as_bytes());
        self.hasher.update([0]);
        self.hasher.update(size.to_le_bytes());
        self.hasher.update(digest);
    }

    fn seal(self) -> Seal {
        let digest = Digest::from_bytes(self.hasher.finalize().into());
        Seal { entries: self.entries, bytes: self.bytes, digest }
    }
}

/// A backup holds everything that a data folder does.
const ONLY_OWNER: u32 = 0o600;

/// What an archive holds in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ArchiveSize {
    pub objects: u64,
    pub bytes: u64,
}

/// Writes an archive beside its place; it takes the place when it is whole and on disk.
pub(crate) struct ArchiveWriter {
    tar: tar::Builder<BufWriter<File>>,
    tally: Tally,
    partial: PathBuf,
    place: PathBuf,
}

impl ArchiveWriter {
    /// Begins an archive that will be at `place`, where nothing may be.
    pub(crate) fn begin(place: &Path, program: &str, made_at: String) -> Result<Self, BackupError> {
        if place.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(place.to_owned()));
        }
        let name = place.file_name().ok_or_else(|| BackupError::NoFile(place.to_owned()))?;
        // No other living process has this name.
        let partial = place.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
        let failed = |source| BackupError::Io { path: partial.clone(), source };
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(ONLY_OWNER);
        let file = options.open(&partial).map_err(failed)?;
        let mut tar = tar::Builder::new(BufWriter::with_capacity(PIECE_BYTES, file));
        let head = Head { format: FORMAT, program: program.to_owned(), made_at };
        append(&mut tar, HEAD, &serde_json::to_vec(&head).unwrap_or_default()).map_err(failed)?;
        Ok(Self { tar, tally: Tally::default(), partial, place: place.to_owned() })
    }

    /// Adds a file.
    pub(crate) fn file(&mut self, entry: Entry, file: &Path) -> Result<(), BackupError> {
        let failed = |source| BackupError::Io { path: file.to_owned(), source };
        let mut source = File::open(file).map_err(failed)?;
        let size = source.metadata().map_err(failed)?.len();
        let path = entry.path();
        let mut hashing = Hashing { inner: &mut source, hasher: Sha256::new(), read: 0 };
        let mut header = header(size);
        self.tar.append_data(&mut header, &path, &mut hashing).map_err(|error| self.io(error))?;
        if hashing.read != size {
            return Err(failed(io::Error::other("it changed while it was read")));
        }
        self.tally.add(&path, size, &hashing.hasher.finalize());
        Ok(())
    }

    /// Adds bytes.
    pub(crate) fn bytes(&mut self, entry: Entry, bytes: &[u8]) -> Result<(), BackupError> {
        let path = entry.path();
        append(&mut self.tar, &path, bytes).map_err(|error| self.io(error))?;
        self.tally.add(&path, bytes.len() as u64, &Sha256::digest(bytes));
        Ok(())
    }

    /// Seals the archive; it is in its place and durable when this returns.
    pub(crate) fn finish(mut self) -> Result<ArchiveSize, BackupError> {
        let seal = std::mem::take(&mut self.tally).seal();
        let size = ArchiveSize { objects: seal.entries.saturating_sub(1), bytes: seal.bytes };
        let text = serde_json::to_vec(&seal).unwrap_or_default();
        let done = || -> io::Result<()> {
            append(&mut self.tar, SEAL, &text)?;
            self.tar.finish()?;
            self.tar.get_mut().flush()?;
            self.tar.get_ref().get_ref().sync_all()?;
            // Unlike a renaming, a link replaces nothing that came meanwhile.
            std::fs::hard_link(&self.partial, &self.place)?;
            sync_folder_of(&self.place)
        };
        let mut done = done;
        done().map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(self.place.clone()),
            _ => BackupError::Io { path: self.partial.clone(), source },
        })?;
        Ok(size)
    }

    fn io(&self, source: io::Error) -> BackupError {
        BackupError::Io { path: self.partial.clone(), source }
    }
}

impl Drop for ArchiveWriter {
    fn drop(&mut self) {
        // Where the archive is in its place, it has two names.
        let _ = std::fs::remove_file(&self.partial);
    }
}

/// Shows each entry of an archive with its bytes to `take`, which must read them all; fails unless the seal is right. Nothing may be
/// believed before this returns.
pub(crate) fn read(
    file: &Path,
    mut take: impl FnMut(Entry, &mut dyn Read) -> Result<(), BackupError>,
) -> Result<ArchiveSize, BackupError> {
    let failed = |source| BackupError::Io { path: file.to_owned(), source };
    let damaged = |detail: String| BackupError::Damaged { path: file.to_owned(), detail };
    let source = File::open(file).map_err(failed)?;
    let mut tar = tar::Archive::new(BufReader::with_capacity(PIECE_BYTES, source));
    let mut tally = Tally::default();
    let (mut head, mut seal) = (None::<Head>, None::<Seal>);
    for found in tar.entries().map_err(failed)? {
        let mut found = found.map_err(|error| damaged(error.to_string()))?;
        let path = found.path().map_err(|error| damaged(error.to_string()))?.to_string_lossy().into_owned();
        let size = found.size();
        if found.header().entry_type() != tar::EntryType::Regular || seal.is_some() {
            return Err(damaged(format!("{path:?} does not belong there")));
        }
        match (path.as_str(), &head) {
            (HEAD, None) => head = Some(text(&mut found).map_err(damaged)?),
            (_, None) => return Err(damaged("it is no backup of Waft".to_owned())),
            (SEAL, Some(_)) => seal = Some(text(&mut found).map_err(damaged)?),
            (_, Some(_)) => {
                let entry = Entry::of_path(&path).ok_or_else(|| damaged(format!("{path:?} does not belong there")))?;
                let mut hashing = Hashing { inner: &mut found, hasher: Sha256::new(), read: 0 };
                take(entry, &mut hashing)?;
                if hashing.read != size {
                    return Err(damaged(format!("{path:?} has {} bytes of {size}", hashing.read)));
                }
                let digest: [u8; 32] = hashing.hasher.finalize().into();
                if let Entry::Object(ObjectName::Blob(_, named)) = entry
                    && named.bytes() != &digest
                {
                    return Err(damaged(format!("the blob {named} has other bytes")));
                }
                tally.add(&path, size, &digest);
            }
        }
        if let Some(Head { format, program, .. }) = head.as_ref().filter(|head| head.format != FORMAT) {
            return Err(damaged(format!(
                "it has format {format}, written by waft {program}; this program reads {FORMAT}"
            )));
        }
    }
    let seal = seal.ok_or_else(|| damaged("its end is missing".to_owned()))?;
    let size = ArchiveSize { objects: seal.entries.saturating_sub(1), bytes: seal.bytes };
    if tally.seal() != seal {
        return Err(damaged("what it holds is not what was written".to_owned()));
    }
    Ok(size)
}

/// Makes what was done in the folder of `path` durable.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o600);
    header
}

fn append(tar: &mut tar::Builder<BufWriter<File>>, path: &str, bytes: &[u8]) -> io::Result<()> {
    tar.append_data(&mut header(bytes.len() as u64), path, bytes)
}

fn text<T: for<'de> Deserialize<'de>>(found: &mut dyn Read) -> Result<T, String> {
    let mut text = Vec::new();
    found.take(TEXT_MAX_BYTES).read_to_end(&mut text).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| error.to_string())
}

/// Digests what is read through it.
struct Hashing<'r> {
    inner: &'r mut dyn Read,
    hasher: Sha256,
    read: u64,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.read += count as u64;
        Ok(count)
    }
}
