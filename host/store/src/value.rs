//! Values that attempts leave behind.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{Digest, InstanceKey, Key, MapIndex, NodeIdx, RunKey, TenantScope};

use crate::StoreError;

/// A JSON text: in the row, or in a blob when it is larger than `limits::value::INLINE_MAX_BYTES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredValue {
    Inline(Arc<str>),
    Blob { digest: Digest, size_bytes: u64 },
}

/// A value and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedValue {
    pub key: Key,
    pub value: StoredValue,
}

/// A value with the instance that left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XcomRow {
    pub node: NodeIdx,
    pub map_index: MapIndex,
    pub key: Key,
    pub value: StoredValue,
    pub created_at: Timestamp,
}

/// How much one page of values holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize {
    /// Most values.
    pub values: u32,
    /// No more values after so many bytes of inline text; the first one comes whatever its size.
    pub bytes: usize,
}

/// The key of a task's result.
pub const RETURN_VALUE: &str = "return_value";

/// XComs. [`RunStore::commit`](crate::RunStore::commit) writes them together with the success that makes them visible; people
/// change them one by one.
#[async_trait]
pub trait ValueStore: Send + Sync {
    /// One value.
    async fn xcom_fetch(
        &self,
        scope: TenantScope,
        run: RunKey,
        node: NodeIdx,
        map_index: MapIndex,
        key: &Key,
    ) -> Result<Option<XcomRow>, StoreError>;

    /// Values of the instances of a task with a map index above `after` (all for [`MapIndex::NONE`]; mapped instances
    /// only), in index order: no more than `size` allows.
    async fn xcom_page(
        &self,
        scope: TenantScope,
        run: RunKey,
        node: NodeIdx,
        key: &Key,
        after: MapIndex,
        size: PageSize,
    ) -> Result<Vec<XcomRow>, StoreError>;

    /// Map indexes above `after` (all for [`MapIndex::NONE`]; mapped instances only) whose instances left a value, in order:
    /// at most `limit`. Reads no value.
    async fn xcom_indexes(
        &self,
        scope: TenantScope,
        run: RunKey,
        node: NodeIdx,
        key: &Key,
        after: MapIndex,
        limit: u32,
    ) -> Result<Vec<MapIndex>, StoreError>;

    /// Puts a value beside an instance, in the place of its old one; false when there is no such instance.
    async fn xcom_put(
        &self,
        scope: TenantScope,
        instance: InstanceKey,
        value: &NamedValue,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Takes a value away; false when there is none.
    async fn xcom_delete(&self, scope: TenantScope, instance: InstanceKey, key: &Key) -> Result<bool, StoreError>;

    /// How many mapped instances of a task left a value.
    async fn xcom_count(&self, scope: TenantScope, run: RunKey, node: NodeIdx, key: &Key) -> Result<u64, StoreError>;

    /// How many instances a mapped task has, once it is expanded.
    async fn map_length(&self, scope: TenantScope, run: RunKey, node: NodeIdx) -> Result<Option<u32>, StoreError>;

    /// All values of one instance, by key.
    async fn xcom_list(
        &self,
        scope: TenantScope,
        run: RunKey,
        node: NodeIdx,
        map_index: MapIndex,
    ) -> Result<Vec<XcomRow>, StoreError>;
}
