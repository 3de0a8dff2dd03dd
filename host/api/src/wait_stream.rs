//! A wait told as it goes: a line when something changed and the interval is over, a sign of life when nothing changed for long, and the
//! answer at the end. Dropping the stream, as a client that leaves does, leaves nothing behind.

use std::convert::Infallible;

use bytes::Bytes;
use clock::Sleep;
use control::{Error, RunFollow};
use futures::{Stream, stream};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

use crate::accept::Form;
use crate::app::{App, stopping};
use crate::from_wire::WaitQuery;
use crate::sse::SIGN_OF_LIFE;
use crate::to_wire;

struct WaitStream {
    app: App,
    follow: RunFollow,
    query: WaitQuery,
    form: Form,
    deadline: Sleep,
    is_first: bool,
    _room: OwnedSemaphorePermit,
}

/// What a wait sends.
pub(crate) fn pieces(
    app: App,
    follow: RunFollow,
    query: WaitQuery,
    form: Form,
    room: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let deadline = app.clock.sleep(query.wait.timeout);
    let waiting = WaitStream { app, follow, query, form, deadline, is_first: true, _room: room };
    stream::unfold(Some(waiting), |waiting| async move {
        let mut waiting = waiting?;
        let (piece, is_last) = waiting.next().await;
        Some((Ok(piece), (!is_last).then_some(waiting)))
    })
}

impl WaitStream {
    /// The next piece, and whether it is the last.
    async fn next(&mut self) -> (Bytes, bool) {
        let until = self.query.wait.until;
        if self.is_first && !self.follow.status().is_enough_for(until) {
            self.is_first = false;
            return (self.progress().await, false);
        }
        let mut pause = self.app.clock.sleep(self.query.interval);
        let mut is_paused = true;
        let mut has_changed = false;
        let mut sign_of_life = self.app.clock.sleep(SIGN_OF_LIFE.max(self.query.interval));
        while !self.follow.status().is_enough_for(until) {
            if has_changed && !is_paused {
                return (self.progress().await, false);
            }
            tokio::select! {
                biased;
                () = self.app.shutdown.cancelled() => return (self.failure(&stopping()), true),
                _ = self.follow.changed() => has_changed = true,
                () = &mut self.deadline => return (self.end(false).await, true),
                () = &mut pause, if is_paused => is_paused = false,
                () = &mut sign_of_life => return (self.progress().await, false),
            }
        }
        (self.end(true).await, true)
    }

    async fn progress(&mut self) -> Bytes {
        let run = &self.follow.run;
        let counts = if self.query.counts { self.app.control.dag_run_counts(run).await.ok() } else { None };
        let progress = to_wire::wait_progress(self.follow.status(), run.version.dag(), counts.as_deref());
        self.written("progress", &progress)
    }

    async fn end(&mut self, in_time: bool) -> Bytes {
        match self.app.control.waited(&self.follow.run, self.follow.status(), in_time, &self.query.wait).await {
            Ok(waited) => self.written("end", &to_wire::waited(waited)),
            Err(error) => self.failure(&error),
        }
    }

    /// The head of the answer is out already, so an error can only be the last line.
    fn failure(&self, error: &Error) -> Bytes {
        self.written("error", &crate::problem::details(error))
    }

    fn written(&self, event: &str, value: &impl Serialize) -> Bytes {
        let text = serde_json::to_string(value).expect("texts and numbers are JSON");
        match self.form {
            Form::Events => format!("event: {event}\ndata: {text}\n\n").into(),
            Form::Json | Form::Lines => format!("{text}\n").into(),
        }
    }
}
