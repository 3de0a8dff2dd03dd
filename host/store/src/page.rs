//! Pages of lists.

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Most rows; the caller has bounded it.
    pub limit: u32,
    /// Rows to pass over.
    pub offset: u32,
}

/// Part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Rows of the whole list, counted up to `model::limits::http::TOTAL_ENTRIES_MAX`: a longer list has this total.
    pub total: u64,
}
