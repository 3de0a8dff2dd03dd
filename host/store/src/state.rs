//! Task state: what an instance keeps between its attempts.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{AttemptToken, Key, TenantScope};

use crate::StoreError;

/// State of one task instance, by key. Every write names the attempt that makes it and fails with
/// [`StoreError::StaleFence`] when the instance is not running under that fence.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// The value, unless there is none or it has expired.
    async fn state_fetch(
        &self,
        scope: TenantScope,
        token: AttemptToken,
        key: &Key,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError>;

    /// Writes a value; it expires after `ttl`. Fails with [`StoreError::LimitReached`] above
    /// `limits::value::STATE_KEYS_MAX` keys.
    async fn state_put(
        &self,
        scope: TenantScope,
        token: AttemptToken,
        key: &Key,
        value: &str,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// True when there was a value.
    async fn state_delete(&self, scope: TenantScope, token: AttemptToken, key: &Key) -> Result<bool, StoreError>;

    /// Keys that start with `prefix` and have not expired, sorted.
    async fn state_keys(
        &self,
        scope: TenantScope,
        token: AttemptToken,
        prefix: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError>;
}
