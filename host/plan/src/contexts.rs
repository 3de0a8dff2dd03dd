//! The contexts of every level of mapping: ranges, never one object for each.
//!
//! A context of a scope has an ordinal that it keeps, and a *path*: the positions of itself and of the contexts around it. A *block* is
//! what one expansion made: contexts with ordinals in a row. An expansion over nothing makes one context too, a *placeholder*, so that
//! everything that waits has something to wait for; it has no position.
//!
//! Bytes: 20 for each block and 16 in its index; a task mapped over a million items is one block, a mapped task in a group of a
//! million has a million.

use std::collections::BTreeSet;
use std::ops::Range;

use model::{Dag, ScopeIdx};

/// Contexts that one expansion made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// The context around them.
    pub parent: u32,
    /// The lowest ordinal.
    pub first: u32,
    /// Items; none for a placeholder.
    pub length: u32,
    /// Position of the first item: contexts that were added later begin where the others end.
    pub offset: u32,
    /// Items that are still there; those from here on are no longer part of the run.
    pub live: u32,
}

impl Block {
    pub(crate) fn contexts(&self) -> Range<u32> {
        self.first..self.first + self.length.max(1)
    }

    fn live_contexts(&self) -> Range<u32> {
        self.first..self.first + self.live
    }
}

/// The contexts of one scope.
#[derive(Debug, Default)]
pub(crate) struct Contexts {
    blocks: Vec<Block>,
    /// (parent, position in `blocks`).
    by_parent: BTreeSet<(u32, u32)>,
    count: u32,
    /// Parents that are expanded.
    expanded: u32,
    /// Some items are no longer part of the run.
    is_shrunk: bool,
}

impl Contexts {
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn add(&mut self, block: Block) {
        debug_assert_eq!(block.first, self.count, "ordinals are given once");
        self.expanded += u32::from(!self.is_expanded(block.parent));
        self.by_parent.insert((block.parent, self.blocks.len() as u32));
        self.count = block.contexts().end;
        self.is_shrunk |= block.live < block.length;
        self.blocks.push(block);
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn block_of(&self, context: u32) -> &Block {
        let after = self.blocks.partition_point(|block| block.first <= context);
        &self.blocks[after - 1]
    }

    pub(crate) fn parent(&self, context: u32) -> u32 {
        self.block_of(context).parent
    }

    /// Its position among the items; a placeholder has none.
    pub(crate) fn position(&self, context: u32) -> Option<u32> {
        let block = self.block_of(context);
        (block.length > 0).then(|| block.offset + context - block.first)
    }

    /// Whether it is still part of the run: a placeholder is until there are items.
    pub(crate) fn is_live(&self, context: u32) -> bool {
        let block = self.block_of(context);
        match block.length {
            0 => self.blocks_of(block.parent).all(|block| block.length == 0),
            _ => block.live_contexts().contains(&context),
        }
    }

    fn of_parent(&self, parent: u32) -> impl Iterator<Item = usize> + '_ {
        self.by_parent.range((parent, 0)..=(parent, u32::MAX)).map(|(_, block)| *block as usize)
    }

    pub(crate) fn blocks_of(&self, parent: u32) -> impl Iterator<Item = &Block> {
        self.of_parent(parent).map(|block| &self.blocks[block])
    }

    pub(crate) fn is_expanded(&self, parent: u32) -> bool {
        self.of_parent(parent).next().is_some()
    }

    /// Items that are still there.
    pub(crate) fn live_length(&self, parent: u32) -> u32 {
        self.blocks_of(parent).map(|block| block.live).sum()
    }

    pub(crate) fn at(&self, parent: u32, position: u32) -> Option<u32> {
        let mut blocks = self.blocks_of(parent);
        let block = blocks.find(|block| (block.offset..block.offset + block.live).contains(&position))?;
        Some(block.first + position - block.offset)
    }

    /// Leaves only the first `length` items; gives the contexts that are gone.
    pub(crate) fn shrink(&mut self, parent: u32, length: u32) -> Vec<Block> {
        let blocks: Vec<_> = self.of_parent(parent).collect();
        let mut changed = Vec::new();
        for block in blocks {
            let block = &mut self.blocks[block];
            let live = block.live.min(length.saturating_sub(block.offset));
            if live < block.live {
                changed.push(Block { live, ..*block });
                block.live = live;
                self.is_shrunk = true;
            }
        }
        changed
    }
}

/// The contexts of all scopes.
#[derive(Debug)]
pub(crate) struct ScopeTree {
    parents: Vec<Option<ScopeIdx>>,
    depths: Vec<u32>,
    contexts: Vec<Contexts>,
}

impl ScopeTree {
    pub(crate) fn new(dag: &Dag) -> Self {
        let mut contexts: Vec<Contexts> = dag.scopes().map(|_| Contexts::default()).collect();
        contexts[0].add(Block { parent: 0, first: 0, length: 1, offset: 0, live: 1 });
        Self {
            parents: dag.scopes().map(|(_, scope)| scope.parent).collect(),
            depths: dag.scopes().map(|(_, scope)| scope.depth).collect(),
            contexts,
        }
    }

    /// Whether anything has ever been left out again.
    pub(crate) fn is_shrunk(&self) -> bool {
        self.contexts.iter().any(|contexts| contexts.is_shrunk)
    }

    pub(crate) fn of(&self, scope: ScopeIdx) -> &Contexts {
        &self.contexts[scope.0 as usize]
    }

    pub(crate) fn of_mut(&mut self, scope: ScopeIdx) -> &mut Contexts {
        &mut self.contexts[scope.0 as usize]
    }

