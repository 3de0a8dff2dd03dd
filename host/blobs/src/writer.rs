//! Writers of blobs whose digest is known only at their end.
//!
//! Bytes go to the object store in parts while they are written, into a temporary object `uploads/{process}-{number}`, which takes
//! the place that its digest names when it is whole. A blob that fits into one part is stored at once and never has one.
//! Callers: `worker` for guests that write; [`crate::BlobStore::put_stream`].
//! What must hold: a writer that is dropped or fails leaves nothing; what a process that died has left is removed by the next,
//! or with time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use clock::{Ids, Real};
use model::{Digest, TenantScope};
use object_store::path::Path as ObjectPath;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;

use crate::BlobError;
use crate::blob::path;

/// Where temporary objects are.
pub(crate) const UPLOADS: &str = "uploads";
/// Bytes of a part where any will do.
pub(crate) const PART_BYTES: usize = 256 << 10;

/// What all writers share.
#[derive(Debug)]
pub(crate) struct Uploads {
    objects: Arc<dyn ObjectStore>,
    pub(crate) part_bytes: usize,
    /// Names no other process has.
    process: String,
    last: AtomicU64,
}

impl Uploads {
    pub(crate) fn new(objects: Arc<dyn ObjectStore>, part_bytes: usize) -> Self {
        Self { objects, part_bytes, process: Real.uuid().simple().to_string(), last: AtomicU64::new(0) }
    }

    /// A name that nobody else uses.
    pub(crate) fn next(&self) -> ObjectPath {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        ObjectPath::from_iter([UPLOADS, &format!("{}-{number}", self.process)])
    }
}

/// A blob that is being written. Holds at most [`crate::BlobStore::writer_buffer_bytes`] between two writes. Of one whose
/// write failed or was dropped, nothing can come any more.
#[derive(Debug)]
pub struct BlobWriter {
    uploads: Arc<Uploads>,
    scope: TenantScope,
    hasher: Sha256,
    size: u64,
    buffer: BytesMut,
    stage: Stage,
    /// A part is on its way, or never arrived.
    misses_part: bool,
}

/// What there is in the object store.
#[derive(Debug)]
enum Stage {
    Nothing,
    /// Parts of a temporary object.
    Parts(ObjectPath, Box<dyn MultipartUpload>),
    /// The temporary object, whole.
    Whole(ObjectPath),
}

impl BlobWriter {
    pub(crate) fn new(uploads: Arc<Uploads>, scope: TenantScope) -> Self {
        let (hasher, buffer) = (Sha256::new(), BytesMut::new());
        Self { uploads, scope, hasher, size: 0, buffer, stage: Stage::Nothing, misses_part: false }
    }

    /// Bytes that were written.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest of what was written.
    pub fn digest(&self) -> Digest {
        Digest::from_bytes(self.hasher.clone().finalize().into())
    }

    /// Adds bytes.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.hasher.update(&bytes);
        self.size += bytes.len() as u64;
        if self.buffer.len() + bytes.len() <= self.uploads.part_bytes {
            self.buffer.extend_from_slice(&bytes);
            return Ok(());
        }
        let buffered = std::mem::take(&mut self.buffer).freeze();
        self.put_part([buffered, bytes].into_iter().collect()).await
    }

    /// Stores the blob; it is durable when this returns.
    pub async fn finish(mut self) -> Result<Digest, BlobError> {
        self.check()?;
        let digest = self.digest();
        let path = path(self.scope, digest);
        let rest = PutPayload::from_bytes(std::mem::take(&mut self.buffer).freeze());
        if matches!(self.stage, Stage::Nothing) {
            self.uploads.objects.put(&path, rest).await?;
            return Ok(digest);
        }
        if rest.content_length() > 0 {
            self.put_part(rest).await?;
        }
        if let Stage::Parts(temporary, upload) = &mut self.stage {
            upload.complete().await?;
            self.stage = Stage::Whole(temporary.clone());
        }
        if let Stage::Whole(temporary) = &self.stage {
            self.uploads.objects.rename(temporary, &path).await?;
            self.stage = Stage::Nothing;
        }
        Ok(digest)
    }

    /// Gives the blob up; when this returns, nothing of it is left.
    pub async fn discard(mut self) {
        remove(&self.uploads.objects, std::mem::replace(&mut self.stage, Stage::Nothing)).await;
    }

    async fn put_part(&mut self, part: PutPayload) -> Result<(), BlobError> {
        self.check()?;
        self.misses_part = true;
        if matches!(self.stage, Stage::Nothing) {
            let temporary = self.uploads.next();
            let upload = self.uploads.objects.put_multipart(&temporary).await?;
            self.stage = Stage::Parts(temporary, upload);
        }
        if let Stage::Parts(_, upload) = &mut self.stage {
            upload.put_part(part).await?;
        }
        self.misses_part = false;
        Ok(())
    }

    fn check(&self) -> Result<(), BlobError> {
        if self.misses_part {
            return Err(BlobError::Unavailable {
                detail: "an earlier part of the blob could not be stored".to_owned(),
            });
        }
        Ok(())
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Nothing);
        // Without a runtime the process is ending, and the next one removes what is left.
        if let (false, Ok(runtime)) = (matches!(stage, Stage::Nothing), Handle::try_current()) {
            let uploads = self.uploads.clone();
            runtime.spawn(async move { remove(&uploads.objects, stage).await });
        }
    }
}

async fn remove(objects: &Arc<dyn ObjectStore>, stage: Stage) {
    let removed = match stage {
        Stage::Nothing => Ok(()),
        Stage::Parts(_, mut upload) => upload.abort().await,
        Stage::Whole(temporary) => objects.delete(&temporary).await,
    };
    if let Err(error) = removed {
        tracing::warn!(%error, "what remains of a blob that was not finished could not be removed");
    }
}

#[cfg(test)]
mod tests;
