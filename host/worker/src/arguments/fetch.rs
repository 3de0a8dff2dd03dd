//! Reads what a batch wants, and no more than fits into its arguments: what is left out is wanted again.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::limits::value::{SEQUENCE_PAGE_MAX_BYTES, SEQUENCE_PAGE_MAX_VALUES};
use model::{Key, MapIndex, NodeIdx};
use serde_json::Value;
use store::{ClaimedRun, PageSize, StoredValue};

use super::known::{Known, SequenceWanted, Wanted};
use super::{ArgumentError, ArgumentReader, read_value};
use crate::sequence::Sequence;

/// One page of the values that a batch needs.
const PAGE: PageSize = PageSize { values: SEQUENCE_PAGE_MAX_VALUES, bytes: SEQUENCE_PAGE_MAX_BYTES };

impl ArgumentReader {
    /// Reads what is wanted; of values no more after so many bytes.
    pub(super) async fn fetch(
        &self,
        run: &ClaimedRun,
        wanted: Wanted,
        max_bytes: usize,
        known: &mut Known,
    ) -> Result<(), ArgumentError> {
        for node in wanted.lengths {
            let length = self.values.map_length(run.scope, run.key, node).await?.unwrap_or(0);
            known.put_length(node, length);
        }
        for name in wanted.variables {
            let row = self.variables.variable_fetch(run.scope, &name).await?;
            known.put_variable(name, row.map(|row| json_of(row.value.reveal())));
        }
        for wanted in wanted.sequences {
            let sequence = self.sequence(run, &wanted).await?;
            known.put_sequence(wanted, sequence);
        }
        let mut left = max_bytes;
        for ((node, key), indexes) in wanted.values {
            self.values_of(run, node, &key, indexes, &mut left, known).await?;
            if left == 0 {
                break;
            }
        }
        Ok(())
    }

    async fn sequence(&self, run: &ClaimedRun, wanted: &SequenceWanted) -> Result<Sequence, ArgumentError> {
        let SequenceWanted { node, key, span, .. } = wanted;
        let instances = self.values.map_length(run.scope, run.key, *node).await?.unwrap_or(0);
        let is_whole = span.as_ref().is_none_or(|span| span.ranges().eq((instances > 0).then_some(0..instances)));
        match span {
            Some(span) if !is_whole => Ok(Sequence::of_span(&*self.values, run, *node, key.clone(), span).await?),
            _ => {
                let len = self.values.xcom_count(run.scope, run.key, *node, key).await?;
                Ok(Sequence::new(*node, key.clone(), len, u64::from(instances)))
            }
        }
    }

    async fn values_of(
        &self,
        run: &ClaimedRun,
        node: NodeIdx,
        key: &Key,
        mut wanted: BTreeSet<MapIndex>,
        left: &mut usize,
        known: &mut Known,
    ) -> Result<(), ArgumentError> {
        if wanted.remove(&MapIndex::NONE) {
            let row = self.values.xcom_fetch(run.scope, run.key, node, MapIndex::NONE, key).await?;
            let value = match row {
                Some(row) => Some(self.read(run, &row.value, left).await?),
                None => None,
            };
            known.put_value(node, key, MapIndex::NONE, value);
        }
        while let Some(first) = wanted.first().and_then(|index| index.position())
            && *left > 0
        {
            // As many as stand one after the other; what lies between is not read.
            let positions = wanted.iter().filter_map(|index| index.position());
            let row_of = positions.zip(first..).take_while(|(position, next)| position == next).count();
            let size = PageSize { values: u32::try_from(row_of).unwrap_or(u32::MAX).min(PAGE.values), ..PAGE };
            let after = first.checked_sub(1).map_or(MapIndex::NONE, MapIndex::at);
            let rows = self.values.xcom_page(run.scope, run.key, node, key, after, size).await?;
            for row in &rows {
                if wanted.contains(&row.map_index) {
                    let value = self.read(run, &row.value, left).await?;
                    known.put_value(node, key, row.map_index, Some(value));
                    wanted.remove(&row.map_index);
                }
            }
            // Whatever else was wanted up to the last row is not there, and without a row nothing is.
            let rest = rows.last().map_or_else(BTreeSet::new, |row| wanted.split_off(&row.map_index));
            wanted.into_iter().for_each(|index| known.put_value(node, key, index, None));
            wanted = rest;
        }
        Ok(())
    }

    async fn read(&self, run: &ClaimedRun, value: &StoredValue, left: &mut usize) -> Result<Arc<str>, ArgumentError> {
        let text = read_value(&self.blobs, run.scope, value).await.map_err(ArgumentError::Unavailable)?;
        *left = left.saturating_sub(text.len());
        Ok(text)
    }
}

/// A variable is a JSON text, or else a plain one.
pub(crate) fn json_of(text: &str) -> Arc<str> {
    match model::json::check(text) {
        Ok(_) => text.into(),
        Err(_) => Value::from(text).to_string().into(),
    }
}
