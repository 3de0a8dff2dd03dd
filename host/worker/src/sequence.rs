//! Sequences: the values that a mapped task left, as another task reads them.

use model::limits::value::{SEQUENCE_INDEX_PAGE, SEQUENCE_PAGE_MAX_BYTES, SEQUENCE_PAGE_MAX_VALUES};
use model::{Key, MapIndex, NodeIdx};
use store::{ClaimedRun, PageSize, StoreError, ValueStore, XcomRow};
use tokio::sync::OnceCell;

use crate::map_indexes::MapIndexes;

/// Values of one task under one key, numbered without holes. Shared by the attempts of a batch.
#[derive(Debug)]
pub(crate) struct Sequence {
    node: NodeIdx,
    key: Key,
    len: u64,
    /// Instances of the task; equal to `len` where every one left a value.
    instances: u64,
    /// Which of them left a value; read when a position is first asked for that arithmetic cannot find.
    indexes: OnceCell<MapIndexes>,
}

impl Sequence {
    pub(crate) fn new(node: NodeIdx, key: Key, len: u64, instances: u64) -> Self {
        Self { node, key, len, instances, indexes: OnceCell::new() }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn is_of(&self, node: NodeIdx, key: &Key) -> bool {
        self.node == node && self.key == *key
    }

    /// Values from `offset` on, at most `max` and what one page may hold.
    pub(crate) async fn page(
        &self,
        values: &dyn ValueStore,
        run: &ClaimedRun,
        offset: u64,
        max: u32,
    ) -> Result<Vec<XcomRow>, StoreError> {
        if offset >= self.len || max == 0 {
            return Ok(Vec::new());
        }
        let Some(after) = self.map_index_before(values, run, offset).await? else { return Ok(Vec::new()) };
        let size = PageSize { values: max.min(SEQUENCE_PAGE_MAX_VALUES), bytes: SEQUENCE_PAGE_MAX_BYTES };
        values.xcom_page(run.scope, run.key, self.node, &self.key, after, size).await
    }

    /// The map index after which the value at `offset` comes; nothing when values are gone that were counted.
    async fn map_index_before(
        &self,
        values: &dyn ValueStore,
        run: &ClaimedRun,
        offset: u64,
    ) -> Result<Option<MapIndex>, StoreError> {
        let Some(before) = offset.checked_sub(1) else { return Ok(Some(MapIndex::NONE)) };
        let before = u32::try_from(before).unwrap_or(u32::MAX);
        if self.len == self.instances {
            return Ok(Some(MapIndex::at(before)));
        }
        let indexes = self.indexes.get_or_try_init(|| self.read_indexes(values, run)).await?;
        Ok(indexes.get(before))
    }

    async fn read_indexes(&self, values: &dyn ValueStore, run: &ClaimedRun) -> Result<MapIndexes, StoreError> {
        let mut all = MapIndexes::default();
        let mut after = MapIndex::NONE;
        loop {
            let page =
                values.xcom_indexes(run.scope, run.key, self.node, &self.key, after, SEQUENCE_INDEX_PAGE).await?;
            let positions = page.iter().filter_map(|index| index.position());
            all.extend(positions.filter(|position| u64::from(*position) < self.instances));
            match page.last() {
                Some(last) if page.len() >= SEQUENCE_INDEX_PAGE as usize => after = *last,
                _ => return Ok(all),
            }
        }
    }
}

#[cfg(test)]
mod tests;
