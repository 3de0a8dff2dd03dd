//! Tokens.

use async_trait::async_trait;
use model::{Digest, TenantId};
use store::{AuthStore, NewToken, StoreError, TokenRow, storable};

use crate::SqliteStore;
use crate::error::failed;
use crate::rows::{self, Cells};
use crate::writer::{Transaction, Write};

/// A token, unless its digest is known.
/// Called by `AuthStore::token_insert`. Adds to the table's key.
pub(crate) const INSERT_TOKEN: &str = "
INSERT INTO token (digest, tenant_id, name, created_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO NOTHING";

/// The token with a digest.
/// Called by `AuthStore::token_find`. Finds it by the table's key.
pub(crate) const FIND_TOKEN: &str = "SELECT tenant_id, name, created_at, expires_at FROM token WHERE digest = ?1";

struct InsertToken(NewToken);

#[async_trait]
impl Write for InsertToken {
    type Done = ();
    type Error = StoreError;
    const IS_ONE_STATEMENT: bool = true;

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        let token = &self.0;
        let done = sqlx::query(INSERT_TOKEN)
            .bind(rows::digest(token.digest))
            .bind(token.tenant.number())
            .bind(storable(&token.name).into_owned())
            .bind(token.created_at.as_microsecond())
            .bind(token.expires_at.map(|time| time.as_microsecond()))
            .execute(tx.conn().await?)
            .await
            .map_err(failed)?;
        if done.rows_affected() == 1 {
            return Ok(());
        }
        Err(StoreError::Conflict { what: "token", name: token.name.clone(), why: "has the digest of another token" })
    }
}

#[async_trait]
impl AuthStore for SqliteStore {
    async fn token_insert(&self, token: NewToken) -> Result<(), StoreError> {
        self.writer.apply(InsertToken(token)).await
    }

    async fn token_find(&self, digest: Digest) -> Result<Option<TokenRow>, StoreError> {
        let query = sqlx::query(FIND_TOKEN).bind(rows::digest(digest));
        let row = query.fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
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
