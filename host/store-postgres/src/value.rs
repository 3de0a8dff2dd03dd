//! XComs, for reading, and for people who change one; [`crate::commit`] writes those that successes leave.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{InstanceKey, Key, MapIndex, NodeIdx, RunKey, TenantScope};
use sqlx::postgres::PgRow;
use store::{NamedValue, PageSize, RETURN_VALUE, StoreError, StoredValue, ValueStore, XcomRow, storable};

use crate::rows::{self, Cells};
use crate::session::Query;
use crate::{PostgresStore, task_node};

/// One value.
/// Called by `ValueStore::xcom_fetch`. Finds it by the table's key.
pub(crate) const FETCH: &str = "
SELECT node, map_index, key, created_at, size_bytes, digest, value
FROM xcom
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND key = $5";

/// Values of mapped instances from an index on, as many as fit: sizes are summed before any value is read.
/// Called by `ValueStore::xcom_page`. Walks the table's key from the index on.
pub(crate) const PAGE: &str = "
WITH size (map_index, bytes) AS (
    SELECT map_index, CASE WHEN digest IS NULL THEN size_bytes ELSE 0 END
    FROM xcom
    WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index > $4 AND key = $5
    ORDER BY map_index
    LIMIT $6),
fit (map_index, bytes_before) AS (
    SELECT map_index, (sum(bytes) OVER (ORDER BY map_index) - bytes)::bigint FROM size)
SELECT x.node, x.map_index, x.key, x.created_at, x.size_bytes, x.digest, x.value
FROM fit
CROSS JOIN LATERAL (
    SELECT * FROM xcom
    WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = fit.map_index AND key = $5
    OFFSET 0) AS x
WHERE fit.bytes_before < $7 OR fit.bytes_before = 0
ORDER BY fit.map_index";

/// Which mapped instances from an index on left a value.
/// Called by `ValueStore::xcom_indexes`. Walks the table's key from the index on.
pub(crate) const INDEXES: &str = "
SELECT map_index FROM xcom
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index > $4 AND key = $5
ORDER BY map_index
LIMIT $6";

/// How many mapped instances left a value.
/// Called by `ValueStore::xcom_count`. Walks the table's key over the task's values.
pub(crate) const COUNT: &str = "
SELECT count(*) FROM xcom
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index >= 0 AND key = $4";

/// All values of an instance.
/// Called by `ValueStore::xcom_list`. Walks the table's key over the instance's values.
pub(crate) const LIST: &str = "
SELECT node, map_index, key, created_at, size_bytes, digest, value
FROM xcom
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4
ORDER BY key";

/// A value that somebody gives.
/// Called by `ValueStore::xcom_put`. Finds the instance and its value by the tables' keys.
pub(crate) const PUT: &str = "
INSERT INTO xcom (tenant_id, run_key, node, map_index, key, created_at, size_bytes, digest, value)
SELECT tenant_id, run_key, node, map_index, $5, $6, $7, $8, $9
FROM task_instance
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4
ON CONFLICT (tenant_id, run_key, node, map_index, key) DO UPDATE SET created_at = excluded.created_at, size_bytes = excluded.size_bytes, digest = excluded.digest,
    value = excluded.value";

/// Called by `ValueStore::xcom_delete`. Finds the row by the table's key.
pub(crate) const DELETE: &str =
    "DELETE FROM xcom WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND key = $5";

/// Whether an instance has a result. Called by `ValueStore::xcom_put` and `xcom_delete`. Finds the row by the table's key.
pub(crate) const MARK: &str =
    "UPDATE task_instance SET has_value = $5 WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4";

