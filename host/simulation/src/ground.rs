//! What outlives every process of a simulation.

use std::sync::Arc;

use clock::{Clock, Ids, Sim};
use jiff::Timestamp;
use model::document::DagDocument;
use model::{BundleName, BundleVersionKey, DagId, Digest, RunId, RunKey, RunType, TenantId, TenantScope, VersionKey};
use scheduler::{NewTrigger, Version, Versions};
use store::{Catalog, NewBundleVersion, NewDagVersion};
use testkit::dag;

use crate::{SimStore, Trace};

/// The tenant of all runs, where there is one.
pub const SCOPE: TenantScope = TenantScope::assume(TenantId::DEFAULT);

/// The database, the clock and the story.
#[derive(Clone)]
pub struct Ground {
    pub seed: u64,
    pub clock: Sim,
    pub store: SimStore,
    pub trace: Trace,
}

impl Ground {
    pub fn new(seed: u64) -> Self {
        let clock = Sim::new(seed);
        Self { seed, clock: clock.clone(), store: SimStore::new(clock.clone()), trace: Trace::new(clock) }
    }

    /// Registers a DAG, as the texts of [`testkit::dag`] describe it, in a bundle of its own.
    ///
    /// # Panics
    /// When it is not legal, or the name is taken.
    pub async fn register(&self, name: &str, text: &str) -> Arc<Version> {
        self.register_for(SCOPE, name, text).await
    }

    /// Likewise, for a tenant.
    ///
    /// # Panics
    /// When it is not legal, or the name is taken.
    pub async fn register_for(&self, scope: TenantScope, name: &str, text: &str) -> Arc<Version> {
        self.register_document(scope, name, dag::document(text)).await
    }

    /// Likewise, for a document, which gets the name.
    ///
    /// # Panics
    /// When it is not legal, or the name is taken.
    pub async fn register_document(&self, scope: TenantScope, name: &str, mut document: DagDocument) -> Arc<Version> {
        document.dag_id = DagId::new(name).expect("a legal name");
        let document = serde_json::to_string(&document).expect("a document is JSON");
        let digest = Digest::of(document.as_bytes());
        let dag = NewDagVersion {
            key: VersionKey::from_uuid(self.clock.uuid()),
            dag_id: DagId::new(name).expect("a legal name"),
            digest,
            document: document.into(),
            label: None,
        };
        let bundle = NewBundleVersion {
            key: BundleVersionKey::from_uuid(self.clock.uuid()),
            name: BundleName::new(name).expect("a legal name"),
            component: digest,
            size_bytes: 0,
            dags: vec![dag],
            created_at: Timestamp::UNIX_EPOCH,
        };
        let registered = self.store.bundle_register(scope, bundle).await.expect("names are of different DAGs");
        let versions = Versions::new(Arc::new(self.store.clone()));
        versions.fetch(scope, registered.dags[0].version).await.expect("it has just been registered")
    }

    /// A run under a key of its own.
    pub fn trigger(&self, version: &Arc<Version>, run_id: RunId) -> NewTrigger {
        NewTrigger {
            key: RunKey::from_uuid(self.clock.uuid()),
            run_id,
            version: version.clone(),
            run_type: RunType::Manual,
            conf: "{}".into(),
            params: "{}".into(),
            note: None,
            triggered_by: "somebody".to_owned(),
            logical_date: None,
            data_interval: None,
            run_after: self.clock.now(),
            is_latest: true,
            parent: None,
            backfill: None,
            idempotency: None,
            log: None,
        }
    }
}