    /// The level around it; that of the run is the run.
    pub(crate) fn parent(&self, scope: ScopeIdx) -> ScopeIdx {
        self.parents[scope.0 as usize].unwrap_or(ScopeIdx::RUN)
    }

    pub(crate) fn depth(&self, scope: ScopeIdx) -> u32 {
        self.depths[scope.0 as usize]
    }

    /// The context of `outer`, which is `scope` or a level around it, that a context lies in.
    pub(crate) fn around(&self, mut scope: ScopeIdx, mut context: u32, outer: ScopeIdx) -> u32 {
        if outer == ScopeIdx::RUN {
            return 0;
        }
        while scope != outer && scope != ScopeIdx::RUN {
            context = self.of(scope).parent(context);
            scope = self.parent(scope);
        }
        context
    }

    /// Positions from the outermost level in; a placeholder's path is shorter.
    pub(crate) fn path(&self, mut scope: ScopeIdx, mut context: u32) -> Vec<u32> {
        let mut path = Vec::new();
        while scope != ScopeIdx::RUN {
            path.extend(self.of(scope).position(context));
            context = self.of(scope).parent(context);
            scope = self.parent(scope);
        }
        path.reverse();
        path
    }

    /// The levels from `outer`, which is left out, to `inner`.
    fn levels(&self, outer: ScopeIdx, inner: ScopeIdx) -> Vec<ScopeIdx> {
        let mut levels = Vec::new();
        let mut scope = inner;
        while scope != outer && scope != ScopeIdx::RUN {
            levels.push(scope);
            scope = self.parent(scope);
        }
        levels.reverse();
        levels
    }

    /// The contexts of `inner` that lie in one of `outer`, in the order of their paths.
    pub(crate) fn inside(&self, outer: ScopeIdx, context: u32, inner: ScopeIdx) -> Vec<Range<u32>> {
        self.walk(outer, context, inner, Block::contexts)
    }

    /// Those of them that are items, and still there.
    pub(crate) fn items(&self, outer: ScopeIdx, context: u32, inner: ScopeIdx) -> Vec<Range<u32>> {
        self.walk(outer, context, inner, Block::live_contexts)
    }

    fn walk(
        &self,
        outer: ScopeIdx,
        context: u32,
        inner: ScopeIdx,
        part: impl Fn(&Block) -> Range<u32>,
    ) -> Vec<Range<u32>> {
        let mut ranges: Vec<Range<u32>> = std::iter::once(context..context + 1).collect();
        for level in self.levels(outer, inner) {
            let contexts = self.of(level);
            let mut next: Vec<Range<u32>> = Vec::new();
            for parent in ranges.into_iter().flatten() {
                for range in contexts.blocks_of(parent).map(&part).filter(|range| !range.is_empty()) {
                    match next.last_mut() {
                        Some(last) if last.end == range.start => last.end = range.end,
                        _ => next.push(range),
                    }
                }
            }
            ranges = next;
        }
        ranges
    }

    /// True where every level from `outer` to `inner` is expanded in one context of `outer`.
    pub(crate) fn is_expanded(&self, outer: ScopeIdx, context: u32, inner: ScopeIdx) -> bool {
        if outer == ScopeIdx::RUN {
            let mut levels = self.levels(outer, inner).into_iter();
            return levels.all(|level| self.of(level).expanded == self.of(self.parent(level)).count);
        }
        let mut ranges: Vec<Range<u32>> = std::iter::once(context..context + 1).collect();
        for level in self.levels(outer, inner) {
            let contexts = self.of(level);
            let mut next: Vec<Range<u32>> = Vec::new();
            for parent in ranges.into_iter().flatten() {
                if !contexts.is_expanded(parent) {
                    return false;
                }
                next.extend(contexts.blocks_of(parent).map(Block::contexts));
            }
            ranges = next;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(parent: u32, first: u32, length: u32, offset: u32) -> Block {
        Block { parent, first, length, offset, live: length }
    }

    #[test]
    fn ordinals_and_paths() {
        let dag = testkit::dag::dag("group g: expand(list)\none: in(g)\nmany: in(g) expand(one)");
        let [one, many] = ["one", "many"].map(|task| dag.node(dag.find(task).unwrap()).scope);
        let mut tree = ScopeTree::new(&dag);
        tree.of_mut(one).add(block(0, 0, 3, 0));
        // Whichever list comes first gets the lower ordinals.
        tree.of_mut(many).add(block(2, 0, 2, 0));
        tree.of_mut(many).add(block(0, 2, 1, 0));
        assert!(!tree.is_expanded(ScopeIdx::RUN, 0, many));
        tree.of_mut(many).add(block(1, 3, 0, 0));
        assert!(tree.is_expanded(ScopeIdx::RUN, 0, many));
        tree.of_mut(many).add(block(0, 4, 2, 1));
        assert_eq!(tree.inside(ScopeIdx::RUN, 0, many), [2..3, 4..6, 3..4, 0..2]);
        assert_eq!(tree.items(ScopeIdx::RUN, 0, many), [2..3, 4..6, 0..2]);
        assert_eq!(tree.path(many, 5), [0, 2]);
        assert_eq!(tree.path(many, 1), [2, 1]);
        assert_eq!(tree.path(many, 3), [1]);
        assert_eq!(tree.around(many, 5, one), 0);
        assert_eq!(tree.of(many).at(0, 1), Some(4));
        assert_eq!(tree.of(many).live_length(0), 3);
        let gone = tree.of_mut(many).shrink(0, 2);
        assert_eq!(gone, [Block { live: 1, ..block(0, 4, 2, 1) }]);
        assert_eq!((tree.of(many).at(0, 1), tree.of(many).at(0, 2)), (Some(4), None));
        assert_eq!(tree.of(many).expanded, 3);
    }
}
