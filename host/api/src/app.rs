//! What handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clock::Clock;
use control::{Code, Control, Error};
use metrics_exporter_prometheus::PrometheusHandle;
use model::limits::http::{
    JSON_BODIES_MAX_BYTES, JSON_BODIES_PER_TOKEN_MAX_BYTES, JSON_BODY_MAX_BYTES, UPLOAD_MAX_BYTES, UPLOADS_MAX_BYTES,
    UPLOADS_PER_TOKEN_MAX_BYTES, WAITERS_MAX,
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
}

/// The answer of those who waited when the server stops.
pub(crate) fn stopping() -> Error {
    Error::new(Code::Stopping, "the server is stopping").hint("ask again when it is back; the run goes on then")
}
