//! XComs, for reading, and for people who change one; [`crate::commit`] writes those that successes leave.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{InstanceKey, Key, MapIndex, NodeIdx, RunKey, TenantScope};
use sqlx::sqlite::SqliteRow;
use store::{NamedValue, PageSize, RETURN_VALUE, StoreError, StoredValue, ValueStore, XcomRow, storable_count};

use crate::change::{Bound, Change, bound};
use crate::error::failed;
use crate::rows::{self, Cells};
use crate::{SqliteStore, task_node};

/// One value.
/// Called by `ValueStore::xcom_fetch`. Finds it by the table's key.
pub(crate) const FETCH: &str = "
SELECT node, map_index, key, created_at, size_bytes, digest, value
FROM xcom
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND key = ?5";

/// Values of mapped instances from an index on, as many as fit: sizes are summed before any value is read.
/// Called by `ValueStore::xcom_page`. Walks the table's key from the index on.
pub(crate) const PAGE: &str = "
WITH size (map_index, bytes) AS (
    SELECT map_index, iif(digest IS NULL, size_bytes, 0)
    FROM xcom
    WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index > ?4 AND key = ?5
    ORDER BY map_index
    LIMIT ?6),
fit (map_index, bytes_before) AS (
    SELECT map_index, sum(bytes) OVER (ORDER BY map_index) - bytes FROM size)
SELECT x.node, x.map_index, x.key, x.created_at, x.size_bytes, x.digest, x.value
FROM fit
CROSS JOIN xcom AS x
    ON x.tenant_id = ?1 AND x.run_key = ?2 AND x.node = ?3 AND x.map_index = fit.map_index AND x.key = ?5
WHERE fit.bytes_before < ?7 OR fit.bytes_before = 0
ORDER BY fit.map_index";

/// Which mapped instances from an index on left a value.
/// Called by `ValueStore::xcom_indexes`. Walks the table's key from the index on.
pub(crate) const INDEXES: &str = "
SELECT map_index FROM xcom
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index > ?4 AND key = ?5
ORDER BY map_index
LIMIT ?6";

/// How many mapped instances left a value.
/// Called by `ValueStore::xcom_count`. Walks the table's key over the task's values.
pub(crate) const COUNT: &str = "
SELECT count(*) FROM xcom
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index >= 0 AND key = ?4";

/// All values of an instance.
/// Called by `ValueStore::xcom_list`. Walks the table's key over the instance's values.
pub(crate) const LIST: &str = "
SELECT node, map_index, key, created_at, size_bytes, digest, value
FROM xcom
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4
ORDER BY key";

/// A value that somebody gives.
/// Called by `ValueStore::xcom_put`. Finds the instance and its value by the tables' keys.
pub(crate) const PUT: &str = "
INSERT INTO xcom (tenant_id, run_key, node, map_index, key, created_at, size_bytes, digest, value)
SELECT tenant_id, run_key, node, map_index, ?5, ?6, ?7, ?8, ?9
FROM task_instance
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4
ON CONFLICT DO UPDATE SET created_at = excluded.created_at, size_bytes = excluded.size_bytes, digest = excluded.digest,
    value = excluded.value";

/// Called by `ValueStore::xcom_delete`. Finds the row by the table's key.
pub(crate) const DELETE: &str =
    "DELETE FROM xcom WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND key = ?5";

/// Whether an instance has a result. Called by `ValueStore::xcom_put` and `xcom_delete`. Finds the row by the table's key.
pub(crate) const MARK: &str =
    "UPDATE task_instance SET has_value = ?5 WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4";

fn of_instance(scope: TenantScope, instance: InstanceKey) -> Bound {
    let InstanceKey { run, node, map_index } = instance;
    bound().and(rows::tenant(scope)).and(rows::bytes(run.uuid())).and(node.0).and(map_index.number())
}

#[async_trait]
impl ValueStore for SqliteStore {
    async fn xcom_fetch(
        &self,
        scope: TenantScope,
        run: RunKey,
        node: NodeIdx,
        map_index: MapIndex,
        key: &Key,
    ) -> Result<Option<XcomRow>, StoreError> {
        let row = sqlx::query(FETCH)
            .bind(rows::tenant(scope))
            .bind(rows::bytes(run.uuid()))
            .bind(node.0)
            .bind(map_index.number())
            .bind(key.as_str())
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(failed)?;
        row.as_ref().map(xcom).transpose()
    }

