//! Names of this crate's metrics.

/// Gauge: attempts that this worker holds.
pub(crate) const ATTEMPTS_HELD: &str = "waft_worker_attempts_held";
/// Counter: runner processes started.
pub(crate) const RUNNERS_STARTED: &str = "waft_worker_runners_started_total";
/// Counter: runner processes that died without being asked to.
pub(crate) const RUNNERS_DIED: &str = "waft_worker_runners_died_total";
/// Histogram in seconds: compiling a component.
pub(crate) const COMPILE_SECONDS: &str = "waft_worker_compile_seconds";
/// Histogram in seconds: one attempt in its sandbox, from instantiation to drop.
pub(crate) const SANDBOX_SECONDS: &str = "waft_worker_sandbox_seconds";
/// Counter: reports that had to be repeated.
pub(crate) const REPORTS_REPEATED: &str = "waft_worker_reports_repeated_total";
/// Counter: artefacts on disk that were not as they were left.
pub(crate) const ARTEFACTS_REFUSED: &str = "waft_worker_artefacts_refused_total";
