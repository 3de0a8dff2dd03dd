//! What is kept and what may go: which blobs rows refer to, runs that ended long ago, versions that nothing refers to.
//!
//! A run goes in two steps. It is *discarded* in one transaction: from then on nobody finds it, and it stands on a list. Its rows are
//! then deleted in pieces, whoever does it may be killed at any time, and whoever comes next goes on from the list.
//! What must hold: a run that has not ended never goes, nor does a version that is current, that something refers to, or that is the
//! newest of its DAG, so that no number is given twice.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{
    BackfillId, BundleName, BundleVersionKey, DagId, Digest, Key, MapIndex, NodeIdx, RunId, RunKey, TenantScope,
    VersionKey,
};
use uuid::Uuid;

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

/// A run that has ended, as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedRun {
    pub key: RunKey,
    pub dag_id: DagId,
    pub run_id: RunId,
    pub ended_at: Timestamp,
}

/// A version of a DAG that nothing refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdleVersion {
    pub key: VersionKey,
    pub dag_id: DagId,
    pub version_number: u32,
}

/// A version of a bundle that nothing refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdleBundleVersion {
    pub key: BundleVersionKey,
    pub name: BundleName,
    pub component: Digest,
    pub size_bytes: u64,
}

/// No run that was made before this time has a larger key, for keys begin with their milliseconds.
pub fn run_key_at(time: Timestamp) -> RunKey {
    let millis = u128::try_from(time.as_millisecond()).unwrap_or(0);
    RunKey::from_uuid(Uuid::from_u128(millis << 80))
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

    /// Runs that ended before a time, in the order in which they were made, after `after`.
    async fn runs_ended_before(
        &self,
        scope: TenantScope,
        before: Timestamp,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<EndedRun>, StoreError>;

    /// DAGs by their ids, after `after`.
    async fn dag_ids(&self, scope: TenantScope, after: Option<&DagId>, limit: u32) -> Result<Vec<DagId>, StoreError>;

    /// Ended runs of a DAG that were made before its `keep` newest ones, in that order, after `after`.
    async fn runs_beyond(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        keep: u32,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<EndedRun>, StoreError>;

    /// Discards runs, and gives those that were still as they were read.
    async fn runs_discard(&self, scope: TenantScope, runs: &[EndedRun]) -> Result<Vec<RunKey>, StoreError>;

    /// Discarded runs that something is left of, perhaps, by their keys, after `after`.
    async fn runs_discarded(
        &self,
        scope: TenantScope,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunKey>, StoreError>;

    /// Deletes rows of a discarded run, about `limit` of each kind at most; true when none is left.
    async fn run_rows_delete(&self, scope: TenantScope, run: RunKey, limit: u32) -> Result<bool, StoreError>;

    /// Takes a run of which nothing is left off the list.
    async fn run_forget(&self, scope: TenantScope, run: RunKey) -> Result<(), StoreError>;

    /// Versions of DAGs that were made before a time and that nothing refers to, by their keys, after `after`.
    async fn versions_idle(
        &self,
        scope: TenantScope,
        made_before: Timestamp,
        after: Option<VersionKey>,
        limit: u32,
    ) -> Result<Vec<IdleVersion>, StoreError>;

    /// Deletes versions of DAGs that nothing refers to, and tells how many still were so.
    async fn versions_delete(&self, scope: TenantScope, versions: &[VersionKey]) -> Result<u64, StoreError>;

    /// Versions of bundles that were made before a time and that nothing refers to, by their keys, after `after`.
    async fn bundle_versions_idle(
        &self,
        scope: TenantScope,
        made_before: Timestamp,
        after: Option<BundleVersionKey>,
        limit: u32,
    ) -> Result<Vec<IdleBundleVersion>, StoreError>;

    /// Deletes versions of bundles that nothing refers to, and tells how many still were so.
    async fn bundle_versions_delete(
        &self,
        scope: TenantScope,
        versions: &[BundleVersionKey],
    ) -> Result<u64, StoreError>;
}
