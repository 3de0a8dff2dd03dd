//! Bodies of requests: bounded in size and time, and JSON checked before anything is built of it.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use model::Problem;
use model::limits::http::{JSON_BODY_MAX_BYTES, REQUEST_TIMEOUT_MS, UPLOAD_TIMEOUT_MS};
use model::pointer::Pointer;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use tokio::sync::OwnedSemaphorePermit;

use crate::app::App;
use crate::problem::{Failure, HttpFault};

/// The JSON body of a request.
pub(crate) async fn json<T: DeserializeOwned>(request: Request) -> Result<T, Failure> {
    require_media_type(request.headers(), "application/json")?;
    let bytes = read(request.into_body(), JSON_BODY_MAX_BYTES, Duration::from_millis(REQUEST_TIMEOUT_MS)).await?;
    let text =
        std::str::from_utf8(&bytes).map_err(|_| invalid(Problem::error("not-utf8", "", "JSON is UTF-8 text")))?;
    model::json::check(text).map_err(|error| invalid(error.into()))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(
        |error: serde_path_to_error::Error<serde_json::Error>| {
            let mut pointer = Pointer::default();
            for segment in error.path() {
                match segment {
                    Segment::Seq { index } => pointer.push_index(*index),
                    Segment::Map { key } | Segment::Enum { variant: key } => pointer.push(key),
                    Segment::Unknown => {}
                }
            }
            invalid(Problem::error("wrong-shape", &pointer, error.inner().to_string()))
        },
    )
}

/// The bytes of an upload, with the room that they take until the permit is dropped.
pub(crate) async fn upload(
    app: &App,
    request: Request,
    limit: usize,
) -> Result<(Bytes, OwnedSemaphorePermit), Failure> {
    let told =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|told| told > limit) {
        return Err(too_large(limit));
    }
    let room = app.upload_room(told.unwrap_or(limit)).await;
    let bytes = read(request.into_body(), limit, Duration::from_millis(UPLOAD_TIMEOUT_MS)).await?;
    Ok((bytes, room))
}

/// Refuses a body of another media type.
pub(crate) fn require_media_type(headers: &HeaderMap, expected: &str) -> Result<(), Failure> {
    let found = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = found.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    let detail = format!("the body must be {expected}; set the header Content-Type");
    Err(HttpFault::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "Another media type is needed",
        detail,
    )
    .into())
}

async fn read(body: Body, limit: usize, timeout: Duration) -> Result<Bytes, Failure> {
    let collected = tokio::time::timeout(timeout, Limited::new(body, limit).collect()).await.map_err(|_| {
        HttpFault::new(StatusCode::REQUEST_TIMEOUT, "body-timeout", "The body came too slowly", "send the body faster")
    })?;
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Err(_) => {
            let detail = "the connection broke before the body was complete";
            Err(HttpFault::new(StatusCode::BAD_REQUEST, "incomplete-body", "The body is not complete", detail).into())
        }
    }
}

fn too_large(limit: usize) -> Failure {
    let detail = format!("at most {limit} bytes may be sent here");
    HttpFault::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "What was sent is too large", detail).into()
}

fn invalid(problem: Problem) -> Failure {
    let detail = problem.to_string();
    let fault = HttpFault::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", "The body is not valid", detail);
    HttpFault { problems: vec![problem], ..fault }.into()
}
