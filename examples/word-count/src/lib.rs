//! word-count
