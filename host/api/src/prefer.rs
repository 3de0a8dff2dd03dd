//! The header `Prefer` (RFC 7240), of which `wait=SECONDS` is understood.

use std::time::Duration;

use axum::http::HeaderMap;

/// How long the client would like to wait; the first that is said counts.
pub(crate) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).find_map(|preference| {
        let preference = preference.split(';').next()?;
        let (name, value) = preference.split_once('=')?;
        let seconds = value.trim().trim_matches('"').parse().ok()?;
        name.trim().eq_ignore_ascii_case("wait").then(|| Duration::from_secs(seconds))
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn wait_is_found_among_other_preferences() {
        let check = |prefer: &'static str, seconds: Option<u64>| {
            let headers = HeaderMap::from_iter([(
                axum::http::HeaderName::from_static("prefer"),
                HeaderValue::from_static(prefer),
            )]);
            assert_eq!(wait(&headers), seconds.map(Duration::from_secs), "{prefer}");
        };
        check("wait=10", Some(10));
        check("respond-async, Wait=\"3\"; foo", Some(3));
        check("wait", None);
        check("wait=-1", None);
        check("return=minimal", None);
    }
}
