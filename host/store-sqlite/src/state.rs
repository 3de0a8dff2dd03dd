//! Task state: what an instance keeps between its attempts.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use model::limits::value::STATE_KEYS_MAX;
use model::{AttemptToken, Key, TenantScope};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{FromRow, Sqlite};
use store::{StateStore, StoreError, storable};

use crate::SqliteStore;
use crate::error::failed;
use crate::rows;
use crate::writer::{Transaction, Write};

/// One value that has not expired.
/// Called by `StateStore::state_fetch`. Finds it by the table's key.
pub(crate) const FETCH: &str = "
SELECT value FROM task_state
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND key = ?5
    AND (expires_at IS NULL OR expires_at > ?6)";

/// Keys from a prefix on, below `?6`.
/// Called by `StateStore::state_keys`. Walks the table's key over the prefix.
pub(crate) const KEYS: &str = "
SELECT key FROM task_state
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND key >= ?5 AND key < ?6
    AND (expires_at IS NULL OR expires_at > ?7)
ORDER BY key";

/// Whether an instance runs under a fence.
/// Called by the writes of this file that changed nothing, to learn why. Finds it by the key of `task_instance`.
pub(crate) const IS_RUNNING: &str = "
SELECT count(*) FROM task_instance
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND state = 'running' AND fence = ?5
    AND try_number = ?6";

/// A value, if the instance runs under the fence and has room for the key.
/// Called by `StateStore::state_put`. Finds by the keys of `task_instance` and `task_state`; counts the instance's keys.
pub(crate) const PUT: &str = "
INSERT INTO task_state (tenant_id, run_key, node, map_index, key, value, updated_at, expires_at)
SELECT ?1, ?2, ?3, ?4, ?7, ?8, ?9, ?10
WHERE EXISTS (SELECT 1 FROM task_instance
        WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND state = 'running' AND fence = ?5
            AND try_number = ?6)
    AND (EXISTS (SELECT 1 FROM task_state
            WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND key = ?7)
        OR (SELECT count(*) FROM task_state
            WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4) < ?11)
ON CONFLICT DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at, expires_at = excluded.expires_at";

/// Values of an instance that have expired.
/// Called by `StateStore::state_put` when there is no room. Walks the table's key over the instance.
pub(crate) const DELETE_EXPIRED: &str = "
DELETE FROM task_state
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND expires_at <= ?5";

/// A value, if the instance runs under the fence.
/// Called by `StateStore::state_delete`. Finds by the keys of `task_instance` and `task_state`.
pub(crate) const DELETE: &str = "
DELETE FROM task_state
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND key = ?7
    AND EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = ?1 AND t.run_key = ?2 AND t.node = ?3 AND t.map_index = ?4 AND t.state = 'running'
            AND t.fence = ?5 AND t.try_number = ?6)
RETURNING expires_at";

