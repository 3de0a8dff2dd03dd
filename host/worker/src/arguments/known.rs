//! What sources name outside the document: what was read of it for a batch, and what is still wanted.
//!
//! Sources are evaluated without waiting. Whoever needs something that was not read notes it here and goes on as far as it can, so that
//! everything that a batch needs is read together; then it is evaluated again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use model::place::Span;
use model::text::is_sensitive;
use model::{Key, MapIndex, NodeIdx};

use super::ArgumentError;
use crate::sequence::Sequence;

/// Why there is no value yet, or never.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something has to be read first.
    Wanted,
    Error(ArgumentError),
}

impl From<ArgumentError> for Stop {
    fn from(error: ArgumentError) -> Self {
        Self::Error(error)
    }
}

/// A sequence to open: values of one task in one context of the innermost level that it and the taker are both in.
#[derive(Debug)]
pub(crate) struct SequenceWanted {
    pub(crate) node: NodeIdx,
    pub(crate) key: Key,
    pub(crate) context: u32,
    pub(crate) span: Option<Span>,
}

/// What has to be read.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) values: BTreeMap<(NodeIdx, Key), BTreeSet<MapIndex>>,
    pub(crate) sequences: Vec<SequenceWanted>,
    pub(crate) lengths: BTreeSet<NodeIdx>,
    pub(crate) variables: BTreeSet<Key>,
}

impl Wanted {
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.sequences.is_empty() && self.lengths.is_empty() && self.variables.is_empty()
    }
}

/// Values by instance; nothing where it left none.
type ByIndex = HashMap<MapIndex, Option<Arc<str>>>;

/// What was read.
#[derive(Default)]
pub(crate) struct Known {
    values: HashMap<(NodeIdx, Key), ByIndex>,
    sequences: HashMap<(NodeIdx, Key, u32), Arc<Sequence>>,
    lengths: HashMap<NodeIdx, u32>,
    variables: HashMap<Key, Option<Arc<str>>>,
    wanted: Wanted,
}

impl Known {
    /// The value of one instance; nothing where it left none.
    pub(crate) fn value(&mut self, node: NodeIdx, key: &Key, index: MapIndex) -> Result<Option<Arc<str>>, Stop> {
        let name = (node, key.clone());
        match self.values.get(&name).and_then(|values| values.get(&index)) {
            Some(value) => Ok(value.clone()),
            None => {
                self.wanted.values.entry(name).or_default().insert(index);
                Err(Stop::Wanted)
            }
        }
    }

    /// The values of several instances.
    pub(crate) fn sequence(
        &mut self,
        node: NodeIdx,
        key: &Key,
        context: u32,
        span: Option<&Span>,
    ) -> Result<Arc<Sequence>, Stop> {
        if let Some(sequence) = self.sequences.get(&(node, key.clone(), context)) {
            return Ok(sequence.clone());
        }
        let is_same = |it: &SequenceWanted| it.node == node && it.key == *key && it.context == context;
        if !self.wanted.sequences.iter().any(is_same) {
            self.wanted.sequences.push(SequenceWanted { node, key: key.clone(), context, span: span.cloned() });
        }
        Err(Stop::Wanted)
    }

    /// How many instances a mapped task has.
    pub(crate) fn length(&mut self, node: NodeIdx) -> Result<u32, Stop> {
        self.lengths.get(&node).copied().ok_or_else(|| {
            self.wanted.lengths.insert(node);
            Stop::Wanted
        })
    }

    /// JSON text of a variable.
    pub(crate) fn variable(&mut self, name: &Key) -> Result<Arc<str>, Stop> {
        match self.variables.get(name) {
            Some(Some(text)) => Ok(text.clone()),
            Some(None) => Err(Stop::Error(ArgumentError::Invalid(format!(
                "variable {name} does not exist; set it, and clear the task"
            )))),
            None => {
                self.wanted.variables.insert(name.clone());
                Err(Stop::Wanted)
            }
        }
    }

    /// Values of variables whose names say that they are secrets.
    pub(crate) fn secrets(&self) -> Vec<Arc<str>> {
        let secret = |(name, _): &(&Key, &Option<Arc<str>>)| is_sensitive(name.as_str());
        self.variables.iter().filter(secret).filter_map(|(_, value)| value.clone()).collect()
    }

    /// What was wanted since this was asked last.
    pub(crate) fn take_wanted(&mut self) -> Wanted {
        std::mem::take(&mut self.wanted)
    }

    pub(crate) fn put_value(&mut self, node: NodeIdx, key: &Key, index: MapIndex, value: Option<Arc<str>>) {
        self.values.entry((node, key.clone())).or_default().insert(index, value);
    }

    pub(crate) fn put_sequence(&mut self, wanted: SequenceWanted, sequence: Sequence) {
        self.sequences.insert((wanted.node, wanted.key, wanted.context), Arc::new(sequence));
    }

    pub(crate) fn put_length(&mut self, node: NodeIdx, length: u32) {
        self.lengths.insert(node, length);
    }

    pub(crate) fn put_variable(&mut self, name: Key, value: Option<Arc<str>>) {
        self.variables.insert(name, value);
    }
}
