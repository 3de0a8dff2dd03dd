//! Brings the loop what waits for the owner of its shards.

use std::sync::Arc;

use clock::Clock;
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::{OwnedShards, SharedStore, Waker};
use crate::command::Command;

/// Events of one commit.
const EVENTS_PER_CYCLE: u32 = 2_000;
/// Pause after events that could not be read or dealt with.
const REPEAT_PAUSE: std::time::Duration = std::time::Duration::from_millis(200);

pub(crate) struct Events {
    pub(crate) store: Arc<dyn SharedStore>,
    pub(crate) owned: OwnedShards,
    pub(crate) waker: Waker,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) inbox: mpsc::Sender<Command>,
}

impl Events {
    /// Reads events whenever there may be some; the next ones are read when the loop has dealt with these, so that none is
    /// brought twice at a time.
    pub(crate) async fn run(self) {
        while !self.inbox.is_closed() {
            let has_more = self.bring().await;
            if !has_more {
                tokio::select! {
                    biased;
                    () = self.waker.event() => {}
                    () = self.inbox.closed() => return,
                }
            }
        }
    }

    /// True when there may be more.
    async fn bring(&self) -> bool {
        let shards = self.owned.list();
        if shards.is_empty() {
            return false;
        }
        let events = match self.store.event_list(&shards, EVENTS_PER_CYCLE).await {
            Ok(events) => events,
            Err(error) => {
                warn!(%error, "cannot read events yet");
                self.clock.sleep(REPEAT_PAUSE).await;
                return false;
            }
        };
        if events.is_empty() {
            return false;
        }
        let (reply, dealt_with) = oneshot::channel();
        if self.inbox.send(Command::Events { events, reply }).await.is_err() {
            return false;
        }
        let is_done = dealt_with.await.is_ok_and(|all| all);
        if !is_done {
            self.clock.sleep(REPEAT_PAUSE).await;
        }
        true
    }
}
