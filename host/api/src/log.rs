//! Logs of tries.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Extension};
use bytes::Bytes;
use control::{Code, Error, InstanceName, LogFollow, LogRead, LogRecord, Session};
use futures::{Stream, StreamExt, stream};

use crate::accept::{self, Form};
use crate::app::{App, StreamRoom};
use crate::path::PathNames;
use crate::problem::{Failure, cut_off};
use crate::query::QueryReader;
use crate::sse::{self, SIGN_OF_LIFE};
use crate::wire::log::LogResponse;
use crate::wire::problem::ProblemDetails;
use crate::{from_wire, to_wire};

const CONTINUATION: HeaderName = HeaderName::from_static("airflow-continuation-token");

/// The log of a try. `Accept: application/x-ndjson` gives one line of JSON for each line; `follow=true` goes on until the try is over.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}", tag = "Log",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path), ("try_number" = u32, Path),
        ("map_index" = Option<i32>, Query, description = "-1 where it is left out"),
        ("full_content" = Option<bool>, Query, description = "all lines at once"),
        ("token" = Option<String>, Query, description = "the continuation_token of the part before"),
        ("follow" = Option<bool>, Query, description = "as JSON lines, or server-sent events, until the try is over; the id of an event is the number of its line"),
        ("Last-Event-ID" = Option<String>, Header, description = "the number of the last line that was seen, for follow: what follows it is told"),
    ),
    responses(
        (status = 200, body = LogResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_log(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let map_index = from_wire::map_index(&mut query);
    let whole = query.flag("full_content").unwrap_or(false);
    let skip = query.one("token", |text| text.parse().ok(), "give the token of the part before");
    let follow = query.flag("follow").unwrap_or(false);
    query.finish()?;
    let name = InstanceName { map_index, ..names.instance()? };
    let try_number = names.try_number()?;
    let form = accept::form(&headers);
    if follow {
        let seen = sse::last_event_id(&headers)?.map(|id| line_number(&id)).transpose()?;
        let room = app.stream_room(&session)?;
        let from = seen.or(skip).unwrap_or(0);
        let follow = app.control.log_follow(&session, &name, try_number, from).await?;
        let form = if form == Form::Json { Form::Lines } else { form };
        return Ok(streamed(form, lines(app, follow, form, room)));
    }
    let read = app.control.log_read(&session, &name, try_number, skip.unwrap_or(0), whole).await?;
    Ok(answer(app, read, form))
}

/// A part of a log.
pub(crate) fn answer(app: App, read: LogRead, form: Form) -> Response {
    let token = read.next_part().map(|next| next.to_string());
    let continuation = token.as_ref().and_then(|token| HeaderValue::from_str(token).ok());
    let mut response = match form {
        Form::Json => {
            let (before, after) = to_wire::log_frame(token);
            let framed = stream::once(async { Ok(before.into()) })
                .chain(part(app, read, form))
                .chain(stream::once(async { Ok(after.into()) }));
            streamed(form, framed)
        }
        form => streamed(form, part(app, read, form)),
    };
    if let Some(continuation) = continuation {
        response.headers_mut().insert(CONTINUATION, continuation);
    }
    response
}

/// A body that comes piece by piece.
pub(crate) fn streamed<E: Into<BoxError> + 'static>(
    form: Form,
    pieces: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> Response {
    let media_type = match form {
        Form::Json => "application/json",
        Form::Lines => "application/x-ndjson",
        Form::Events => "text/event-stream",
    };
    let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(pieces)).into_response()
}

/// A part of a log, piece by piece.
fn part(app: App, read: LogRead, form: Form) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    stream::try_unfold((app, read, true), move |(app, mut read, is_first)| async move {
        let turn = app.pieces.turn().await;
        let records = read.next().await.inspect_err(cut_off)?;
        Ok(records.map(|records| (turn.hold(written(form, records, is_first)), (app, read, false))))
    })
}

/// A log as it grows. A silent one says now and then that it is alive; as events it says when it is over.
fn lines(app: App, follow: LogFollow, form: Form, room: StreamRoom) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    stream::unfold(Some((app, follow, room)), move |live| async move {
        let (app, mut follow, room) = live?;
        loop {
            tokio::select! {
                () = follow.ready() => {}
                () = app.shutdown.cancelled() => return None,
                () = app.clock.sleep(SIGN_OF_LIFE), if form == Form::Events => {
                    return Some((Ok(sse::sign_of_life(form)), Some((app, follow, room))));
                }
            }
            let turn = app.pieces.turn().await;
            let first = follow.told() + 1;
            match follow.read().await {
                Some(records) if records.is_empty() => {}
                Some(records) if form == Form::Events => {
                    return Some((Ok(turn.hold(events(records, first))), Some((app, follow, room))));
                }
                Some(records) => return Some((Ok(turn.hold(written(form, records, true))), Some((app, follow, room)))),
                None if form == Form::Events => {
                    let mut text = Vec::new();
                    sse::write(&mut text, form, "end", Some(&follow.told().to_string()), &serde_json::json!({}));
                    return Some((Ok(text.into()), None));
                }
                None => return None,
            }
        }
    })
}

/// Lines as events that are numbered from `first` on.
fn events(records: Vec<LogRecord>, first: usize) -> Bytes {
    let mut text = Vec::new();
    for (number, record) in (first..).zip(records) {
        sse::write(&mut text, Form::Events, "line", Some(&number.to_string()), &to_wire::log_line(record));
    }
    text.into()
}

/// The number of a line, which is the id of its event.
fn line_number(id: &str) -> Result<usize, Error> {
    id.parse().map_err(|_| {
        Error::new(Code::InvalidRequest, "the header Last-Event-ID is no number of a line")
            .hint("send the id of an event of this log, or leave it out")
    })
}

fn written(form: Form, records: Vec<LogRecord>, is_first: bool) -> Bytes {
    let (before, after): (&[u8], &[u8]) = match form {
        Form::Json => (b",", b""),
        Form::Lines => (b"", b"\n"),
        Form::Events => (b"data: ", b"\n\n"),
    };
    let mut text = Vec::new();
    for record in records {
        if form != Form::Json || !is_first || !text.is_empty() {
            text.extend_from_slice(before);
        }
        serde_json::to_writer(&mut text, &to_wire::log_line(record)).expect("texts are JSON");
        text.extend_from_slice(after);
    }
    text.into()
}
