//! How a request may frame its body: plain bytes, of a length that is told or in chunks.
//!
//! The HTTP library has refused lengths that contradict each other. A request that tells chunks and a length is read as chunks, as RFC 9112
//! has it, and whatever follows on its connection is not read: what another program before this server took for the rest of the body
//! cannot become a request here.

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::{Failure, HttpFault};

pub(crate) async fn check(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let is_plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(header::CONTENT_ENCODING).iter().all(is_plain) {
        let detail = "bodies are taken as they are, not compressed; leave out the header Content-Encoding";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let title = "The body may not be encoded";
        return Failure::from(HttpFault::new(status, "unsupported-encoding", title, detail)).into_response();
    }
    let is_last = headers.contains_key(header::TRANSFER_ENCODING);
    let mut response = next.run(request).await;
    if is_last {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
