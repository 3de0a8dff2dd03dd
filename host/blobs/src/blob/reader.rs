//! A blob that is read piece by piece.

use std::sync::Arc;

use bytes::Bytes;
use model::Digest;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest as _, Sha256};

use super::not_found_or;
use crate::BlobError;

/// A blob that is read piece by piece. Holds none of its bytes.
#[derive(Debug)]
pub struct BlobReader {
    objects: Arc<dyn ObjectStore>,
    path: ObjectPath,
    digest: Digest,
    size: u64,
    piece_bytes: u64,
    offset: u64,
    hasher: Sha256,
}

impl BlobReader {
    pub(super) fn new(
        objects: Arc<dyn ObjectStore>,
        path: ObjectPath,
        digest: Digest,
        size: u64,
        piece_bytes: usize,
    ) -> Self {
        let piece_bytes = (piece_bytes as u64).max(1);
        Self { objects, path, digest, size, piece_bytes, offset: 0, hasher: Sha256::new() }
    }

    /// How many bytes the blob has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The next piece; none at the end. The last one is given only when all of them together have the blob's digest.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        if self.offset >= self.size {
            return Ok(None);
        }
        let end = (self.offset + self.piece_bytes).min(self.size);
        let piece = self.objects.get_range(&self.path, self.offset..end).await;
        let piece = piece.map_err(|error| not_found_or(error, self.digest))?;
        self.hasher.update(&piece);
        self.offset = end;
        if end == self.size && Digest::from_bytes(self.hasher.clone().finalize().into()) != self.digest {
            return Err(BlobError::Damaged(self.digest));
        }
        Ok(Some(piece))
    }
}
