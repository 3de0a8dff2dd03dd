//! XComs, for reading; a commit writes them.

use async_trait::async_trait;
use model::{Key, MapIndex, NodeIdx, RunKey, TenantScope};
use store::{PageSize, StoreError, StoredValue, ValueStore, XcomRow};

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
