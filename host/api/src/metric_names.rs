//! Names of this crate's metrics.

/// Counter by `method`, `route`, `status`: requests answered.
pub(crate) const REQUESTS: &str = "waft_http_requests_total";
/// Histogram by `method`, `route`: seconds until the head of the answer.
pub(crate) const REQUEST_SECONDS: &str = "waft_http_request_seconds";
/// Gauge: open connections.
pub(crate) const CONNECTIONS: &str = "waft_http_connections";
/// Counter: connections refused because there were too many.
pub(crate) const CONNECTIONS_REFUSED: &str = "waft_http_connections_refused_total";
/// Counter: panics of handlers.
pub(crate) const PANICS: &str = "waft_http_panics_total";
