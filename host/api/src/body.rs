//! Bodies of requests: bounded in size, time and pace, and JSON checked before anything is built of it.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use model::Problem;
use model::limits::http::{
    BODY_BYTES_PER_SECOND_MIN, BODY_WINDOW_MS, JSON_BODY_MAX_BYTES, REQUEST_TIMEOUT_MS, UPLOAD_TIMEOUT_MS,
};
use model::pointer::Pointer;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::app::App;
use crate::problem::{Failure, HttpFault};
use crate::room::HeldRoom;

const WINDOW: Duration = Duration::from_millis(BODY_WINDOW_MS);
const WINDOW_MIN_BYTES: u64 = BODY_BYTES_PER_SECOND_MIN * BODY_WINDOW_MS / 1000;

/// The JSON body of a request.
pub(crate) async fn json<T: DeserializeOwned>(app: &App, request: Request) -> Result<T, Failure> {
    require_media_type(request.headers(), "application/json")?;
    let (bytes, _room) = read(app, request, JSON_BODY_MAX_BYTES, REQUEST_TIMEOUT_MS).await?;
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

/// The bytes of an upload, with the room that they take until it is dropped.
pub(crate) async fn upload(app: &App, request: Request, limit: usize) -> Result<(Bytes, HeldRoom), Failure> {
    read(app, request, limit, UPLOAD_TIMEOUT_MS).await
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

async fn read(app: &App, request: Request, limit: usize, timeout_ms: u64) -> Result<(Bytes, HeldRoom), Failure> {
    let told =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|told| told > limit) {
        return Err(too_large(limit));
    }
    let mut room = app.bodies.begin();
    let gathered = gather(request.into_body(), limit, &mut room);
    let gathered = tokio::time::timeout(Duration::from_millis(timeout_ms), gathered).await;
    Ok((gathered.map_err(|_| too_slow())??, room))
}

/// The bytes of a body that keeps the pace. Waiting for room is not its fault.
async fn gather(mut body: Body, limit: usize, room: &mut HeldRoom) -> Result<Bytes, Failure> {
    let mut gathered = Vec::new();
    let mut in_window = 0;
    let window = tokio::time::sleep(WINDOW);
    tokio::pin!(window);
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = &mut window => {
                if in_window < WINDOW_MIN_BYTES {
                    return Err(too_slow());
                }
                in_window = 0;
                window.set(tokio::time::sleep(WINDOW));
                continue;
            }
        };
        let Some(frame) = frame else { return Ok(gathered.into()) };
        let Ok(bytes) = frame.map_err(|_| incomplete())?.into_data() else { continue };
        if gathered.len() + bytes.len() > limit {
            return Err(too_large(limit));
        }
        in_window += bytes.len() as u64;
        if room.take(bytes.len()).await {
            in_window = 0;
            window.set(tokio::time::sleep(WINDOW));
        }
        gathered.extend_from_slice(&bytes);
    }
}

fn too_slow() -> Failure {
    let detail = format!("a body comes with at least {BODY_BYTES_PER_SECOND_MIN} bytes a second; send it faster");
    HttpFault::new(StatusCode::REQUEST_TIMEOUT, "body-timeout", "The body came too slowly", detail).into()
}

fn incomplete() -> Failure {
    let detail = "the connection broke before the body was complete";
    HttpFault::new(StatusCode::BAD_REQUEST, "incomplete-body", "The body is not complete", detail).into()
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::response::IntoResponse;
    use futures::stream;

    use super::*;
    use crate::room::BodyRoom;

    /// What becomes of a body of `pieces` pieces of so many bytes, each after a pause.
    async fn gathered(pieces: usize, bytes: usize, pause: Duration) -> Result<usize, StatusCode> {
        let pieces = stream::unfold(0, move |sent| async move {
            tokio::time::sleep(pause).await;
            (sent < pieces).then(|| (Ok::<_, Infallible>(Bytes::from(vec![0; bytes])), sent + 1))
        });
        let room = BodyRoom::new(1 << 30, 1 << 20);
        let gathered = gather(Body::from_stream(pieces), 4 << 20, &mut room.begin()).await;
        gathered.map(|bytes| bytes.len()).map_err(|failure| failure.into_response().status())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_keeps_the_pace_or_is_refused() {
        let tenth = WINDOW_MIN_BYTES as usize / 10;
        assert_eq!(gathered(30, tenth, WINDOW / 11).await, Ok(30 * tenth));
        assert_eq!(gathered(30, tenth, WINDOW / 9).await, Err(StatusCode::REQUEST_TIMEOUT));
        assert_eq!(gathered(1_000, 1, WINDOW / 100).await, Err(StatusCode::REQUEST_TIMEOUT));
        assert_eq!(gathered(50, 1, WINDOW / 100).await, Ok(50));
        assert_eq!(gathered(2, 3 << 20, Duration::ZERO).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_room_is_not_the_bodys_fault() {
        let room = BodyRoom::new(2, 1);
        let (oldest, mut second) = (room.begin(), room.begin());
        assert!(!second.take(1).await);
        let mut third = room.begin();
        let body = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"0"))]);
        let freed = async move {
            tokio::time::sleep(WINDOW * 3).await;
            drop(second);
        };
        let (gathered, ()) = tokio::join!(gather(Body::from_stream(body), 10, &mut third), freed);
        assert_eq!(gathered.expect("it is taken"), "0");
        drop(oldest);
    }
}
