//! What handlers share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use clock::Clock;
use control::{Code, Control, Error, Session};
use metrics_exporter_prometheus::PrometheusHandle;
use model::Digest;
use model::limits::http::{
    JSON_BODIES_MAX_BYTES, JSON_BODIES_PER_TOKEN_MAX_BYTES, JSON_BODY_MAX_BYTES, STREAMS_PER_TOKEN_MAX,
    UPLOAD_MAX_BYTES, UPLOADS_MAX_BYTES, UPLOADS_PER_TOKEN_MAX_BYTES, WAITERS_MAX,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::pieces::PieceRoom;
use crate::room::BodyRoom;

/// What the API works with.
pub struct ApiParts {
    pub control: Arc<Control>,
    pub metrics: PrometheusHandle,
    pub clock: Arc<dyn Clock>,
    /// Ends waits and streams when the server stops.
    pub shutdown: CancellationToken,
}

/// Shared by all requests.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) control: Arc<Control>,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) json_bodies: Arc<BodyRoom>,
    pub(crate) uploads: Arc<BodyRoom>,
    pub(crate) pieces: PieceRoom,
    waiters: Arc<Semaphore>,
    streams: Streams,
    requests: AtomicU64,
    /// When this server began, so that its request ids differ from those of the last one.
    started_us: i64,
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    pub(crate) fn new(parts: ApiParts) -> Self {
        let ApiParts { control, metrics, clock, shutdown } = parts;
        let started_us = clock.now().as_microsecond();
        Self(Arc::new(Parts {
            control,
            metrics,
            clock,
            shutdown,
            json_bodies: BodyRoom::new(JSON_BODIES_MAX_BYTES, JSON_BODY_MAX_BYTES, JSON_BODIES_PER_TOKEN_MAX_BYTES),
            uploads: BodyRoom::new(UPLOADS_MAX_BYTES, UPLOAD_MAX_BYTES, UPLOADS_PER_TOKEN_MAX_BYTES),
            pieces: PieceRoom::new(),
            waiters: Arc::new(Semaphore::new(WAITERS_MAX)),
            streams: Streams::default(),
            requests: AtomicU64::new(0),
            started_us,
        }))
    }

    pub(crate) fn next_request_id(&self) -> String {
        format!("req_{:x}_{:x}", self.started_us, self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// Room for one more who waits.
    pub(crate) fn waiter_room(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.waiters.clone().try_acquire_owned().map_err(|_| {
            Error::new(Code::Overloaded, format!("{WAITERS_MAX} requests wait already"))
                .hint("try again later, or ask for the run instead of waiting for it")
        })
    }

    /// Room for one more stream of a token.
    pub(crate) fn stream_room(&self, session: &Session) -> Result<StreamRoom, Error> {
        let (token, waiter) = (session.token(), self.waiter_room()?);
        let mut open = self.streams.open();
        let count = open.entry(token).or_default();
        if *count >= STREAMS_PER_TOKEN_MAX {
            let message = format!("the token has {STREAMS_PER_TOKEN_MAX} open streams already");
            return Err(Error::new(Code::Overloaded, message).hint("close one of them"));
        }
        *count += 1;
        drop(open);
        Ok(StreamRoom { streams: self.streams.clone(), token, _waiter: waiter })
    }
}

/// Open streams by token.
#[derive(Debug, Clone, Default)]
struct Streams(Arc<Mutex<HashMap<Digest, usize>>>);

impl Streams {
    fn open(&self) -> MutexGuard<'_, HashMap<Digest, usize>> {
        self.0.lock().expect("no panic while the lock is held")
    }
}

/// Room for one stream, until this is dropped.
#[derive(Debug)]
pub(crate) struct StreamRoom {
    streams: Streams,
    token: Digest,
    _waiter: OwnedSemaphorePermit,
}

impl Drop for StreamRoom {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        if let Some(count) = open.get_mut(&self.token) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.token);
            }
        }
    }
}

/// The answer of those who waited when the server stops.
pub(crate) fn stopping() -> Error {
    Error::new(Code::Stopping, "the server is stopping").hint("ask again when it is back; the run goes on then")
}
