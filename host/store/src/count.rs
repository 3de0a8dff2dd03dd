//! Counts as every database takes them: signed, of 64 bits.

/// A count that can be stored; what is larger becomes the largest.
pub fn storable_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
