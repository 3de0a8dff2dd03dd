//! The clock of a process: nothing of a process that stands still wakes, and nothing of a dead one.

use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, Sleep};
use jiff::Timestamp;

use super::Link;

/// The clock of the process that has this link.
pub struct ProcessClock(pub Arc<Link>);

impl Clock for ProcessClock {
    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.clock.monotonic()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let sleep = self.0.clock.sleep(duration);
        let link = self.0.clone();
        Box::pin(async move {
            sleep.await;
            link.runs().await;
        })
    }
}
