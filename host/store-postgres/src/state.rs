//! Task state: what an instance keeps between its attempts.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use model::limits::value::STATE_KEYS_MAX;
use model::{AttemptToken, Key, TenantScope};
use store::{StateStore, StoreError, storable};

use crate::PostgresStore;
use crate::rows::{self, Cells};
use crate::session::{Query, Session};

/// One value that has not expired.
/// Called by `StateStore::state_fetch`. Finds it by the table's key.
pub(crate) const FETCH: &str = "
SELECT value FROM task_state
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND key = $5
    AND (expires_at IS NULL OR expires_at > $6)";

/// Keys from a prefix on, below `$6`.
/// Called by `StateStore::state_keys`. Walks the table's key over the prefix.
pub(crate) const KEYS: &str = "
SELECT key FROM task_state
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND key >= $5 AND key < $6
    AND (expires_at IS NULL OR expires_at > $7)
ORDER BY key";

/// Whether an instance runs under a fence.
/// Called by the writes of this file that changed nothing, to learn why. Finds it by the key of `task_instance`.
pub(crate) const IS_RUNNING: &str = "
SELECT count(*) FROM task_instance
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND state = 'running' AND fence = $5
    AND try_number = $6";

/// A value, if the instance runs under the fence and has room for the key; two keys at once may both take the last room.
/// Called by `StateStore::state_put`. Finds by the keys of `task_instance` and `task_state`; counts the instance's keys; locks
/// the instance, so that its execution does not end meanwhile.
pub(crate) const PUT: &str = "
WITH holder AS MATERIALIZED (
    SELECT 1 FROM task_instance
    WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND state = 'running' AND fence = $5
        AND try_number = $6 AND NOT EXISTS (SELECT 1 FROM server AS v
            WHERE v.id = task_instance.worker AND (v.is_gone OR v.lease_until <= clock_timestamp()))
    FOR NO KEY UPDATE)
INSERT INTO task_state (tenant_id, run_key, node, map_index, key, value, updated_at, expires_at)
SELECT $1, $2, $3, $4, $7, $8, $9, $10
FROM holder
WHERE EXISTS (SELECT 1 FROM task_state
        WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND key = $7)
    OR (SELECT count(*) FROM task_state
        WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4) < $11
ON CONFLICT (tenant_id, run_key, node, map_index, key) DO UPDATE
SET value = excluded.value, updated_at = excluded.updated_at, expires_at = excluded.expires_at";

/// Values of an instance that have expired.
/// Called by `StateStore::state_put` when there is no room. Walks the table's key over the instance.
pub(crate) const DELETE_EXPIRED: &str = "
DELETE FROM task_state
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND expires_at <= $5";

/// A value, if the instance runs under the fence.
/// Called by `StateStore::state_delete`. Finds by the keys of `task_instance` and `task_state`; locks the instance.
pub(crate) const DELETE: &str = "
WITH holder AS MATERIALIZED (
    SELECT 1 FROM task_instance
    WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND state = 'running' AND fence = $5
        AND try_number = $6
    FOR NO KEY UPDATE)
DELETE FROM task_state
USING holder
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND key = $7";

/// Binds the instance as the first four parameters.
fn of_instance(sql: &'static str, scope: TenantScope, token: AttemptToken) -> Query<'static> {
    let instance = token.instance;
    sqlx::query(sql)
        .bind(rows::tenant(scope))
        .bind(instance.run.uuid())
        .bind(rows::narrow(instance.node.0))
        .bind(instance.map_index.number())
}

/// Binds the instance, fence and try number as the first six parameters.
fn of_attempt(sql: &'static str, scope: TenantScope, token: AttemptToken) -> Query<'static> {
    of_instance(sql, scope, token).bind(token.fence.number()).bind(rows::narrow(token.try_number.0))
}

async fn assert_running(session: &mut Session, scope: TenantScope, token: AttemptToken) -> Result<(), StoreError> {
    let running = session.count(of_attempt(IS_RUNNING, scope, token)).await?;
    if running == 1 { Ok(()) } else { Err(StoreError::StaleFence) }
}

#[async_trait]
impl StateStore for PostgresStore {
    async fn state_fetch(
        &self,
        scope: TenantScope,
        token: AttemptToken,
        key: &Key,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let query = of_instance(FETCH, scope, token).bind(key.as_str().to_owned()).bind(now.as_microsecond());
        let row = self.session().await?.optional(query).await?;
        row.map(|row| Cells::of(&row, "task_state").text("value").map(str::to_owned)).transpose()
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
        let value = storable(value).into_owned();
        let put = || {
            of_attempt(PUT, scope, token)
                .bind(key.as_str().to_owned())
                .bind(value.clone())
                .bind(now)
                .bind(expires_at)
                .bind(rows::count(STATE_KEYS_MAX as u64))
        };
        let mut session = self.session().await?;
        if session.execute(put()).await? == 1 {
            return Ok(());
        }
        assert_running(&mut session, scope, token).await?;
        session.execute(of_instance(DELETE_EXPIRED, scope, token).bind(now)).await?;
        if session.execute(put()).await? == 1 {
            return Ok(());
        }
        let max = STATE_KEYS_MAX as u64;
        Err(StoreError::LimitReached { limit: "state keys of a task instance", used: max, max })
    }

    async fn state_delete(&self, scope: TenantScope, token: AttemptToken, key: &Key) -> Result<bool, StoreError> {
        let mut session = self.session().await?;
        if session.execute(of_attempt(DELETE, scope, token).bind(key.as_str().to_owned())).await? == 1 {
            return Ok(true);
        }
        assert_running(&mut session, scope, token).await?;
        Ok(false)
    }

    async fn state_keys(
        &self,
        scope: TenantScope,
        token: AttemptToken,
        prefix: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        // No key has a replacement character in it, so what cannot be stored is found nowhere.
        let prefix = storable(prefix).into_owned();
        let end = format!("{prefix}{}", char::MAX);
        let query = of_instance(KEYS, scope, token).bind(prefix).bind(end).bind(now.as_microsecond());
        let rows = self.session().await?.all(query).await?;
        rows.iter().map(|row| Cells::of(row, "task_state").text("key").map(str::to_owned)).collect()
    }
}
