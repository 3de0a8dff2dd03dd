//! Makes a backup of one data folder: a copy of its database that is of one moment, and its objects.
//!
//! The copy of the database comes first. What it refers to was stored before, so the objects that are copied afterwards hold it
//! all, and perhaps more; a blob that was laid aside meanwhile is copied from where it lies.

use std::io;
use std::path::{Path, PathBuf};

use blobs::{BlobError, ObjectKind, ObjectName, Stock};
use clock::Clock;
use futures::TryStreamExt;
use model::{Digest, TenantScope};
use store::{RetentionStore, StoreError};

use crate::archive::{ArchiveSize, ArchiveWriter, Entry};
use crate::references::References;

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{0:?} exists already; give the backup another name, or remove that file")]
    Exists(PathBuf),
    #[error("{0:?} is no name of a file")]
    NoFile(PathBuf),
    #[error("the folder {0:?} is not empty; restore into a new one")]
    NotEmpty(PathBuf),
    #[error("{path:?}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path:?} cannot be used: {detail}")]
    Damaged { path: PathBuf, detail: String },
    #[error("the blob {digest} of tenant {tenant} is damaged: its bytes have another digest", tenant = .scope.tenant())]
    DamagedBlob { scope: TenantScope, digest: Digest },
    #[error("the blob {digest} of tenant {tenant} is missing, and a row refers to it", tenant = .scope.tenant())]
    MissingBlob { scope: TenantScope, digest: Digest },
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes the backup `file`. `copy` is a file with the database of one moment, `open` opens it once it is in the backup.
pub async fn backup<R: RetentionStore>(
    copy: &Path,
    open: impl AsyncFnOnce() -> Result<R, StoreError>,
    stock: &Stock,
    file: &Path,
    program: &str,
    clock: &dyn Clock,
) -> Result<ArchiveSize, BackupError> {
    let mut archive = ArchiveWriter::begin(file, program, clock.now().to_string())?;
    archive.file(Entry::Database, copy)?;
    for kind in [ObjectKind::Blobs, ObjectKind::Logs] {
        let mut objects = stock.list(kind);
        while let Some(object) = objects.try_next().await? {
            add(&mut archive, stock, object.name).await?;
        }
    }
    let rows = open().await?;
    let mut references = References::begin(&rows, stock).await?;
    while let Some((scope, named)) = references.next().await? {
        for digest in named {
            match stock.find(scope, digest).await? {
                None => return Err(BackupError::MissingBlob { scope, digest }),
                Some(object) if matches!(object.name, ObjectName::Discarded(..)) => {
                    add(&mut archive, stock, object.name).await?;
                }
                Some(_) => {}
            }
        }
    }
    failpoint::begins("backup::snapshot");
    let size = archive.finish()?;
    failpoint::ends("backup::snapshot");
    Ok(size)
}

/// Adds an object, if it is still there. A blob is added under its own name wherever it lies.
async fn add(archive: &mut ArchiveWriter, stock: &Stock, name: ObjectName) -> Result<(), BackupError> {
    let Some(bytes) = stock.read(name).await? else { return Ok(()) };
    let name = match name {
        ObjectName::Blob(scope, digest) | ObjectName::Discarded(_, scope, digest) => {
            if Digest::of(&bytes) != digest {
                return Err(BackupError::DamagedBlob { scope, digest });
            }
            ObjectName::Blob(scope, digest)
        }
        chunk @ ObjectName::Chunk(..) => chunk,
    };
    archive.bytes(Entry::Object(name), &bytes)
}
