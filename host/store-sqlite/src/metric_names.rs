//! Names of this crate's metrics.

/// Histogram: writes that one transaction committed.
pub(crate) const COMMIT_WRITES: &str = "waft_store_commit_writes";
/// Histogram: seconds from the begin of a transaction to its durable end.
pub(crate) const COMMIT_SECONDS: &str = "waft_store_commit_seconds";
/// Counter: transactions that failed as a whole.
pub(crate) const COMMITS_FAILED: &str = "waft_store_commits_failed_total";
/// Gauge: writes that wait for the next transaction.
pub(crate) const WRITES_WAITING: &str = "waft_store_writes_waiting";
/// Gauge: pages in the write-ahead log at the last checkpoint.
pub(crate) const WAL_PAGES: &str = "waft_store_wal_pages";