#[async_trait]
impl ValueStore for PostgresStore {
    async fn xcom_fetch(
        &self,
        scope: TenantScope,
        run: RunKey,
        node: NodeIdx,
        map_index: MapIndex,
        key: &Key,
    ) -> Result<Option<XcomRow>, StoreError> {
        let query = sqlx::query(FETCH)
            .bind(rows::tenant(scope))
            .bind(run.uuid())
            .bind(rows::narrow(node.0))
            .bind(map_index.number())
            .bind(key.as_str());
        let row = self.session().await?.optional(query).await?;
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
        let query = sqlx::query(PAGE)
            .bind(rows::tenant(scope))
            .bind(run.uuid())
            .bind(rows::narrow(node.0))
            .bind(after.number())
            .bind(key.as_str())
            .bind(i64::from(size.values))
            .bind(i64::try_from(size.bytes).unwrap_or(i64::MAX));
        let rows = self.session().await?.all(query).await?;
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
        let query = sqlx::query(INDEXES)
            .bind(rows::tenant(scope))
            .bind(run.uuid())
            .bind(rows::narrow(node.0))
            .bind(after.number())
            .bind(key.as_str())
            .bind(i64::from(limit));
        let rows = self.session().await?.all(query).await?;
        rows.iter().map(|row| Cells::of(row, "xcom").map_index()).collect()
    }

    async fn xcom_put(
        &self,
        scope: TenantScope,
        instance: InstanceKey,
        value: &NamedValue,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let InstanceKey { run, node, map_index } = instance;
        let (size, digest, text) = match &value.value {
            StoredValue::Inline(text) => (text.len() as u64, None, Some(storable(text))),
            StoredValue::Blob { digest, size_bytes } => (*size_bytes, Some(&digest.bytes()[..]), None),
        };
        let put = sqlx::query(PUT)
            .bind(rows::tenant(scope))
            .bind(run.uuid())
            .bind(rows::narrow(node.0))
            .bind(map_index.number())
            .bind(value.key.as_str())
            .bind(at.as_microsecond())
            .bind(rows::count(size))
            .bind(digest)
            .bind(text);
        self.changed(put, scope, instance, &value.key, true).await
    }

    async fn xcom_delete(&self, scope: TenantScope, instance: InstanceKey, key: &Key) -> Result<bool, StoreError> {
        let InstanceKey { run, node, map_index } = instance;
        let delete = sqlx::query(DELETE)
            .bind(rows::tenant(scope))
            .bind(run.uuid())
            .bind(rows::narrow(node.0))
            .bind(map_index.number())
            .bind(key.as_str());
        self.changed(delete, scope, instance, key, false).await
    }

    async fn xcom_count(&self, scope: TenantScope, run: RunKey, node: NodeIdx, key: &Key) -> Result<u64, StoreError> {
        let query =
            sqlx::query(COUNT).bind(rows::tenant(scope)).bind(run.uuid()).bind(rows::narrow(node.0)).bind(key.as_str());
        Ok(self.session().await?.count(query).await?)
    }

    async fn map_length(&self, scope: TenantScope, run: RunKey, node: NodeIdx) -> Result<Option<u32>, StoreError> {
        task_node::map_length(&mut self.session().await?, scope, run, node).await
    }

    async fn xcom_list(
        &self,
        scope: TenantScope,
        run: RunKey,
        node: NodeIdx,
        map_index: MapIndex,
    ) -> Result<Vec<XcomRow>, StoreError> {
        let query = sqlx::query(LIST)
            .bind(rows::tenant(scope))
            .bind(run.uuid())
            .bind(rows::narrow(node.0))
            .bind(map_index.number());
        let rows = self.session().await?.all(query).await?;
        rows.iter().map(xcom).collect()
    }
}

impl PostgresStore {
    /// Changes a value; that of a result tells its instance, in the same transaction.
    async fn changed(
        &self,
        query: Query<'_>,
        scope: TenantScope,
        instance: InstanceKey,
        key: &Key,
        has_value: bool,
    ) -> Result<bool, StoreError> {
        let mut session = self.session().await?;
        session.begin("BEGIN").await?;
        let is_changed = session.execute(query).await? == 1;
        if is_changed && key.as_str() == RETURN_VALUE {
            let mark = sqlx::query(MARK)
                .bind(rows::tenant(scope))
                .bind(instance.run.uuid())
                .bind(rows::narrow(instance.node.0))
                .bind(instance.map_index.number())
                .bind(has_value);
            session.execute(mark).await?;
        }
        session.commit().await?;
        Ok(is_changed)
    }
}

fn xcom(row: &PgRow) -> Result<XcomRow, StoreError> {
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
