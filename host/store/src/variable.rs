//! Variables: values of a tenant that tasks and documents read by name.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{Key, TenantScope};

use crate::{Hidden, Page, PageRequest, StoreError};

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableRow {
    pub key: Key,
    pub value: Hidden,
    pub description: Option<String>,
    pub updated_at: Timestamp,
}

/// Variables, for people and for workers.
#[async_trait]
pub trait VariableStore: Send + Sync {
    /// Writes one; with `only_new` only where there is none of this key. True when it was written.
    async fn variable_put(&self, scope: TenantScope, row: &VariableRow, only_new: bool) -> Result<bool, StoreError>;

    /// One variable.
    async fn variable_fetch(&self, scope: TenantScope, key: &Key) -> Result<Option<VariableRow>, StoreError>;

    /// Variables by key; those whose keys match the `LIKE` pattern.
    async fn variable_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<VariableRow>, StoreError>;

    /// True when there was one.
    async fn variable_delete(&self, scope: TenantScope, key: &Key) -> Result<bool, StoreError>;
}
