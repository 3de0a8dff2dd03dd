//! XComs, for reading, and for people who change one; a commit writes those that successes leave.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{InstanceKey, Key, MapIndex, NodeIdx, RunKey, TenantScope};
use store::{NamedValue, PageSize, RETURN_VALUE, StoreError, StoredValue, ValueStore, XcomRow};

use super::SimStore;

impl SimStore {
    fn xcoms(&self, scope: TenantScope, run: RunKey, filter: impl Fn(&XcomRow) -> bool) -> Vec<XcomRow> {
        let tables = self.tables();
        let Some(run) = tables.runs.get(&(scope, run)) else { return Vec::new() };
        run.xcoms.values().filter(|row| filter(row)).cloned().collect()
    }
}

#[async_trait]
impl ValueStore for SimStore {
    async fn xcom_fetch(
        &self,
        scope: TenantScope,
        run: RunKey,
        node: NodeIdx,
        map_index: MapIndex,
        key: &Key,
    ) -> Result<Option<XcomRow>, StoreError> {
        let is_it = |row: &XcomRow| (row.node, row.map_index, &row.key) == (node, map_index, key);
        Ok(self.xcoms(scope, run, is_it).pop())
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
        let mut rows = self.xcoms(scope, run, |row| (row.node, &row.key) == (node, key) && row.map_index > after);
        rows.truncate(size.values as usize);
        let mut before = 0;
        rows.retain(|row| {
            let fits = before < size.bytes || before == 0;
            if let StoredValue::Inline(text) = &row.value {
                before += text.len();
            }
            fits
        });
        Ok(rows)
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
        let rows = self.xcoms(scope, run, |row| (row.node, &row.key) == (node, key) && row.map_index > after);
        Ok(rows.iter().take(limit as usize).map(|row| row.map_index).collect())
    }

    async fn xcom_put(
        &self,
        scope: TenantScope,
        instance: InstanceKey,
        value: &NamedValue,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let InstanceKey { run, node, map_index } = instance;
        let mut tables = self.tables();
        let Some(run) = tables.runs.get_mut(&(scope, run)) else { return Ok(false) };
        let Some(row) = run.instances.get_mut(&(node, map_index)) else { return Ok(false) };
        row.short.has_value |= value.key.as_str() == RETURN_VALUE;
        let kept = XcomRow { node, map_index, key: value.key.clone(), value: value.value.clone(), created_at: at };
        run.xcoms.insert((node, map_index, value.key.as_str().to_owned()), kept);
        Ok(true)
    }

    async fn xcom_delete(&self, scope: TenantScope, instance: InstanceKey, key: &Key) -> Result<bool, StoreError> {
        let InstanceKey { run, node, map_index } = instance;
        let mut tables = self.tables();
        let Some(run) = tables.runs.get_mut(&(scope, run)) else { return Ok(false) };
        let is_gone = run.xcoms.remove(&(node, map_index, key.as_str().to_owned())).is_some();
        if let Some(row) = run.instances.get_mut(&(node, map_index)).filter(|_| is_gone) {
            row.short.has_value &= key.as_str() != RETURN_VALUE;
        }
        Ok(is_gone)
    }

    async fn xcom_count(&self, scope: TenantScope, run: RunKey, node: NodeIdx, key: &Key) -> Result<u64, StoreError> {
        let is_mapped = |row: &XcomRow| row.map_index != MapIndex::NONE;
        Ok(self.xcoms(scope, run, |row| (row.node, &row.key) == (node, key) && is_mapped(row)).len() as u64)
    }

    async fn map_length(&self, scope: TenantScope, run: RunKey, node: NodeIdx) -> Result<Option<u32>, StoreError> {
        let tables = self.tables();
        let node = tables.runs.get(&(scope, run)).and_then(|run| run.nodes.get(&node));
        Ok(node.and_then(|node| node.map_length))
    }

    async fn xcom_list(
        &self,
        scope: TenantScope,
        run: RunKey,
        node: NodeIdx,
        map_index: MapIndex,
    ) -> Result<Vec<XcomRow>, StoreError> {
        Ok(self.xcoms(scope, run, |row| (row.node, row.map_index) == (node, map_index)))
    }
}
