//! Blobs: bytes that are named by their digest.

use bytes::Bytes;
use model::Digest;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};

use crate::client::UPLOAD_TIMEOUT;
use crate::{Client, ClientError};

/// What sending a blob came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobSent {
    Sent,
    /// The server had it, so nothing was sent.
    Known,
}

impl Client {
    /// Whether the server has a blob.
    pub async fn blob_exists(&self, digest: Digest) -> Result<bool, ClientError> {
        let action = format!("ask for blob {digest}");
        let request = self.request(Method::HEAD, self.url(["blobs", &digest.to_string()]));
        let response = self.send_any(&action, request).await?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => Ok(true),
            status => Err(self.refused_without_body(&action, status)),
        }
    }

    /// Sends a blob unless the server has it.
    pub async fn blob_put(&self, digest: Digest, bytes: Bytes) -> Result<BlobSent, ClientError> {
        if self.blob_exists(digest).await? {
            return Ok(BlobSent::Known);
        }
        let request = self
            .request(Method::PUT, self.url(["blobs", &digest.to_string()]))
            .timeout(UPLOAD_TIMEOUT)
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(bytes);
        self.send(&format!("send blob {digest}"), request).await?;
        Ok(BlobSent::Sent)
    }
}
