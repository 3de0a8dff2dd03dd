//! Names of this crate's metrics; those that `store-sqlite` has too mean the same.

/// Histogram: seconds from the begin of a commit to its durable end.
pub(crate) const COMMIT_SECONDS: &str = "waft_store_commit_seconds";
/// Counter: commits that the database did not take.
pub(crate) const COMMITS_FAILED: &str = "waft_store_commits_failed_total";
/// Counter: commits that were done again row by row, because a row was not as expected.
pub(crate) const COMMITS_ROW_BY_ROW: &str = "waft_store_commits_row_by_row_total";
