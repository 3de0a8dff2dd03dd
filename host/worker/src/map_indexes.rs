//! The map indexes that have a value: a bit for each index, and how many come before each word of bits.
//!
//! Finds the index of a position without asking the database, whatever the holes look like: an index takes one bit, and its
//! share of a count.

/// A set of map indexes in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct MapIndexes {
    words: Vec<u64>,
    /// Indexes before each word.
    before: Vec<u32>,
    len: u32,
}

impl Extend<u32> for MapIndexes {
    /// Adds indexes, each above the one before it.
    fn extend<T: IntoIterator<Item = u32>>(&mut self, indexes: T) {
        for index in indexes {
            let (word, bit) = ((index / u64::BITS) as usize, index % u64::BITS);
            if word >= self.words.len() {
                self.words.resize(word + 1, 0);
                self.before.resize(word + 1, self.len);
            }
            self.words[word] |= 1 << bit;
            self.len += 1;
        }
    }
}

impl MapIndexes {
    /// How many there are.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// The index at a position; nothing past the last one.
    pub(crate) fn get(&self, position: u32) -> Option<model::MapIndex> {
        if position >= self.len {
            return None;
        }
        // Of words with the same count before them only the last one can hold an index.
        let word = self.before.partition_point(|before| *before <= position).checked_sub(1)?;
        let mut bits = self.words[word];
        for _ in self.before[word]..position {
            bits &= bits - 1;
        }
        let index = u32::try_from(word).ok()? * u64::BITS + bits.trailing_zeros();
        Some(model::MapIndex::at(index))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn check(indexes: &BTreeSet<u32>) {
        let mut all = MapIndexes::default();
        all.extend(indexes.iter().copied());
        for (position, index) in (0..).zip(indexes) {
            assert_eq!(all.get(position), Some(model::MapIndex::at(*index)), "{position} of {indexes:?}");
        }
        assert_eq!(all.get(indexes.len() as u32), None);
        assert_eq!(all.get(u32::MAX), None);
    }

    #[test]
    fn holes_at_the_borders_of_words() {
        check(&BTreeSet::new());
        check(&BTreeSet::from([0]));
        check(&BTreeSet::from([63, 64, 127, 128]));
        check(&BTreeSet::from([500]));
        check(&(0..300).filter(|index| !(60..200).contains(index)).collect());
        check(&(0..1_000).collect());
    }

    proptest! {
        #[test]
        fn any_position_is_found(indexes in prop::collection::btree_set(0_u32..5_000, 0..400)) {
            check(&indexes);
        }
    }
}
