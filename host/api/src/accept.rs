//! What a client would like to get.

use axum::http::{HeaderMap, header};

/// A form in which waits and logs are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One JSON object.
    Json,
    /// One JSON object a line, as they come.
    Lines,
    /// Server-sent events.
    Events,
}

/// The form that the header `Accept` wants most; JSON where it does not say.
pub(crate) fn form(headers: &HeaderMap) -> Form {
    let mut best = (Form::Json, 0.0);
    for value in headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()) {
        for range in value.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let form = match parts.next() {
                Some("application/x-ndjson" | "application/jsonl") => Form::Lines,
                Some("text/event-stream") => Form::Events,
                Some("application/json" | "application/*" | "*/*") => Form::Json,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if quality > best.1 {
                best = (form, quality);
            }
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_form_with_the_highest_quality_wins_and_the_first_of_equals() {
        let check = |accept: &'static str, expected| {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(form(&headers), expected, "{accept}");
        };
        check("*/*", Form::Json);
        check("text/html", Form::Json);
        check("application/x-ndjson", Form::Lines);
        check("application/json, application/x-ndjson", Form::Json);
        check("application/json;q=0.5, application/x-ndjson", Form::Lines);
        check("text/event-stream, */*;q=0.1", Form::Events);
        assert_eq!(form(&HeaderMap::new()), Form::Json);
    }
}
