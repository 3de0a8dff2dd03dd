//! What happens to a run, as it happens. A stream tells how the run and each of its tasks stands, and from then on what changes; several
//! changes in a short time are one. The id of an event stands for how everything stood after it: a client that comes back with it is
//! told what has changed since, or all where that is not known; so nothing is missed, and what came and went meanwhile is not told.
//!
//! Commits wake a stream; it reads rows only then, and with each sign of life. Dropping it leaves nothing behind.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use clock::Sleep;
use control::{Error, RunFollow, Session};
use futures::{Stream, stream};
use model::{DagId, Digest, RunId};

use crate::accept::{self, Form};
use crate::app::{App, StreamRoom, stopping};
use crate::log::streamed;
use crate::path::PathNames;
use crate::problem::{self, Failure};
use crate::query::QueryReader;
use crate::sse::{self, SIGN_OF_LIFE};
use crate::to_wire;
use crate::wire::dag_run_event::{DagRunEvent, RunPicture, SentEvent};
use crate::wire::problem::ProblemDetails;

/// Changes that come faster are told together.
const APART: Duration = Duration::from_millis(250);

/// What happens to a run until it ends, as server-sent events: `dag_run` and `task` tell how those stand, `end` is the last one.
/// `Accept: application/x-ndjson` gives lines of JSON.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/events", tag = "DagRun",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path),
        ("Last-Event-ID" = Option<String>, Header, description = "the id of the last event that was seen: what stood then is not told again"),
    ),
    responses(
        (status = 200, body = SentEvent, content_type = "text/event-stream"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_dag_run_events(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    query.finish()?;
    let (dag_id, run_id) = (names.dag_id()?, names.run_id()?);
    let seen = sse::last_event_id(&headers)?;
    let room = app.stream_room(&session)?;
    let follow = app.control.dag_run_follow(&session, &dag_id, &run_id).await?;
    let form = if accept::form(&headers) == Form::Lines { Form::Lines } else { Form::Events };
    let alive = app.clock.sleep(SIGN_OF_LIFE);
    let events =
        Events { app, session, dag_id, run_id, follow, form, seen, told: None, apart: None, alive, _room: room };
    Ok(streamed(form, pieces(events)))
}

struct Events {
    app: App,
    session: Session,
    dag_id: DagId,
    run_id: RunId,
    follow: RunFollow,
    form: Form,
    /// What the client has seen before this stream began.
    seen: Option<String>,
    told: Option<RunPicture>,
    apart: Option<Sleep>,
    alive: Sleep,
    _room: StreamRoom,
}

fn pieces(events: Events) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    stream::unfold(Some(events), |events| async move {
        let mut events = events?;
        let (piece, is_last) = events.next().await;
        Some((Ok(piece), (!is_last).then_some(events)))
    })
}

impl Events {
    /// The next piece, and whether it is the last.
    async fn next(&mut self) -> (Bytes, bool) {
        if self.told.is_some() {
            let clock = self.app.clock.clone();
            let mut is_changed = false;
            loop {
                tokio::select! {
                    biased;
                    () = self.app.shutdown.cancelled() => return (self.failure(&stopping()), true),
                    _ = self.follow.changed() => is_changed = true,
                    () = &mut self.alive => break,
                    () = waited(&mut self.apart), if is_changed => break,
                }
            }
            self.alive = clock.sleep(SIGN_OF_LIFE);
        }
        self.apart = Some(self.app.clock.sleep(APART));
        // What is committed after this is heard, so what is read after it is the newest.
        let status = self.follow.status();
        match self.picture(status).await {
            Ok(picture) => self.tell(picture, status.state.is_ended()),
            Err(error) => (self.failure(&error), true),
        }
    }

    async fn picture(&mut self, status: control::RunStatus) -> Result<RunPicture, Error> {
        let (run, summaries) = self.app.control.task_summaries(&self.session, &self.dag_id, &self.run_id).await?;
        Ok(to_wire::run_picture(&run, status, &summaries))
    }

    fn tell(&mut self, picture: RunPicture, is_last: bool) -> (Bytes, bool) {
        let id = id(&picture);
        let is_first = self.told.is_none();
        let known = if is_first && self.seen.as_ref() == Some(&id) { Some(&picture) } else { self.told.as_ref() };
        let mut text = Vec::new();
        let tasks: Vec<_> =
            picture.tasks.iter().filter(|task| known.is_none_or(|it| !it.tasks.contains(task))).collect();
        for task in &tasks {
            sse::write(&mut text, self.form, "task", None, &DagRunEvent::Task((*task).clone()));
        }
        let is_run_changed = known.is_none_or(|known| known.dag_run != picture.dag_run);
        // The id comes with the last of what it stands for.
        if is_run_changed || !tasks.is_empty() {
            sse::write(&mut text, self.form, "dag_run", Some(&id), &DagRunEvent::DagRun(picture.dag_run.clone()));
        }
        if is_last {
            sse::write(&mut text, self.form, "end", Some(&id), &DagRunEvent::End(picture.dag_run.clone()));
        }
        if text.is_empty() {
            text.extend_from_slice(&sse::sign_of_life(self.form));
        }
        self.told = Some(picture);
        (text.into(), is_last)
    }

    /// The head of the answer is out already, so an error can only be the last event.
    fn failure(&self, error: &Error) -> Bytes {
        let mut text = Vec::new();
        sse::write(&mut text, self.form, "error", None, &problem::details(error));
        text.into()
    }
}

async fn waited(sleep: &mut Option<Sleep>) {
    if let Some(sleep) = sleep {
        sleep.await;
    }
}

/// What stands for a picture: its digest, which differs where anything does.
fn id(picture: &RunPicture) -> String {
    let text = serde_json::to_vec(picture).expect("texts and numbers are JSON");
    Digest::of(&text).to_hex().chars().take(32).collect()
}
