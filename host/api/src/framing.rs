//! How a request may be framed: one host, at most one token, and a body of plain bytes, of a length that is told or in chunks.
//!
//! The HTTP library has refused lengths that contradict each other. A request that tells chunks and a length is read as chunks, as RFC 9112
//! has it, and whatever follows on its connection is not read: what another program before this server took for the rest of the body
//! cannot become a request here. What two programs could read differently is refused.

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::{Failure, HttpFault};

pub(crate) async fn check(request: Request, next: Next) -> Response {
    let is_last = request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut response = match fault(&request) {
        Some(fault) => Failure::from(fault).into_response(),
        None => next.run(request).await,
    };
    if is_last {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn fault(request: &Request) -> Option<HttpFault> {
    let headers = request.headers();
    let hosts = headers.get_all(header::HOST).iter().count();
    if hosts > 1 || hosts == 0 && request.version() == Version::HTTP_11 {
        let detail = "a request names one host; send the header Host once";
        return Some(HttpFault::new(StatusCode::BAD_REQUEST, "invalid-host", "The host is not clear", detail));
    }
    if headers.get_all(header::AUTHORIZATION).iter().count() > 1 {
        let detail = "the header Authorization stands there more than once; send one token";
        return Some(HttpFault::new(StatusCode::BAD_REQUEST, "ambiguous-token", "The token is not clear", detail));
    }
    let is = |value: &HeaderValue, what: &str| value.as_bytes().eq_ignore_ascii_case(what.as_bytes());
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    if codings.next().is_some_and(|first| !is(first, "chunked")) || codings.next().is_some() {
        let detail =
            "a body comes as it is or in chunks, not compressed; send Transfer-Encoding: chunked or leave it out";
        let title = "The body may not be encoded";
        return Some(HttpFault::new(StatusCode::NOT_IMPLEMENTED, "unsupported-transfer", title, detail));
    }
    if !headers.get_all(header::CONTENT_ENCODING).iter().all(|value| is(value, "identity")) {
        let detail = "bodies are taken as they are, not compressed; leave out the header Content-Encoding";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Some(HttpFault::new(status, "unsupported-encoding", "The body may not be encoded", detail));
    }
    None
}
