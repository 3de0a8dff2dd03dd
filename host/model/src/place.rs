//! Where an instance stands in the levels of mapping, and which instances of other tasks are its items.
//!
//! The scheduler says it with each claim, as it alone knows how levels were expanded; a worker finds values and items by it. The words
//! *scope* and *context* are those of [`crate::dag`].

use std::ops::Range;
use std::sync::Arc;

use crate::dag::Dag;
use crate::id::{MapIndex, NodeIdx, ScopeIdx};
use crate::limits::dag::MAP_DEPTH_MAX;

/// A context of one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Level {
    /// Its ordinal, which is the map index of the instances of the tasks of this level.
    pub context: u32,
    /// Its position among the items of the context around it.
    pub position: u32,
}

/// Where an instance stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    levels: [Level; MAP_DEPTH_MAX as usize],
    depth: usize,
    spans: Option<Arc<[Span]>>,
}

impl Place {
    /// `levels` begins with the outermost one; more than there can be are left out.
    pub fn new(levels: impl IntoIterator<Item = Level>, spans: Option<Arc<[Span]>>) -> Self {
        let mut place = Self { spans, ..Self::default() };
        for (to, level) in place.levels.iter_mut().zip(levels) {
            *to = level;
            place.depth += 1;
        }
        place
    }

    /// Of an instance that is in one level at most, as long as nothing has become shorter: its index tells everything.
    pub fn of_index(map_index: MapIndex) -> Self {
        Self::new(map_index.position().map(|index| Level { context: index, position: index }), None)
    }

    /// From the outermost level in.
    pub fn levels(&self) -> &[Level] {
        &self.levels[..self.depth]
    }

    /// In a scope that it is in; the run has none, and nothing where the place is not known so far down.
    pub fn level(&self, dag: &Dag, scope: ScopeIdx) -> Option<Level> {
        let depth = (dag.scope(scope).depth as usize).checked_sub(1)?;
        self.levels().get(depth).copied()
    }

    /// The instances of a task that this one takes all together; nothing where they are all that there are, in their order.
    pub fn span(&self, node: NodeIdx) -> Option<&Span> {
        self.spans.as_ref()?.iter().find(|span| span.node == node)
    }
}

/// Instances of one task, in the order of their paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub node: NodeIdx,
    /// Map indexes, with how many come before each range.
    ranges: Vec<(u32, Range<u32>)>,
    len: u32,
}

impl Span {
    /// Of these ranges of map indexes; at most as many as there are 32-bit numbers.
    pub fn new(node: NodeIdx, ranges: impl IntoIterator<Item = Range<u32>>) -> Self {
        let mut len = 0_u32;
        let counted = ranges.into_iter().filter(|range| !range.is_empty()).map(|range| {
            let before = len;
            len = len.saturating_add(range.end - range.start);
            (before, range)
        });
        let ranges = counted.collect();
        Self { node, ranges, len }
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// True where there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The map index at a position.
    pub fn at(&self, position: u32) -> Option<u32> {
        let after = self.ranges.partition_point(|(before, _)| *before <= position);
        let (before, range) = self.ranges.get(after.checked_sub(1)?)?;
        Some(range.start + (position - before)).filter(|index| *index < range.end)
    }

    /// The ranges of map indexes.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u32>> + '_ {
        self.ranges.iter().map(|(_, range)| range.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_a_span_go_through_its_ranges() {
        let span = Span::new(NodeIdx(0), [4..6, 9..9, 0..1, 7..9]);
        let found: Vec<_> = (0..6).map(|position| span.at(position)).collect();
        assert_eq!(found, [Some(4), Some(5), Some(0), Some(7), Some(8), None]);
        assert_eq!((span.len(), span.is_empty()), (5, false));
        let nothing = Span::new(NodeIdx(0), []);
        assert_eq!((nothing.at(0), nothing.is_empty()), (None, true));
    }

    #[test]
    fn an_index_is_a_place_in_one_level() {
        assert_eq!(Place::of_index(MapIndex::NONE).levels(), []);
        assert_eq!(Place::of_index(MapIndex::at(3)).levels(), [Level { context: 3, position: 3 }]);
    }
}
