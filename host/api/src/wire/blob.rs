//! Blobs.

use serde::Serialize;
use utoipa::ToSchema;

/// A blob that is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BlobResponse {
    /// `sha256:` and 64 hex digits.
    pub(crate) digest: String,
    pub(crate) size_bytes: u64,
    /// False when it was there.
    pub(crate) created: bool,
}
