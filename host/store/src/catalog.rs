//! Bundles, DAGs and their versions. Version rows are append-only.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{BundleName, BundleVersionKey, DagId, Digest, TenantScope, VersionKey};

use crate::{Page, PageRequest, StoreError};

/// A bundle version to register, with the DAGs that it defines.
#[derive(Debug, Clone)]
pub struct NewBundleVersion {
    pub key: BundleVersionKey,
    pub name: BundleName,
    /// Digest of the component, which is the bundle's content while bundles are single components.
    pub component: Digest,
    pub size_bytes: u64,
    pub dags: Vec<NewDagVersion>,
    pub created_at: Timestamp,
}

/// A DAG version to register.
#[derive(Debug, Clone)]
pub struct NewDagVersion {
    pub key: VersionKey,
    pub dag_id: DagId,
    /// Digest of component, document and label.
    pub digest: Digest,
    /// The canonical document.
    pub document: Arc<str>,
    pub label: Option<String>,
}

/// What registering made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleRegistered {
    pub key: BundleVersionKey,
    /// False when the same bytes were registered before.
    pub created: bool,
    /// In the order of the request.
    pub dags: Vec<DagRegistered>,
}

/// One DAG of a registered bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DagRegistered {
    pub dag_id: DagId,
    pub version: VersionKey,
    /// Counts from 1 for each DAG.
    pub version_number: u32,
    /// False when the same digest was registered before.
    pub created: bool,
}

/// A bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleRow {
    pub name: BundleName,
    pub current: BundleVersionKey,
    pub component: Digest,
    pub updated_at: Timestamp,
}

/// A DAG, with its current version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DagRow {
    pub dag_id: DagId,
    pub bundle: BundleName,
    /// The bundle no longer defines it.
    pub is_stale: bool,
    pub is_paused: bool,
    pub current: DagVersionRow,
    pub created_at: Timestamp,
    /// When a version became current last.
    pub updated_at: Timestamp,
}

/// A version of a DAG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DagVersionRow {
    pub key: VersionKey,
    pub dag_id: DagId,
    pub version_number: u32,
    pub digest: Digest,
    pub component: Digest,
    pub document: Arc<str>,
    pub label: Option<String>,
    pub bundle: BundleName,
    pub bundle_version: BundleVersionKey,
    pub created_at: Timestamp,
}

/// Which DAGs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DagFilter {
    /// SQL `LIKE` pattern over the id, `%` and `_` as wildcards.
    pub dag_id_pattern: Option<String>,
    pub bundle: Option<BundleName>,
    pub tags: Vec<String>,
    /// True: all of `tags`; false: any.
    pub tags_match_all: bool,
    pub paused: Option<bool>,
    pub include_stale: bool,
    pub descending: bool,
}

/// What became of a DAG that was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DagDeletion {
    Deleted,
    /// It has runs, which go first.
    HasRuns,
    /// There is no such DAG.
    Unknown,
}

/// Bundles, DAGs and versions.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Registers a bundle version in one transaction: makes the rows that are new, moves "current" of the bundle and of its
    /// DAGs, and marks DAGs that the bundle no longer defines as stale. The same bytes again make nothing new. Fails
    /// with [`StoreError::Conflict`] when another bundle defines one of the DAGs.
    async fn bundle_register(
        &self,
        scope: TenantScope,
        version: NewBundleVersion,
    ) -> Result<BundleRegistered, StoreError>;

    /// All bundles of the tenant, by name.
    async fn bundle_list(&self, scope: TenantScope, page: PageRequest) -> Result<Page<BundleRow>, StoreError>;

    /// Whether a DAG is gone that this version of a bundle defines.
    async fn bundle_lacks_dags(&self, scope: TenantScope, version: BundleVersionKey) -> Result<bool, StoreError>;

    /// One DAG.
    async fn dag_fetch(&self, scope: TenantScope, dag_id: &DagId) -> Result<Option<DagRow>, StoreError>;

    /// DAGs by id.
    async fn dag_list(
        &self,
        scope: TenantScope,
        filter: &DagFilter,
        page: PageRequest,
    ) -> Result<Page<DagRow>, StoreError>;

    /// Deletes a DAG that has no runs, with its schedule, its backfills, its tags, what it has to do with assets, and what waits for
    /// it; in one transaction. Its versions stay, so that no number is given twice when a bundle defines it again.
    async fn dag_delete(&self, scope: TenantScope, dag_id: &DagId) -> Result<DagDeletion, StoreError>;

    /// Makes a version current, with its tags; false when there is no such DAG, or the version is current already.
    async fn dag_version_activate(
        &self,
        scope: TenantScope,
        version: &DagVersionRow,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Tags of all DAGs that match a SQL `LIKE` pattern, in their order.
    async fn tag_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<String>, StoreError>;

    /// One version by key.
    async fn dag_version_fetch(&self, scope: TenantScope, key: VersionKey)
    -> Result<Option<DagVersionRow>, StoreError>;

    /// One version by number.
    async fn dag_version_find(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        version_number: u32,
    ) -> Result<Option<DagVersionRow>, StoreError>;

    /// Versions of a DAG, newest first.
    async fn dag_version_list(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        page: PageRequest,
    ) -> Result<Page<DagVersionRow>, StoreError>;
}
