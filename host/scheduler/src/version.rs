//! DAG versions in memory: checked once, shared by everyone who plans or runs them.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use lru::LruCache;
use model::{Dag, DagId, Digest, LaidOut, NodeIdx, Problem, TaskId, TenantScope, VersionKey};
use store::{Catalog, DagVersionRow, StoreError};

/// Versions that are kept; a version in use stays alive through its `Arc` however many there are.
const VERSIONS_KEPT: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// A version that can be planned and run.
#[derive(Debug)]
pub struct Version {
    pub scope: TenantScope,
    pub key: VersionKey,
    pub number: u32,
    pub dag_id: DagId,
    pub component: Digest,
    pub dag: Arc<Dag>,
    /// Places in which the run for which it is laid out had tasks that it does not have.
    pub gone: BTreeSet<NodeIdx>,
}

impl Version {
    /// The version with its tasks in the places of a run's, of which these are the names by number.
    pub fn laid_out(self: &Arc<Self>, tasks: &[&TaskId]) -> Result<Arc<Self>, VersionError> {
        let laid_out = self.dag.laid_out(tasks).map_err(|problems| unreadable(self.key, problems))?;
        let Some(LaidOut { dag, gone }) = laid_out else { return Ok(self.clone()) };
        let Self { scope, key, number, ref dag_id, component, .. } = **self;
        Ok(Arc::new(Self { scope, key, number, dag_id: dag_id.clone(), component, dag: Arc::new(dag), gone }))
    }
}

fn unreadable(key: VersionKey, problems: Vec<Problem>) -> VersionError {
    let detail = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    VersionError::Unreadable { key, detail }
}

/// Why a version cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VersionError {
    /// The tenant has no such version.
    #[error("there is no version {0}")]
    Unknown(VersionKey),
    /// The stored document is no legal DAG any more, so this program is older than the one that stored it, or a row is damaged.
    #[error("the document of version {key} cannot be read: {detail}")]
    Unreadable { key: VersionKey, detail: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A bounded cache over the catalog.
pub struct Versions {
    catalog: Arc<dyn Catalog>,
    kept: Mutex<LruCache<(TenantScope, VersionKey), Arc<Version>>>,
}

impl Versions {
    /// An empty cache.
    pub fn new(catalog: Arc<dyn Catalog>) -> Self {
        Self { catalog, kept: Mutex::new(LruCache::new(VERSIONS_KEPT)) }
    }

    /// The version with this key.
    pub async fn fetch(&self, scope: TenantScope, key: VersionKey) -> Result<Arc<Version>, VersionError> {
        if let Some(version) = self.kept(scope, key) {
            return Ok(version);
        }
        let row = self.catalog.dag_version_fetch(scope, key).await?.ok_or(VersionError::Unknown(key))?;
        self.of_row(scope, &row)
    }

    /// The version that a row tells.
    pub fn of_row(&self, scope: TenantScope, row: &DagVersionRow) -> Result<Arc<Version>, VersionError> {
        if let Some(version) = self.kept(scope, row.key) {
            return Ok(version);
        }
        let problems = |problems| unreadable(row.key, problems);
        let document = model::json::parse_document(&row.document).map_err(problems)?;
        let (dag, _warnings) = Dag::check(document).map_err(problems)?;
        let version = Arc::new(Version {
            scope,
            key: row.key,
            number: row.version_number,
            dag_id: row.dag_id.clone(),
            component: row.component,
            dag: Arc::new(dag),
            gone: BTreeSet::new(),
        });
        self.kept.lock().expect("no panic while the lock is held").put((scope, row.key), version.clone());
        Ok(version)
    }

    fn kept(&self, scope: TenantScope, key: VersionKey) -> Option<Arc<Version>> {
        self.kept.lock().expect("no panic while the lock is held").get(&(scope, key)).cloned()
    }
}
