//! How long a server that was told to stop lets attempts finish.

use std::time::Duration;

use super::Element;

/// Seconds that running attempts have when the server stops.
pub(crate) struct Grace;

const GRACE_DEFAULT_S: u64 = 30;
const GRACE_MAX_S: u64 = 24 * 3600;

impl Element for Grace {
    const KEY: &'static str = "grace_s";
    const VARIABLE: &'static str = "WAFT_GRACE_S";
    const FLAG: &'static str = "--grace-s";

    type Value = Duration;

    fn parse(text: &str) -> Result<Duration, String> {
        let seconds = text.parse().ok().filter(|seconds| *seconds <= GRACE_MAX_S);
        seconds.map(Duration::from_secs).ok_or_else(|| format!("it is a number of seconds from 0 to {GRACE_MAX_S}"))
    }

    fn show(value: &Duration) -> String {
        value.as_secs().to_string()
    }

    fn default() -> Duration {
        Duration::from_secs(GRACE_DEFAULT_S)
    }
}
