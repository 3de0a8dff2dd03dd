//! Blobs: `blobs/{tenant}/{first two hex digits}/{64 hex digits}`.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use model::{Digest, TenantScope};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use crate::writer::{PART_BYTES, UPLOADS, Uploads};
use crate::{BlobError, BlobWriter, Stock, bucket, remnants};

mod reader;

pub use reader::BlobReader;

/// Bytes above which a digest is computed beside the tasks that wait for the network.
const HASH_INLINE_MAX_BYTES: usize = 256 << 10;

/// The blobs of all tenants. Clones share them.
#[derive(Debug, Clone)]
pub struct BlobStore {
    objects: Arc<dyn ObjectStore>,
    uploads: Arc<Uploads>,
    /// Where the objects are files.
    folder: Option<Arc<Path>>,
}

impl BlobStore {
    /// Blobs below a folder, which is made when it is missing and which no other process may use. Every write is on disk
    /// before it is acknowledged. What writers of an earlier process left is removed.
    pub fn in_folder(folder: &Path) -> Result<Self, BlobError> {
        let left = folder.join(UPLOADS);
        match std::fs::remove_dir_all(&left) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unavailable(&left, &error)),
            _ => Self::in_shared_folder(folder),
        }
    }

    /// Blobs below a folder, which is made when it is missing and which other processes may use too. Every write is on disk
    /// before it is acknowledged.
    pub fn in_shared_folder(folder: &Path) -> Result<Self, BlobError> {
        let objects = Arc::new(open(folder)?.with_fsync(true));
        Ok(Self { folder: Some(folder.into()), ..Self::over(objects, PART_BYTES) })
    }

    /// Blobs in a bucket that speaks S3, below a prefix, for any number of processes. The environment says where it is and
    /// who may enter; whether that is right is known at the first use.
    pub fn in_bucket(bucket: &str, prefix: &str) -> Result<Self, BlobError> {
        Ok(Self::over(bucket::open(bucket, prefix)?, bucket::PART_BYTES))
    }

    /// Blobs that end with the process.
    pub fn in_memory() -> Self {
        Self::over(Arc::new(InMemory::new()), PART_BYTES)
    }

    pub(crate) fn over(objects: Arc<dyn ObjectStore>, part_bytes: usize) -> Self {
        Self { uploads: Arc::new(Uploads::new(objects.clone(), part_bytes)), objects, folder: None }
    }

    /// Removes what writers that died more than a day ago have left, and says how much that was. Writes on the way, so that
    /// it tells whether the store can be used at all.
    pub async fn remove_remnants(&self) -> Result<usize, BlobError> {
        let mark = self.uploads.next();
        match &self.folder {
            Some(folder) => remnants::remove_files(&*self.objects, folder.clone(), mark).await,
            None => remnants::remove_objects(&*self.objects, mark).await,
        }
    }

    /// Begins a blob whose bytes come piece by piece.
    pub fn writer(&self, scope: TenantScope) -> BlobWriter {
        BlobWriter::new(self.uploads.clone(), scope)
    }

    /// The most bytes that one writer holds between two writes.
    pub fn writer_buffer_bytes(&self) -> usize {
        self.uploads.part_bytes
    }

    /// Keeps bytes and gives their name. Bytes that are there already are written again, so that what is acknowledged is
    /// durable whoever wrote it first.
    pub async fn put(&self, scope: TenantScope, bytes: Bytes) -> Result<Digest, BlobError> {
        let digest = digest_of(&bytes).await?;
        self.objects.put(&path(scope, digest), PutPayload::from_bytes(bytes)).await?;
        Ok(digest)
    }

    /// Keeps the bytes of a stream, of which `expected` is the name, and says how many there were. Holds one part of them
    /// at a time.
    pub async fn put_stream<E: Display>(
        &self,
        scope: TenantScope,
        expected: Digest,
        max_bytes: u64,
        mut stream: impl Stream<Item = Result<Bytes, E>> + Unpin + Send,
    ) -> Result<u64, BlobError> {
        let mut writer = self.writer(scope);
        match receive(&mut writer, expected, max_bytes, &mut stream).await {
            Ok(()) => {
                let size = writer.size();
                writer.finish().await?;
                Ok(size)
            }
            Err(error) => {
                writer.discard().await;
                Err(error)
            }
        }
    }

    /// All bytes of a blob, compared with its name.
    pub async fn get(&self, scope: TenantScope, digest: Digest) -> Result<Bytes, BlobError> {
        let bytes = match self.objects.get(&path(scope, digest)).await {
            Err(object_store::Error::NotFound { .. }) => {
                let (path, _) = self.locate(scope, digest).await?;
                self.objects.get(&path).await.map_err(|error| not_found_or(error, digest))?.bytes().await?
            }
            found => found?.bytes().await?,
        };
        if digest_of(&bytes).await? == digest { Ok(bytes) } else { Err(BlobError::Damaged(digest)) }
    }

    /// Up to `len` bytes from `offset` on; fewer at the end, none beyond it. A part cannot be compared with the name.
    pub async fn get_range(
        &self,
        scope: TenantScope,
        digest: Digest,
        offset: u64,
        len: u64,
    ) -> Result<Bytes, BlobError> {
        let (path, size) = self.locate(scope, digest).await?;
        let end = offset.saturating_add(len).min(size);
        if offset >= end {
            return Ok(Bytes::new());
        }
        self.objects.get_range(&path, offset..end).await.map_err(|error| not_found_or(error, digest))
    }

    /// Reads a blob in pieces of `piece_bytes`.
    pub async fn reader(
        &self,
        scope: TenantScope,
        digest: Digest,
        piece_bytes: usize,
    ) -> Result<BlobReader, BlobError> {
        let (path, size) = self.locate(scope, digest).await?;
        Ok(BlobReader::new(self.objects.clone(), path, digest, size, piece_bytes))
    }

    /// All objects, for checks, backups and retention.
    pub fn stock(&self) -> Stock {
        Stock::over(self.objects.clone(), self.folder.clone())
    }

    /// Where a blob is, and its size: in its place, or laid aside because nothing seemed to refer to it.
    async fn locate(&self, scope: TenantScope, digest: Digest) -> Result<(ObjectPath, u64), BlobError> {
        if let Some(size) = self.size(scope, digest).await? {
            return Ok((path(scope, digest), size));
        }
        let found = self.stock().find(scope, digest).await?.ok_or(BlobError::NotFound(digest))?;
        Ok((ObjectPath::from(found.name.to_string()), found.size_bytes))
    }

    /// Whether there is such a blob. One that was laid aside is not: whoever refers to it sends it again.
    pub async fn exists(&self, scope: TenantScope, digest: Digest) -> Result<bool, BlobError> {
        Ok(self.size(scope, digest).await?.is_some())
    }

    /// How many bytes a blob has; none when there is no such blob, or when it was laid aside.
    pub async fn size(&self, scope: TenantScope, digest: Digest) -> Result<Option<u64>, BlobError> {
        match self.objects.head(&path(scope, digest)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// The objects below a folder, which is made when it is missing.
pub(crate) fn open(folder: &Path) -> Result<LocalFileSystem, BlobError> {
    std::fs::create_dir_all(folder).map_err(|error| unavailable(folder, &error))?;
    Ok(LocalFileSystem::new_with_prefix(folder)?)
}

pub(crate) fn unavailable(folder: &Path, error: &std::io::Error) -> BlobError {
    BlobError::Unavailable { detail: format!("{}: {error}", folder.display()) }
}

pub(crate) fn path(scope: TenantScope, digest: Digest) -> ObjectPath {
    let (tenant, digits) = (scope.tenant().number(), digest.to_hex());
    ObjectPath::from(format!("blobs/{tenant}/{}/{digits}", &digits[..2]))
}

fn not_found_or(error: object_store::Error, digest: Digest) -> BlobError {
    match error {
        object_store::Error::NotFound { .. } => BlobError::NotFound(digest),
        error => error.into(),
    }
}

async fn digest_of(bytes: &Bytes) -> Result<Digest, BlobError> {
    if bytes.len() <= HASH_INLINE_MAX_BYTES {
        return Ok(Digest::of(bytes));
    }
    let bytes = bytes.clone();
    let digest = tokio::task::spawn_blocking(move || Digest::of(&bytes)).await;
    digest.map_err(|error| BlobError::Unavailable { detail: error.to_string() })
}

async fn receive<E: Display>(
    writer: &mut BlobWriter,
    expected: Digest,
    max_bytes: u64,
    stream: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin + Send),
) -> Result<(), BlobError> {
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(|error| BlobError::BrokenOff { detail: error.to_string() })?;
        if writer.size() + bytes.len() as u64 > max_bytes {
            return Err(BlobError::TooLarge { max_bytes });
        }
        writer.write(bytes).await?;
    }
    let found = writer.digest();
    if found == expected { Ok(()) } else { Err(BlobError::OtherDigest { expected, found }) }
}

#[cfg(test)]
mod tests;
