//! Buckets: object stores that speak S3.
//!
//! Who may enter, where the bucket is and how it is reached stand in the environment variables that AWS's own tools read:
//! `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP`, and
//! those that machines of a cloud set. Certificates are those of the machine, or of `SSL_CERT_FILE`.
//! Callers: [`crate::BlobStore`] and [`crate::LogStore`].
//! What must hold: a request ends, and is repeated a bounded number of times; no secret is part of an error.
//! Not here: parts of uploads that were broken off. No listing shows them; a rule of the bucket removes them.

use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientConfigKey, RetryConfig};

use crate::BlobError;

mod http;

/// The least that a part of an upload may have, except the last one.
pub(crate) const PART_BYTES: usize = 5 << 20;
/// How often a request is repeated, …
const RETRIES_MAX: usize = 5;
/// … and for how long.
const RETRY_FOR: Duration = Duration::from_secs(30);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3);

/// The objects of a bucket whose names begin with a prefix, as the environment says how to reach it.
pub(crate) fn open(bucket: &str, prefix: &str) -> Result<Arc<dyn ObjectStore>, BlobError> {
    build(AmazonS3Builder::from_env(), bucket, prefix)
}

pub(crate) fn build(settings: AmazonS3Builder, bucket: &str, prefix: &str) -> Result<Arc<dyn ObjectStore>, BlobError> {
    let unusable = |detail: String| BlobError::Bucket { bucket: bucket.to_owned(), detail };
    let endpoint = settings.get_config_value(&AmazonS3ConfigKey::Endpoint).unwrap_or_default();
    let allows_http = settings.get_config_value(&AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp));
    if endpoint.starts_with("http://") && allows_http.as_deref() != Some("true") {
        let detail = "its endpoint is reached without TLS: use https://, or set AWS_ALLOW_HTTP=true to allow that";
        return Err(unusable(detail.to_owned()));
    }
    let prefix = ObjectPath::parse(prefix).map_err(|error| unusable(format!("the prefix {prefix:?}: {error}")))?;
    let backoff = BackoffConfig { max_backoff: RETRY_AFTER_MAX, ..BackoffConfig::default() };
    let objects = settings
        .with_bucket_name(bucket)
        .with_retry(RetryConfig { backoff, max_retries: RETRIES_MAX, retry_timeout: RETRY_FOR })
        .with_http_connector(http::Connector)
        // Some stores know only this one way to delete.
        .with_disable_bulk_delete(true)
        .build()
        .map_err(|error| unusable(error.to_string()))?;
    Ok(Arc::new(PrefixStore::new(objects, prefix)))
}

#[cfg(test)]
pub(crate) mod double;
#[cfg(test)]
mod tests;
