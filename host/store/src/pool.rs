//! Pools: slots that instances of many DAGs share.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{PoolName, TenantScope};

use crate::{Page, PageRequest, StoreError};

/// A pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolRow {
    pub name: PoolName,
    /// `None`: as many as there are.
    pub slots: Option<u32>,
    pub description: Option<String>,
    /// Deferred instances hold their slots.
    pub include_deferred: bool,
    pub updated_at: Timestamp,
}

/// Pools, for people and for the scheduler.
#[async_trait]
pub trait PoolStore: Send + Sync {
    /// Writes one; with `only_new` only where there is none of this name. True when it was written.
    async fn pool_put(&self, scope: TenantScope, row: &PoolRow, only_new: bool) -> Result<bool, StoreError>;

    /// One pool.
    async fn pool_fetch(&self, scope: TenantScope, name: &PoolName) -> Result<Option<PoolRow>, StoreError>;

    /// Pools by name; those whose names match the `LIKE` pattern.
    async fn pool_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<PoolRow>, StoreError>;

    /// True when there was one.
    async fn pool_delete(&self, scope: TenantScope, name: &PoolName) -> Result<bool, StoreError>;
}
