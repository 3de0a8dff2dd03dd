//! Whether the server can do its work.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use model::Digest;

use crate::Control;

/// A part of the server that has loops of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Database,
    Scheduler,
    Worker,
}

/// What a health check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    pub is_database_healthy: bool,
    pub is_scheduler_healthy: bool,
    pub is_worker_healthy: bool,
    pub checked_at: Timestamp,
}

/// Parts of which a loop has ended. It does not begin again in this process.
#[derive(Debug, Default)]
pub(crate) struct FailedParts {
    database: AtomicBool,
    scheduler: AtomicBool,
    worker: AtomicBool,
}

impl FailedParts {
    fn of(&self, part: Part) -> &AtomicBool {
        match part {
            Part::Database => &self.database,
            Part::Scheduler => &self.scheduler,
            Part::Worker => &self.worker,
        }
    }
}

impl Control {
    /// Asks the database. Needs no session and tells nothing about anybody.
    pub async fn health(&self) -> Health {
        let nobody = Digest::from_bytes([0; 32]);
        let answers = match self.auth.token_find(nobody).await {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(%error, "the database does not answer");
                false
            }
        };
        let is_healthy = |part| !self.failed_parts.of(part).load(Ordering::Relaxed);
        Health {
            is_database_healthy: answers && is_healthy(Part::Database),
            is_scheduler_healthy: answers && is_healthy(Part::Scheduler),
            is_worker_healthy: is_healthy(Part::Worker),
            checked_at: self.clock.now(),
        }
    }

    /// A loop of this part has ended: from now on it is not healthy.
    pub fn part_failed(&self, part: Part) {
        self.failed_parts.of(part).store(true, Ordering::Relaxed);
    }
}
