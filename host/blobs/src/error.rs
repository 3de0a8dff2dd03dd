//! Why bytes could not be had or kept.

use model::Digest;

/// An error of blobs or logs.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BlobError {
    /// The tenant has no such blob.
    #[error("there is no blob {0}")]
    NotFound(Digest),
    /// What is stored is not what was stored.
    #[error("blob {0} is damaged: its bytes have another digest")]
    Damaged(Digest),
    /// What was sent is not what was announced; nothing was kept.
    #[error("the bytes have the digest {found}, not {expected}")]
    OtherDigest { expected: Digest, found: Digest },
    /// More was sent than may be; nothing was kept.
    #[error("more than {max_bytes} bytes were sent")]
    TooLarge { max_bytes: u64 },
    /// Whoever sent the bytes broke off; nothing was kept.
    #[error("the bytes did not all arrive: {detail}")]
    BrokenOff { detail: String },
    /// A chunk of a log cannot be read.
    #[error("the log chunk {path} is damaged: {detail}")]
    DamagedLog { path: String, detail: String },
    /// The object store failed.
    #[error("the object store failed: {detail}")]
    Unavailable { detail: String },
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        Self::Unavailable { detail: error.to_string() }
    }
}
