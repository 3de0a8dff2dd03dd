//! Content-addressed bytes.

use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use model::{Digest, TenantScope};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

/// Why a blob could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The tenant has no such blob.
    #[error("there is no blob {0}")]
    NotFound(Digest),
    /// What is stored under a digest has another one.
    #[error("blob {0} is damaged: its bytes have another digest")]
    Damaged(Digest),
    /// The place where objects are kept failed.
    #[error("the object store failed")]
    Store(#[from] object_store::Error),
    /// The folder for objects cannot be used.
    #[error("the folder {folder} cannot be used")]
    Folder { folder: String, source: std::io::Error },
}

/// Blobs of all tenants, each below its own prefix. Cheap to clone.
#[derive(Clone)]
pub struct BlobStore(Arc<dyn ObjectStore>);

impl BlobStore {
    /// Blobs in a folder, which is made if need be. A write returns when the disk has it.
    pub fn in_folder(folder: &FilePath) -> Result<Self, BlobError> {
        Ok(Self(Arc::new(local(folder)?.with_fsync(true))))
    }

    /// Blobs in memory, for tests.
    pub fn in_memory() -> Self {
        Self(Arc::new(InMemory::new()))
    }

    /// Stores bytes; the same bytes again cost a look.
    pub async fn put(&self, scope: TenantScope, bytes: Bytes) -> Result<Digest, BlobError> {
        let digest = Digest::of(&bytes);
        if self.size(scope, digest).await? != Some(bytes.len() as u64) {
            self.0.put(&path(scope, digest), bytes.into()).await?;
        }
        Ok(digest)
    }

    /// All bytes of a blob, checked against its digest.
    pub async fn get(&self, scope: TenantScope, digest: Digest) -> Result<Bytes, BlobError> {
        let object = self.0.get(&path(scope, digest)).await.map_err(|error| of_digest(error, digest))?;
        let bytes = object.bytes().await?;
        if Digest::of(&bytes) == digest { Ok(bytes) } else { Err(BlobError::Damaged(digest)) }
    }

    /// Up to `len` bytes from `offset`, fewer at the end, none past it. A part cannot be checked against the digest.
    pub async fn get_range(
        &self,
        scope: TenantScope,
        digest: Digest,
        offset: u64,
        len: u64,
    ) -> Result<Bytes, BlobError> {
        let size = self.size(scope, digest).await?.ok_or(BlobError::NotFound(digest))?;
        let end = offset.saturating_add(len).min(size);
        if offset >= end {
            return Ok(Bytes::new());
        }
        let range = self.0.get_range(&path(scope, digest), offset..end).await;
        range.map_err(|error| of_digest(error, digest))
    }

    /// The size in bytes; `None` when the tenant has no such blob.
    pub async fn size(&self, scope: TenantScope, digest: Digest) -> Result<Option<u64>, BlobError> {
        match self.0.head(&path(scope, digest)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Objects below a folder.
pub(crate) fn local(folder: &FilePath) -> Result<LocalFileSystem, BlobError> {
    let unusable = |source| BlobError::Folder { folder: folder.display().to_string(), source };
    std::fs::create_dir_all(folder).map_err(unusable)?;
    Ok(LocalFileSystem::new_with_prefix(folder)?)
}

fn path(scope: TenantScope, digest: Digest) -> Path {
    let hex = digest.to_hex();
    Path::from_iter(["blobs", &scope.tenant().number().to_string(), &hex[..2], &hex])
}

fn of_digest(error: object_store::Error, digest: Digest) -> BlobError {
    match error {
        object_store::Error::NotFound { .. } => BlobError::NotFound(digest),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use model::TenantId;

    use super::*;

    const A: TenantScope = TenantScope::assume(TenantId::DEFAULT);
    const B: TenantScope = TenantScope::assume(TenantId::from_row(2));

    #[tokio::test]
    async fn bytes_come_back_whole_and_in_parts() {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = BlobStore::in_folder(folder.path()).expect("usable");
        let digest = blobs.put(A, Bytes::from_static(b"hello world")).await.expect("stored");
        assert_eq!(blobs.get(A, digest).await.expect("there"), "hello world");
        assert_eq!(blobs.get_range(A, digest, 6, 100).await.expect("there"), "world");
        assert_eq!(blobs.get_range(A, digest, 11, 1).await.expect("there"), "");
        assert_eq!(blobs.size(A, digest).await.expect("answers"), Some(11));
    }

    #[tokio::test]
    async fn a_tenant_does_not_see_the_blobs_of_another() {
        let blobs = BlobStore::in_memory();
        let digest = blobs.put(A, Bytes::from_static(b"secret")).await.expect("stored");
        assert_eq!(blobs.size(B, digest).await.expect("answers"), None);
        assert!(matches!(blobs.get(B, digest).await, Err(BlobError::NotFound(_))));
        assert!(matches!(blobs.get_range(B, digest, 0, 1).await, Err(BlobError::NotFound(_))));
    }

    #[tokio::test]
    async fn bytes_that_changed_on_the_disk_are_not_given_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = BlobStore::in_folder(folder.path()).expect("usable");
        let digest = blobs.put(A, Bytes::from_static(b"true")).await.expect("stored");
        let hex = digest.to_hex();
        std::fs::write(folder.path().join("blobs/1").join(&hex[..2]).join(&hex), b"fake").expect("written");
        assert!(matches!(blobs.get(A, digest).await, Err(BlobError::Damaged(_))));
    }
}