    async fn xcom_page(
        &self,
        scope: TenantScope,
        run: RunKey,
        node: NodeIdx,
        key: &Key,
        after: MapIndex,
        size: PageSize,
    ) -> Result<Vec<XcomRow>, StoreError> {
        let rows = sqlx::query(PAGE)
            .bind(rows::tenant(scope))
            .bind(rows::bytes(run.uuid()))
            .bind(node.0)
            .bind(after.number())
            .bind(key.as_str())
            .bind(size.values)
            .bind(i64::try_from(size.bytes).unwrap_or(i64::MAX))
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(failed)?;
        rows.iter().map(xcom).collect()
    }

    async fn xcom_indexes(
        &self,
        scope: TenantScope,
        run: RunKey,
        node: NodeIdx,
        key: &Key,
        after: MapIndex,
        limit: u32,
    ) -> Result<Vec<MapIndex>, StoreError> {
        let rows = sqlx::query(INDEXES)
            .bind(rows::tenant(scope))
            .bind(rows::bytes(run.uuid()))
            .bind(node.0)
            .bind(after.number())
            .bind(key.as_str())
            .bind(limit)
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(failed)?;
        rows.iter().map(|row| Cells::of(row, "xcom").map_index()).collect()
    }

    async fn xcom_put(
        &self,
        scope: TenantScope,
        instance: InstanceKey,
        value: &NamedValue,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (size, digest, text) = match &value.value {
            StoredValue::Inline(text) => (text.len() as u64, None, rows::text_opt(Some(text))),
            StoredValue::Blob { digest, size_bytes } => (*size_bytes, Some(rows::digest(*digest)), None),
        };
        let values = of_instance(scope, instance)
            .and(value.key.as_str().to_owned())
            .and(at.as_microsecond())
            .and(storable_count(size))
            .and(digest)
            .and(text);
        let change = Change::of(PUT, values, Some(1));
        let change = match value.key.as_str() {
            RETURN_VALUE => change.then(MARK, of_instance(scope, instance).and(1)),
            _ => change,
        };
        Ok(self.writer.apply(change).await?.rows == 1)
    }

    async fn xcom_delete(&self, scope: TenantScope, instance: InstanceKey, key: &Key) -> Result<bool, StoreError> {
        let change = Change::of(DELETE, of_instance(scope, instance).and(key.as_str().to_owned()), Some(1));
        let change = match key.as_str() {
            RETURN_VALUE => change.then(MARK, of_instance(scope, instance).and(0)),
            _ => change,
        };
        Ok(self.writer.apply(change).await?.rows == 1)
    }

    async fn xcom_count(&self, scope: TenantScope, run: RunKey, node: NodeIdx, key: &Key) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(COUNT)
            .bind(rows::tenant(scope))
            .bind(rows::bytes(run.uuid()))
            .bind(node.0)
            .bind(key.as_str())
            .fetch_one(&mut *self.reader().await?)
            .await
            .map_err(failed)?;
        Ok(count.unsigned_abs())
    }

    async fn map_length(&self, scope: TenantScope, run: RunKey, node: NodeIdx) -> Result<Option<u32>, StoreError> {
        task_node::map_length(&mut *self.reader().await?, scope, run, node).await
    }

    async fn xcom_list(
        &self,
        scope: TenantScope,
        run: RunKey,
        node: NodeIdx,
        map_index: MapIndex,
    ) -> Result<Vec<XcomRow>, StoreError> {
        let rows = sqlx::query(LIST)
            .bind(rows::tenant(scope))
            .bind(rows::bytes(run.uuid()))
            .bind(node.0)
            .bind(map_index.number())
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(failed)?;
        rows.iter().map(xcom).collect()
    }
}

fn xcom(row: &SqliteRow) -> Result<XcomRow, StoreError> {
    let cells = Cells::of(row, "xcom");
    let value = match cells.digest_opt("digest")? {
        Some(digest) => StoredValue::Blob { digest, size_bytes: cells.number("size_bytes")? },
        None => StoredValue::Inline(cells.shared("value")?),
    };
    Ok(XcomRow {
        node: cells.node()?,
        map_index: cells.map_index()?,
        key: cells.parsed("key")?,
        value,
        created_at: cells.time("created_at")?,
    })
}
