//! Tokens.

use async_trait::async_trait;
use model::{Digest, TenantId};
use store::{AuthStore, NewToken, StoreError, TokenRow, storable};

use crate::PostgresStore;
use crate::rows::Cells;

/// A token, unless its digest is known.
/// Called by `AuthStore::token_insert`. Adds to the table's key.
pub(crate) const INSERT_TOKEN: &str = "
INSERT INTO token (digest, tenant_id, name, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING";

/// The token with a digest.
/// Called by `AuthStore::token_find`. Finds it by the table's key.
pub(crate) const FIND_TOKEN: &str = "SELECT tenant_id, name, created_at, expires_at FROM token WHERE digest = $1";

#[async_trait]
impl AuthStore for PostgresStore {
    async fn token_insert(&self, token: NewToken) -> Result<(), StoreError> {
        let query = sqlx::query(INSERT_TOKEN)
            .bind(&token.digest.bytes()[..])
            .bind(token.tenant.number())
            .bind(storable(&token.name))
            .bind(token.created_at.as_microsecond())
            .bind(token.expires_at.map(|time| time.as_microsecond()));
        if self.session().await?.execute(query).await? == 1 {
            return Ok(());
        }
        Err(StoreError::Conflict { what: "token", name: token.name, why: "has the digest of another token" })
    }

    async fn token_find(&self, digest: Digest) -> Result<Option<TokenRow>, StoreError> {
        let query = sqlx::query(FIND_TOKEN).bind(&digest.bytes()[..]);
        let row = self.session().await?.optional(query).await?;
        row.map(|row| {
            let cells = Cells::of(&row, "token");
            Ok(TokenRow {
                tenant: TenantId::from_row(cells.number("tenant_id")?),
                name: cells.text("name")?.to_owned(),
                created_at: cells.time("created_at")?,
                expires_at: cells.time_opt("expires_at")?,
            })
        })
        .transpose()
    }
}