/// Binds the instance as the first four parameters.
fn of_instance(sql: &'static str, scope: TenantScope, token: AttemptToken) -> Query<'static, Sqlite, SqliteArguments> {
    let instance = token.instance;
    sqlx::query(sql)
        .bind(rows::tenant(scope))
        .bind(rows::bytes(instance.run.uuid()))
        .bind(instance.node.0)
        .bind(instance.map_index.number())
}

/// Binds the instance, fence and try number as the first six parameters.
fn of_attempt(sql: &'static str, scope: TenantScope, token: AttemptToken) -> Query<'static, Sqlite, SqliteArguments> {
    of_instance(sql, scope, token).bind(token.fence.number()).bind(token.try_number.0)
}

struct Put {
    scope: TenantScope,
    token: AttemptToken,
    key: Key,
    value: String,
    expires_at: Option<i64>,
    now: i64,
}

impl Put {
    async fn put(&self, tx: &mut Transaction<'_>) -> Result<bool, StoreError> {
        let query = of_attempt(PUT, self.scope, self.token)
            .bind(self.key.as_str().to_owned())
            .bind(self.value.clone())
            .bind(self.now)
            .bind(self.expires_at)
            .bind(rows::count(STATE_KEYS_MAX as u64));
        Ok(query.execute(tx.conn().await?).await.map_err(failed)?.rows_affected() == 1)
    }
}

#[async_trait]
impl Write for Put {
    type Done = ();
    type Error = StoreError;
    const IS_ONE_STATEMENT: bool = true;

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        if self.put(tx).await? {
            return Ok(());
        }
        assert_running(tx, self.scope, self.token).await?;
        let expired = of_instance(DELETE_EXPIRED, self.scope, self.token).bind(self.now);
        expired.execute(tx.conn().await?).await.map_err(failed)?;
        if self.put(tx).await? {
            return Ok(());
        }
        let max = STATE_KEYS_MAX as u64;
        Err(StoreError::LimitReached { limit: "state keys of a task instance", used: max, max })
    }

    fn log_bytes(&self) -> u64 {
        (16 << 10) + self.value.len() as u64
    }
}

struct Delete {
    scope: TenantScope,
    token: AttemptToken,
    key: Key,
}

#[async_trait]
impl Write for Delete {
    /// True when there was a value that had not expired.
    type Done = bool;
    type Error = StoreError;
    const IS_ONE_STATEMENT: bool = true;

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<bool, StoreError> {
        let query = of_attempt(DELETE, self.scope, self.token).bind(self.key.as_str().to_owned());
        if query.fetch_optional(tx.conn().await?).await.map_err(failed)?.is_some() {
            return Ok(true);
        }
        assert_running(tx, self.scope, self.token).await?;
        Ok(false)
    }
}

async fn assert_running(tx: &mut Transaction<'_>, scope: TenantScope, token: AttemptToken) -> Result<(), StoreError> {
    let row = of_attempt(IS_RUNNING, scope, token).fetch_one(tx.conn().await?).await.map_err(failed)?;
    let (running,): (i64,) = FromRow::from_row(&row).map_err(failed)?;
    if running == 1 { Ok(()) } else { Err(StoreError::StaleFence) }
}

#[async_trait]
impl StateStore for SqliteStore {
    async fn state_fetch(
        &self,
        scope: TenantScope,
        token: AttemptToken,
        key: &Key,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let query = of_instance(FETCH, scope, token).bind(key.as_str()).bind(now.as_microsecond());
        let row = query.fetch_optional(&mut *self.reader().await?).await.map_err(failed)?;
        row.map(|row| <(String,)>::from_row(&row).map(|(value,)| value).map_err(failed)).transpose()
    }

    async fn state_put(
        &self,
        scope: TenantScope,
        token: AttemptToken,
        key: &Key,
        value: &str,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now = now.as_microsecond();
        let after = |ttl: Duration| now.saturating_add(i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX));
        // A time that no calendar holds is as good as never.
        let expires_at = ttl.map(after).filter(|at| Timestamp::from_microsecond(*at).is_ok());
        let put = Put { scope, token, key: key.clone(), value: storable(value).into_owned(), expires_at, now };
        self.writer.apply(put).await
    }

    async fn state_delete(&self, scope: TenantScope, token: AttemptToken, key: &Key) -> Result<bool, StoreError> {
        self.writer.apply(Delete { scope, token, key: key.clone() }).await
    }

    async fn state_keys(
        &self,
        scope: TenantScope,
        token: AttemptToken,
        prefix: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let end = format!("{prefix}{}", char::MAX);
        let query = of_instance(KEYS, scope, token).bind(prefix.to_owned()).bind(end).bind(now.as_microsecond());
        let rows = query.fetch_all(&mut *self.reader().await?).await.map_err(failed)?;
        rows.iter().map(|row| <(String,)>::from_row(row).map(|(key,)| key).map_err(failed)).collect()
    }
}
