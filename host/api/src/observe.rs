//! Around every request: an id, a span, metrics, and an answer even when a handler panics.

use std::panic::AssertUnwindSafe;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use control::{Code, Error};
use futures::FutureExt;
use metrics::{counter, histogram};
use model::limits::http::URI_MAX_BYTES;
use tracing::Instrument;

use crate::app::App;
use crate::metric_names::{PANICS, REQUEST_SECONDS, REQUESTS};
use crate::problem::{Failure, HttpFault};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const NO_ROUTE: &str = "none";

pub(crate) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = app.next_request_id();
    let started = app.clock.monotonic();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", %id, %method, path = request.uri().path());
    let mut response = answer(request, next).instrument(span).await;
    let seconds = (app.clock.monotonic() - started).as_secs_f64();
    let status = response.status().as_u16().to_string();
    counter!(REQUESTS, "method" => method.to_string(), "route" => route.clone(), "status" => status).increment(1);
    histogram!(REQUEST_SECONDS, "method" => method.to_string(), "route" => route).record(seconds);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

async fn answer(request: Request, next: Next) -> Response {
    if request.uri().path_and_query().is_some_and(|it| it.as_str().len() > URI_MAX_BYTES) {
        let detail = format!("path and query have at most {URI_MAX_BYTES} bytes");
        let fault = HttpFault::new(StatusCode::URI_TOO_LONG, "uri-too-long", "The address is too long", detail);
        return Failure::from(fault).into_response();
    }
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => {
            tracing::debug!(status = response.status().as_u16(), "answered");
            response
        }
        Err(_) => {
            counter!(PANICS).increment(1);
            tracing::error!("a handler panicked");
            let error = Error::new(Code::Internal, "the server could not do this")
                .hint("the server's log tells more under the id of this request");
            Failure::from(error).into_response()
        }
    }
}
