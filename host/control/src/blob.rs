//! Blobs: content-addressed bytes that confs name.

use bytes::Bytes;
use model::Digest;

use crate::{Code, Control, Error, Session};

/// The bytes of a blob.
#[derive(Debug, Clone)]
pub struct BlobContent {
    pub digest: Digest,
    pub bytes: Bytes,
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
        if self.blobs.size(scope, digest).await.map_err(Error::unavailable)?.is_some() {
            return Ok(false);
        }
        self.blobs.put(scope, bytes).await.map_err(Error::unavailable)?;
        Ok(true)
    }

    /// How many bytes a blob has.
    pub async fn blob_size(&self, session: &Session, digest: Digest) -> Result<u64, Error> {
        let size = self.blobs.size(session.scope(), digest).await.map_err(Error::unavailable)?;
        size.ok_or_else(|| blob_not_found(digest))
    }

    /// A blob.
    pub async fn blob_fetch(&self, session: &Session, digest: Digest) -> Result<BlobContent, Error> {
        self.blob_size(session, digest).await?;
        let bytes = self.blobs.get(session.scope(), digest).await.map_err(Error::unavailable)?;
        Ok(BlobContent { digest, bytes })
    }
}

fn blob_not_found(digest: Digest) -> Error {
    Error::new(Code::BlobNotFound, format!("there is no blob {digest}"))
        .hint("upload it with PUT /api/v2/blobs/{digest}")
}
