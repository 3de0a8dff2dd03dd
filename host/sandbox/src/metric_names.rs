//! Names of the metrics that this crate writes.

/// Runner processes that live, by tenant.
pub(crate) const RUNNERS: &str = "waft_runners";
/// Runner processes that ended, by whether they were told to.
pub(crate) const RUNNER_ENDS: &str = "waft_runner_ends_total";
/// Seconds from starting a runner process until it is ready.
pub(crate) const RUNNER_START_SECONDS: &str = "waft_runner_start_seconds";
/// Seconds of one compilation, by outcome.
pub(crate) const COMPILE_SECONDS: &str = "waft_compile_seconds";
/// Seconds of one parse of a component, by outcome.
pub(crate) const DESCRIBE_SECONDS: &str = "waft_describe_seconds";
/// Requests of guests that a host answered, by kind of answer.
pub(crate) const HOST_CALLS: &str = "waft_host_calls_total";
