//! Wakes by `NOTIFY`: what they say, and the connection that listens. One is sent with each commit, on one channel.

use std::collections::VecDeque;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use model::ShardId;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use store::Wake;

/// The channel of all wakes.
pub(crate) const CHANNEL: &str = "waft";
/// Sends a wake when the transaction commits.
pub(crate) const NOTIFY: &str = "SELECT pg_notify('waft', $1)";
/// Pause before the connection is made again.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs of these shards have changed.
pub(crate) fn committed(shards: impl Iterator<Item = ShardId>, has_offers: bool) -> String {
    format!("{}{}", if has_offers { "offers " } else { "commit " }, list(shards))
}

/// There are events for the owners of these shards.
pub(crate) fn event(shards: impl Iterator<Item = ShardId>) -> String {
    format!("event {}", list(shards))
}

fn list(shards: impl Iterator<Item = ShardId>) -> String {
    shards.map(|shard| shard.to_string()).collect::<Vec<_>>().join(",")
}

/// What a text says; one that nobody of this program wrote may mean anything.
fn read(text: &str) -> Vec<Wake> {
    let missed = || vec![Wake::Missed];
    let Some((kind, shards)) = text.split_once(' ') else { return missed() };
    let shard = |text: &str| ShardId::from_number(text.parse().ok()?);
    let Some(shards) = shards.split(',').map(shard).collect::<Option<Vec<_>>>() else { return missed() };
    let wake = |shard| match kind {
        "commit" => Some(Wake::Committed { shard, has_offers: false }),
        "offers" => Some(Wake::Committed { shard, has_offers: true }),
        "event" => Some(Wake::Event(shard)),
        _ => None,
    };
    shards.into_iter().map(wake).collect::<Option<Vec<_>>>().unwrap_or_else(missed)
}

struct Listening {
    options: PgConnectOptions,
    listener: Option<PgListener>,
    heard: VecDeque<Wake>,
}

/// Wakes from now on. The connection is made again when it is lost.
pub(crate) fn wakes(options: PgConnectOptions) -> BoxStream<'static, Wake> {
    let listening = Listening { options, listener: None, heard: VecDeque::new() };
    stream::unfold(listening, |mut listening| async move {
        loop {
            if let Some(wake) = listening.heard.pop_front() {
                return Some((wake, listening));
            }
            listening.hear().await;
        }
    })
    .boxed()
}

impl Listening {
    async fn hear(&mut self) {
        let Some(listener) = &mut self.listener else {
            match listen(&self.options).await {
                Ok(listener) => {
                    self.listener = Some(listener);
                    // What was sent before is not heard any more.
                    self.heard.push_back(Wake::Missed);
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot listen to the database's wakes yet");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            return;
        };
        match listener.try_recv().await {
            Ok(Some(notification)) => self.heard.extend(read(notification.payload())),
            Ok(None) | Err(_) => self.listener = None,
        }
    }
}

async fn listen(options: &PgConnectOptions) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
    let mut listener = PgListener::connect_with(&pool.connect_lazy_with(options.clone())).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wakes_are_read_as_they_are_written() {
        let shards: Vec<_> = ShardId::all().skip(3).take(2).collect();
        let of = |wake: fn(ShardId) -> Wake| shards.iter().copied().map(wake).collect::<Vec<_>>();
        let all = || shards.iter().copied();
        assert_eq!(read(&event(all())), of(Wake::Event));
        assert_eq!(read(&committed(all(), true)), of(|shard| Wake::Committed { shard, has_offers: true }));
        assert_eq!(read(&committed(all(), false)), of(|shard| Wake::Committed { shard, has_offers: false }));
        for text in ["", "event", "event x", "commit 64", "shout 1", "event 1,"] {
            assert_eq!(read(text), [Wake::Missed], "{text:?}");
        }
    }
}
