//! Sequences: the values that a mapped task left, as another task reads them.

use std::ops::Range;

use model::limits::value::{SEQUENCE_INDEX_PAGE, SEQUENCE_PAGE_MAX_BYTES, SEQUENCE_PAGE_MAX_VALUES};
use model::place::Span;
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
    of: Of,
}

/// Of which instances.
#[derive(Debug)]
enum Of {
    /// Of all that there are.
    All {
        /// Equal to the sequence's length where every one left a value.
        instances: u64,
        /// Which of them left a value; read when a position is first asked for that arithmetic cannot find.
        indexes: OnceCell<MapIndexes>,
    },
    /// Of some, in another order than that of their indexes perhaps.
    Parts(Vec<Part>),
}

/// Instances whose indexes stand in a row.
#[derive(Debug)]
struct Part {
    /// Values before these.
    before: u64,
    indexes: Range<u32>,
    /// Those that left a value, counted from the first.
    found: MapIndexes,
}

impl Sequence {
    pub(crate) fn new(node: NodeIdx, key: Key, len: u64, instances: u64) -> Self {
        Self { node, key, len, of: Of::All { instances, indexes: OnceCell::new() } }
    }

    /// Of the instances of a span; reads which of them left a value.
    pub(crate) async fn of_span(
        values: &dyn ValueStore,
        run: &ClaimedRun,
        node: NodeIdx,
        key: Key,
        span: &Span,
    ) -> Result<Self, StoreError> {
        let part = |indexes| Part { before: 0, indexes, found: MapIndexes::default() };
        let mut parts: Vec<Part> = span.ranges().map(part).collect();
        let mut sorted: Vec<&mut Part> = parts.iter_mut().collect();
        sorted.sort_unstable_by_key(|part| part.indexes.start);
        let last = sorted.last().map_or(0, |part| part.indexes.end);
        let mut sorted = sorted.into_iter().peekable();
        let mut next = 0;
        while let Some(part) = sorted.peek() {
            next = part.indexes.start.max(next);
            let limit = SEQUENCE_INDEX_PAGE.min(last - next);
            let page = values.xcom_indexes(run.scope, run.key, node, &key, before(next), limit).await?;
            for index in page.iter().filter_map(|index| index.position()) {
                while sorted.next_if(|part| part.indexes.end <= index).is_some() {}
                if let Some(part) = sorted.peek_mut().filter(|part| part.indexes.contains(&index)) {
                    part.found.extend([index - part.indexes.start]);
                }
            }
            match page.last().and_then(|index| index.position()) {
                Some(index) if page.len() >= limit as usize => next = index + 1,
                _ => break,
            }
            while sorted.next_if(|part| part.indexes.end <= next).is_some() {}
        }
        let mut len = 0;
        for part in &mut parts {
            part.before = len;
            len += u64::from(part.found.len());
        }
        Ok(Self { node, key, len, of: Of::Parts(parts) })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
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
        let Some((after, end)) = self.find(values, run, offset).await? else { return Ok(Vec::new()) };
        let size = PageSize { values: max.min(SEQUENCE_PAGE_MAX_VALUES), bytes: SEQUENCE_PAGE_MAX_BYTES };
        let mut page = values.xcom_page(run.scope, run.key, self.node, &self.key, after, size).await?;
        if let Some(end) = end {
            page.retain(|row| row.map_index < end);
        }
        Ok(page)
    }

    /// The map index after which the value at `offset` comes, and the one before which those end that follow it; nothing when values
    /// are gone that were counted.
    async fn find(
        &self,
        values: &dyn ValueStore,
        run: &ClaimedRun,
        offset: u64,
    ) -> Result<Option<(MapIndex, Option<MapIndex>)>, StoreError> {
        let (instances, indexes) = match &self.of {
            Of::All { instances, indexes } => (*instances, indexes),
            Of::Parts(parts) => return Ok(find_in(parts, offset)),
        };
        let Some(before) = offset.checked_sub(1) else { return Ok(Some((MapIndex::NONE, None))) };
        let before = u32::try_from(before).unwrap_or(u32::MAX);
        if self.len == instances {
            return Ok(Some((MapIndex::at(before), None)));
        }
        let indexes = indexes.get_or_try_init(|| self.read_indexes(values, run, instances)).await?;
        Ok(indexes.get(before).map(|index| (index, None)))
    }

    async fn read_indexes(
        &self,
        values: &dyn ValueStore,
        run: &ClaimedRun,
        instances: u64,
    ) -> Result<MapIndexes, StoreError> {
        let mut all = MapIndexes::default();
        let mut after = MapIndex::NONE;
        loop {
            let page =
                values.xcom_indexes(run.scope, run.key, self.node, &self.key, after, SEQUENCE_INDEX_PAGE).await?;
            let positions = page.iter().filter_map(|index| index.position());
            all.extend(positions.filter(|position| u64::from(*position) < instances));
            match page.last() {
                Some(last) if page.len() >= SEQUENCE_INDEX_PAGE as usize => after = *last,
                _ => return Ok(all),
            }
        }
    }
}

fn find_in(parts: &[Part], offset: u64) -> Option<(MapIndex, Option<MapIndex>)> {
    // Of parts with the same count before them only the last one can hold a value.
    let part = parts.get(parts.partition_point(|part| part.before <= offset).checked_sub(1)?)?;
    let found = part.found.get(u32::try_from(offset - part.before).ok()?)?.position()?;
    Some((before(part.indexes.start + found), Some(MapIndex::at(part.indexes.end))))
}

/// The map index before another one.
fn before(index: u32) -> MapIndex {
    index.checked_sub(1).map_or(MapIndex::NONE, MapIndex::at)
}

#[cfg(test)]
mod tests;
