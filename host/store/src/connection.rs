//! Connections: how outside services are reached, with their secrets.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{ConnectionId, TenantScope};

use crate::{Hidden, Page, PageRequest, StoreError};

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionRow {
    pub connection_id: ConnectionId,
    pub conn_type: String,
    pub description: Option<String>,
    pub host: Option<String>,
    pub login: Option<String>,
    pub password: Option<Hidden>,
    pub schema: Option<String>,
    pub port: Option<u16>,
    /// What else the service needs; JSON as a rule, and it may hold secrets.
    pub extra: Option<Hidden>,
    pub updated_at: Timestamp,
}

/// Connections, for people and for workers.
#[async_trait]
pub trait ConnectionStore: Send + Sync {
    /// Writes one; with `only_new` only where there is none of this id. True when it was written.
    async fn connection_put(&self, scope: TenantScope, row: &ConnectionRow, only_new: bool)
    -> Result<bool, StoreError>;

    /// One connection.
    async fn connection_fetch(
        &self,
        scope: TenantScope,
        connection_id: &ConnectionId,
    ) -> Result<Option<ConnectionRow>, StoreError>;

    /// Connections by id; those whose ids match the `LIKE` pattern.
    async fn connection_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<ConnectionRow>, StoreError>;

    /// True when there was one.
    async fn connection_delete(&self, scope: TenantScope, connection_id: &ConnectionId) -> Result<bool, StoreError>;
}
