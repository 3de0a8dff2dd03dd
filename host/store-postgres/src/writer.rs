//! The session that writes the scheduler's commits. It is made when it is needed, and made again after the server went away; while
//! the server stays away, callers are told so at once and only now and then one of them tries to connect.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use sqlx::postgres::PgConnectOptions;
use store::StoreError;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use crate::commit::function;
use crate::connect;
use crate::session::Session;

/// Longest wait for other callers' commits.
const TURN_TIMEOUT: Duration = Duration::from_secs(30);
/// Rest after which the session is asked whether it still lives, so that a restart of the server fails no commit.
const REST: Duration = Duration::from_secs(1);
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

pub(crate) struct Writer {
    options: PgConnectOptions,
    clock: Arc<dyn Clock>,
    lane: Mutex<Lane>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Lane {
    session: Option<Session>,
    /// When it was used last.
    used_at: Duration,
    away: Option<Away>,
}

/// A server that did not let us connect.
struct Away {
    error: StoreError,
    /// Not to be tried before.
    until: Duration,
    pause: Duration,
}

/// The right to use the writer's session.
pub(crate) struct Turn<'w> {
    lane: MutexGuard<'w, Lane>,
    clock: &'w dyn Clock,
}

impl Writer {
    pub(crate) fn new(options: PgConnectOptions, clock: Arc<dyn Clock>) -> Self {
        Self { options, clock, lane: Mutex::default() }
    }

    /// Waits for a turn, and for a connection when there is none.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, StoreError> {
        let busy = || StoreError::Unavailable { detail: "earlier commits take too long".to_owned() };
        let lane = timeout(TURN_TIMEOUT, self.lane.lock()).await.map_err(|_| busy())?;
        let mut turn = Turn { lane, clock: &*self.clock };
        turn.lane.session.take_if(|session| !session.is_fit());
        if turn.clock.monotonic() > turn.lane.used_at + REST
            && let Some(session) = &mut turn.lane.session
            && session.batch(String::new()).await.is_err()
        {
            turn.lane.session = None;
        }
        if turn.lane.session.is_none() {
            turn.connect(&self.options).await?;
        }
        Ok(turn)
    }

    /// Measures commits.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }
}

impl Turn<'_> {
    /// The session, with the functions that a commit calls.
    pub(crate) fn session(&mut self) -> Result<&mut Session, StoreError> {
        self.lane.used_at = self.clock.monotonic();
        let lost = || StoreError::Unavailable { detail: "the connection is lost".to_owned() };
        self.lane.session.as_mut().filter(|session| session.is_fit()).ok_or_else(lost)
    }

    async fn connect(&mut self, options: &PgConnectOptions) -> Result<(), StoreError> {
        let now = self.clock.monotonic();
        if let Some(away) = &self.lane.away
            && now < away.until
        {
            return Err(away.error.clone());
        }
        match prepared(options).await {
            Ok(session) => {
                if self.lane.away.take().is_some() {
                    tracing::info!("the database answers again");
                }
                self.lane.session = Some(session);
                Ok(())
            }
            Err(error) => {
                let pause = self.lane.away.as_ref().map_or(PAUSE_MIN, |away| (away.pause * 2).min(PAUSE_MAX));
                tracing::warn!(%error, "no connection to the database");
                let until = self.clock.monotonic() + pause;
                self.lane.away = Some(Away { error: error.clone(), until, pause });
                Err(error)
            }
        }
    }
}

async fn prepared(options: &PgConnectOptions) -> Result<Session, StoreError> {
    let mut session = connect::connect(options).await?;
    session.batch(function::definitions()).await?;
    Ok(session)
}
