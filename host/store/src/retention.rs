//! What is kept and what may go: which blobs rows refer to.

use async_trait::async_trait;
use model::{BackfillId, BundleVersionKey, Digest, Key, MapIndex, NodeIdx, RunKey, TenantScope};

use crate::StoreError;

/// Where reading of references goes on. They stand in the components of bundle versions, in the conf and the parameters of backfills
/// and of runs, in values and in task state. Each place comes before those that its texts are copied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefCursor {
    Components(Option<BundleVersionKey>),
    Backfills(Option<BackfillId>),
    Inputs(Option<RunKey>),
    Values(Option<ValuePlace>),
    States(Option<ValuePlace>),
}

/// Where a value or a piece of state stands.
pub type ValuePlace = (RunKey, NodeIdx, MapIndex, Key);

impl RefCursor {
    /// Before the first.
    pub const START: Self = Self::Components(None);
}

/// Some of the blobs that rows refer to. One may be named often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefPage {
    pub named: Vec<Digest>,
    /// Blobs that hold a large value: a JSON text, whose markers name more blobs.
    pub values: Vec<Digest>,
    /// None after the last.
    pub next: Option<RefCursor>,
}

/// Rows, for whoever decides what is kept.
#[async_trait]
pub trait RetentionStore: Send + Sync {
    /// All tenants.
    async fn tenant_list(&self) -> Result<Vec<TenantScope>, StoreError>;

    /// Runs in the order in which they were made, after `after`.
    async fn run_keys(&self, scope: TenantScope, after: Option<RunKey>, limit: u32) -> Result<Vec<RunKey>, StoreError>;

    /// References from a place on; looks at about `limit` rows.
    async fn blob_refs(&self, scope: TenantScope, from: RefCursor, limit: u32) -> Result<RefPage, StoreError>;
}
