//! Bodies of requests: bounded in size, time and pace, and JSON checked before anything is built of it.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use control::{Code, Error, Session};
use http_body_util::BodyExt;
use model::Problem;
use model::json::Kind;
use model::limits::http::{
    BODY_BYTES_PER_SECOND_MIN, BODY_WINDOW_MS, JSON_BODY_MAX_BYTES, REQUEST_TIMEOUT_MS, ROOM_WAIT_MAX_MS,
    UPLOAD_TIMEOUT_MS,
};
use model::pointer::Pointer;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::app::App;
use crate::problem::{Failure, HttpFault};
use crate::room::HeldRoom;

const WINDOW: Duration = Duration::from_millis(BODY_WINDOW_MS);
const ROOM_WAIT_MAX: Duration = Duration::from_millis(ROOM_WAIT_MAX_MS);
const WINDOW_MIN_BYTES: u64 = BODY_BYTES_PER_SECOND_MIN * BODY_WINDOW_MS / 1000;

/// The JSON body of a request, which is an object.
pub(crate) async fn json<T: DeserializeOwned>(app: &App, request: Request) -> Result<T, Failure> {
    require_media_type(request.headers(), "application/json")?;
    let room = app.json_bodies.begin(token(&request)?);
    let (bytes, _room) = read(room, request, JSON_BODY_MAX_BYTES, REQUEST_TIMEOUT_MS).await?;
    let text =
        std::str::from_utf8(&bytes).map_err(|_| invalid(Problem::error("not-utf8", "", "JSON is UTF-8 text")))?;
    let kind = model::json::check(text).map_err(|error| invalid(error.into()))?;
    // A list would be read as the values of the members, in their order.
    if !matches!(kind, Kind::Object(_) | Kind::Blob) {
        let message = format!("the body is {kind}, and an object is needed; write {{\"name\": value}}");
        return Err(invalid(Problem::error("not-an-object", "", message)));
    }
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

/// The JSON body of a request that needs none.
pub(crate) async fn json_or_default<T: DeserializeOwned + Default>(app: &App, request: Request) -> Result<T, Failure> {
    let is_empty = request.body().size_hint().exact() == Some(0);
    if is_empty { Ok(T::default()) } else { json(app, request).await }
}

/// The bytes of an upload, with the room that they take until it is dropped.
pub(crate) async fn upload(app: &App, request: Request, limit: usize) -> Result<(Bytes, HeldRoom), Failure> {
    let room = app.uploads.begin(token(&request)?);
    read(room, request, limit, UPLOAD_TIMEOUT_MS).await
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

/// Whose body it is: the guard let nobody pass without a token.
fn token(request: &Request) -> Result<model::Digest, Failure> {
    let session = request.extensions().get::<Session>();
    let missing = || Error::new(Code::Unauthenticated, "the request has no token");
    session.map(Session::token).ok_or_else(|| missing().into())
}

async fn read(
    mut room: HeldRoom,
    request: Request,
    limit: usize,
    timeout_ms: u64,
) -> Result<(Bytes, HeldRoom), Failure> {
    let told =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|told| told > limit) {
        return Err(too_large(limit));
    }
    let gathered = gather(request.into_body(), limit, &mut room);
    match tokio::time::timeout(Duration::from_millis(timeout_ms), gathered).await {
        Ok(gathered) => Ok((gathered?, room)),
        Err(_) if room.has_waited() => Err(no_room()),
        Err(_) => Err(too_slow()),
    }
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
        let waiting = tokio::time::timeout(ROOM_WAIT_MAX, room.take(bytes.len()));
        if waiting.await.map_err(|_| no_room())? {
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

fn no_room() -> Failure {
    let detail = "other bodies that are being sent leave no room for this one; send it again in a moment";
    HttpFault::new(StatusCode::SERVICE_UNAVAILABLE, "no-room", "There is no room for the body", detail).into()
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
    use model::Digest;

    use super::*;
    use crate::room::BodyRoom;

    /// What becomes of a body of `pieces` pieces of so many bytes, each after a pause.
    async fn gathered(pieces: usize, bytes: usize, pause: Duration) -> Result<usize, StatusCode> {
        let pieces = stream::unfold(0, move |sent| async move {
            tokio::time::sleep(pause).await;
            (sent < pieces).then(|| (Ok::<_, Infallible>(Bytes::from(vec![0; bytes])), sent + 1))
        });
        let room = BodyRoom::new(1 << 30, 1 << 20, 1 << 30);
        let gathered = gather(Body::from_stream(pieces), 4 << 20, &mut room.begin(Digest::of(b"token"))).await;
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

    /// What becomes of a body for which there is room after so long, and which then pauses for most of a window.
    async fn gathered_after(pause: Duration) -> Result<Bytes, StatusCode> {
        let room = BodyRoom::new(2, 1, 2);
        let [_oldest, mut second, mut third] = [0, 1, 2].map(|number| room.begin(Digest::of(&[number])));
        assert!(!second.take(1).await);
        let pieces = stream::unfold(0, |sent| async move {
            if sent == 1 {
                tokio::time::sleep(WINDOW / 10 * 9).await;
            }
            (sent < 2).then(|| (Ok::<_, Infallible>(Bytes::from(vec![b'0'; 1 - sent])), sent + 1))
        });
        let freed = async move {
            tokio::time::sleep(pause).await;
            drop(second);
        };
        let (gathered, ()) = tokio::join!(gather(Body::from_stream(pieces), 10, &mut third), freed);
        gathered.map_err(|failure| failure.into_response().status())
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_room_is_not_the_bodys_fault() {
        assert_eq!(gathered_after(ROOM_WAIT_MAX / 2).await, Ok(Bytes::from_static(b"0")));
        assert_eq!(gathered_after(ROOM_WAIT_MAX * 2).await, Err(StatusCode::SERVICE_UNAVAILABLE));
    }
}
