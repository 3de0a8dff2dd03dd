//! Tokens are kept by digest and found again.

use model::{Digest, TenantId};

use super::Database;
use super::fixture::at;
use crate::{AuthStore, NewToken, StoreError};

pub(super) async fn a_token_is_found_by_its_digest(database: &impl Database) {
    let store = database.open().await;
    let digest = Digest::of(b"secret");
    assert!(store.token_find(digest).await.expect("read").is_none());
    for (tenant, secret, expires_at) in [(1, "secret", None), (2, "other", Some(at(60)))] {
        let token = NewToken {
            tenant: TenantId::from_row(tenant),
            digest: Digest::of(secret.as_bytes()),
            name: format!("token of {tenant}"),
            created_at: at(0),
            expires_at,
        };
        store.token_insert(token.clone()).await.expect("inserted");
        let again = store.token_insert(token).await;
        assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
        let found = store.token_find(Digest::of(secret.as_bytes())).await.expect("read").expect("found");
        assert_eq!((found.tenant, found.name), (TenantId::from_row(tenant), format!("token of {tenant}")));
        assert_eq!((found.created_at, found.expires_at), (at(0), expires_at));
    }
}
