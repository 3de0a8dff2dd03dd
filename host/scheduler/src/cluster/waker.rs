//! Spreads the database's wakes over those who wait for one kind of them. A wake may get lost: who waits also looks now and then.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use futures::StreamExt;
use futures::stream::BoxStream;
use store::Wake;
use tokio::sync::Notify;

/// How often those who wait for a wake look without one.
pub(crate) const POLL: Duration = Duration::from_secs(5);

/// Where the waiting wait.
#[derive(Clone)]
pub(crate) struct Waker(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    events: Notify,
    commits: Notify,
    offers: Notify,
}

impl Waker {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let inner = Inner { clock, events: Notify::new(), commits: Notify::new(), offers: Notify::new() };
        Self(Arc::new(inner))
    }

    /// Spreads wakes for as long as there are any.
    pub(crate) async fn run(self, mut wakes: BoxStream<'static, Wake>) {
        while let Some(wake) = wakes.next().await {
            match wake {
                Wake::Committed { has_offers, .. } => {
                    self.0.commits.notify_one();
                    if has_offers {
                        self.0.offers.notify_one();
                    }
                }
                Wake::Event(_) => self.0.events.notify_one(),
                Wake::Missed => {
                    [&self.0.commits, &self.0.offers, &self.0.events].into_iter().for_each(Notify::notify_one);
                }
            }
        }
    }

    /// There are events that nobody told of: those of shards that were taken.
    pub(crate) fn wake_events(&self) {
        self.0.events.notify_one();
    }

    /// There may be events.
    pub(crate) async fn event(&self) {
        self.wait(&self.0.events).await;
    }

    /// Runs may have changed.
    pub(crate) async fn commit(&self) {
        self.wait(&self.0.commits).await;
    }

    /// There may be offers.
    pub(crate) async fn offer(&self) {
        self.wait(&self.0.offers).await;
    }

    async fn wait(&self, notify: &Notify) {
        tokio::select! {
            biased;
            () = notify.notified() => {}
            () = self.0.clock.sleep(POLL) => {}
        }
    }
}
