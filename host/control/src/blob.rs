//! Blobs: content-addressed bytes that confs name.

use ::blobs::{BlobError, BlobReader};
use bytes::Bytes;
use model::Digest;
use model::limits::http::PIECE_BYTES;

use crate::{Code, Control, Error, Session};

/// A blob that is read piece by piece. Holds none of its bytes.
#[derive(Debug)]
pub struct BlobRead(BlobReader);

impl BlobRead {
    /// How many bytes the blob has.
    pub fn size_bytes(&self) -> u64 {
        self.0.size()
    }

    /// The next piece; none at the end. A blob that is damaged is never given to its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        self.0.next().await.map_err(Error::from)
    }
}

impl Control {
    /// Keeps bytes under their digest, which the caller knows already. False when they were there.
    pub async fn blob_put(&self, session: &Session, digest: Digest, bytes: Bytes) -> Result<bool, Error> {
        let found = Digest::of(&bytes);
        if found != digest {
            return Err(Error::new(Code::DigestMismatch, format!("the bytes that arrived have the digest {found}"))
                .hint("send exactly the bytes of which the digest was made"));
        }
        let scope = session.scope();
        let is_new = self.blobs.size(scope, digest).await?.is_none();
        // Written again, it is young again: retention leaves it alone until something refers to it.
        self.blobs.put(scope, bytes).await?;
        Ok(is_new)
    }

    /// How many bytes a blob has.
    pub async fn blob_size(&self, session: &Session, digest: Digest) -> Result<u64, Error> {
        let size = self.blobs.size(session.scope(), digest).await?;
        size.ok_or_else(|| blob_not_found(digest))
    }

    /// Reads a blob.
    pub async fn blob_read(&self, session: &Session, digest: Digest) -> Result<BlobRead, Error> {
        match self.blobs.reader(session.scope(), digest, PIECE_BYTES).await {
            Ok(reader) => Ok(BlobRead(reader)),
            Err(BlobError::NotFound(digest)) => Err(blob_not_found(digest)),
            Err(error) => Err(error.into()),
        }
    }
}

fn blob_not_found(digest: Digest) -> Error {
    Error::new(Code::BlobNotFound, format!("there is no blob {digest}"))
        .hint("upload it with PUT /api/v2/blobs/{digest}")
}
