//! Tokens.

use async_trait::async_trait;
use model::Digest;
use store::{AuthStore, NewToken, StoreError, TokenRow};

use super::SimStore;
use super::rows::kept;

#[async_trait]
impl AuthStore for SimStore {
    async fn token_insert(&self, token: NewToken) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if tables.tokens.contains_key(&token.digest) {
            return Err(StoreError::Conflict {
                what: "token",
                name: token.name,
                why: "has the digest of another token",
            });
        }
        let NewToken { tenant, digest, name, created_at, expires_at } = token;
        tables.tokens.insert(digest, TokenRow { tenant, name: kept(&name), created_at, expires_at });
        Ok(())
    }

    async fn token_find(&self, digest: Digest) -> Result<Option<TokenRow>, StoreError> {
        Ok(self.tables().tokens.get(&digest).cloned())
    }
}
