//! Tokens. The store holds digests only.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{Digest, TenantId};

use crate::StoreError;

/// A token to keep.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub tenant: TenantId,
    /// Digest of the secret.
    pub digest: Digest,
    /// What the token is for, for people.
    pub name: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// A token that is kept.
#[derive(Debug, Clone)]
pub struct TokenRow {
    pub tenant: TenantId,
    pub name: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// Tokens, for authentication: the one place that finds a tenant instead of being told one.
#[async_trait]
pub trait AuthStore: Send + Sync {
    /// Keeps a token.
    async fn token_insert(&self, token: NewToken) -> Result<(), StoreError>;

    /// The token with this digest.
    async fn token_find(&self, digest: Digest) -> Result<Option<TokenRow>, StoreError>;
}
