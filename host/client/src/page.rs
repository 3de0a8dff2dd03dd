//! Lists come in pages.

use serde::Serialize;

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    pub limit: u32,
    pub offset: u32,
}

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// How many the whole list has; of a long list, the number up to which the server counts.
    pub total_entries: u64,
}

impl PageRequest {
    pub(crate) fn add_to(self, url: &mut reqwest::Url) {
        url.query_pairs_mut()
            .append_pair("limit", &self.limit.to_string())
            .append_pair("offset", &self.offset.to_string());
    }
}
