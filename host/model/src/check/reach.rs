//! What stands downstream of what, over any number of edges.

use crate::dag::Node;
use crate::id::NodeIdx;

/// One bit for each pair of tasks: 12.5 MB for 10,000 of them.
pub(super) struct Reach {
    words: usize,
    bits: Vec<u64>,
}

impl Reach {
    /// `order` is topological.
    pub(super) fn of(nodes: &[Node], order: &[NodeIdx]) -> Self {
        let words = nodes.len().div_ceil(64);
        let mut bits = vec![0_u64; words * nodes.len()];
        for node in order.iter().rev().map(|node| node.0 as usize) {
            for downstream in nodes[node].downstream.iter().map(|node| node.0 as usize) {
                let (low, high) = bits.split_at_mut(words * node.max(downstream));
                let (from, into) = if downstream > node {
                    (&high[..words], &mut low[words * node..words * (node + 1)])
                } else {
                    (&low[words * downstream..words * (downstream + 1)], &mut high[..words])
                };
                for (into, from) in into.iter_mut().zip(from) {
                    *into |= from;
                }
                bits[words * node + downstream / 64] |= 1 << (downstream % 64);
            }
        }
        Self { words, bits }
    }

    /// True where `to` stands downstream of `from`.
    pub(super) fn leads(&self, from: usize, to: usize) -> bool {
        self.bits[self.words * from + to / 64] & (1 << (to % 64)) != 0
    }

    /// Everything downstream, ascending.
    pub(super) fn downstream(&self, from: usize) -> impl Iterator<Item = usize> + '_ {
        let row = &self.bits[self.words * from..self.words * (from + 1)];
        row.iter().enumerate().flat_map(|(word, bits)| {
            let rest = std::iter::successors(Some(*bits), |bits| Some(bits & bits.wrapping_sub(1)));
            rest.take_while(|bits| *bits != 0).map(move |bits| word * 64 + bits.trailing_zeros() as usize)
        })
    }
}
