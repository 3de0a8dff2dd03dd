//! The header `Prefer` (RFC 7240), of which `wait=SECONDS` is understood.

use std::time::Duration;

use axum::http::HeaderMap;
use control::{Code, Error};
use model::limits::http::WAIT_MAX_MS;

/// How long the client would like to wait, at most as long as is possible; the first that is said counts.
pub(crate) fn wait(headers: &HeaderMap) -> Result<Option<Duration>, Error> {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let preferences = values.flat_map(|value| value.split(',')).filter_map(|value| value.split(';').next());
    for preference in preferences {
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        if name.trim().eq_ignore_ascii_case("wait") {
            return seconds(value.trim().trim_matches('"')).map(Some).ok_or_else(|| {
                Error::new(Code::InvalidRequest, format!("the header Prefer says {:?}", preference.trim()))
                    .hint("write wait=SECONDS, such as wait=10 or wait=0.5; or leave it out")
            });
        }
    }
    Ok(None)
}

fn seconds(text: &str) -> Option<Duration> {
    let is_decimal = text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(|character| character.is_ascii_digit() || character == '.');
    let seconds: f64 = text.parse().ok().filter(|_| is_decimal)?;
    let longest = Duration::from_millis(WAIT_MAX_MS);
    Some(Duration::try_from_secs_f64(seconds).map_or(longest, |wanted| wanted.min(longest)))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn wait_of(prefer: &'static str) -> Result<Option<u64>, Code> {
        let header = (HeaderName::from_static("prefer"), HeaderValue::from_static(prefer));
        let found = wait(&HeaderMap::from_iter([header]));
        found.map(|wait| wait.map(|wait| wait.as_millis() as u64)).map_err(|error| error.code())
    }

    #[test]
    fn wait_is_found_among_other_preferences() {
        let check = |prefer, millis: Option<u64>| assert_eq!(wait_of(prefer), Ok(millis), "{prefer}");
        check("wait=10", Some(10_000));
        check("respond-async, Wait=\"3\"; foo", Some(3_000));
        check("wait=0.5", Some(500));
        check("wait=0, wait=x", Some(0));
        check("return=minimal", None);
        check("waits=x", None);
    }

    #[test]
    fn a_longer_wait_than_is_possible_is_the_longest() {
        for prefer in ["wait=1000000000", "wait=99999999999999999999999999"] {
            assert_eq!(wait_of(prefer), Ok(Some(WAIT_MAX_MS)), "{prefer}");
        }
    }

    #[test]
    fn a_wait_that_is_no_time_is_refused() {
        for prefer in
            ["wait", "wait=", "wait=-1", "wait=1e9", "wait=inf", "wait=NaN", "wait=1.2.3", "wait=1 s", "wait=.5"]
        {
            assert_eq!(wait_of(prefer), Err(Code::InvalidRequest), "{prefer}");
        }
    }
}
