//! Whether the server can do its work.

use jiff::Timestamp;
use model::Digest;

use crate::Control;

/// What a health check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    pub is_database_healthy: bool,
    pub checked_at: Timestamp,
}

impl Control {
    /// Asks the database. Needs no session and tells nothing about anybody.
    pub async fn health(&self) -> Health {
        let nobody = Digest::from_bytes([0; 32]);
        let is_database_healthy = match self.auth.token_find(nobody).await {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(%error, "the database does not answer");
                false
            }
        };
        Health { is_database_healthy, checked_at: self.clock.now() }
    }
}
