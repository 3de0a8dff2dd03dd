//! The parts that use-cases share.

use std::sync::Arc;

use blobs::{BlobStore, LogStore};
use clock::{Clock, Ids, Rng};
use scheduler::{TimeStore, Versions};
use store::{
    AuthStore, CallbackStore, Catalog, ConnectionStore, EventLogStore, NoteStore, PoolStore, RetentionStore, RunReader,
    ValueStore, VariableStore, WaitStore,
};

use crate::auth::Sessions;
use crate::bundle::Deploys;
use crate::dag_version::DagVersions;
use crate::health::FailedParts;
use crate::{Naming, Parsing, Scheduling};

/// What use-cases work with.
pub struct ControlParts {
    pub catalog: Arc<dyn Catalog>,
    pub runs: Arc<dyn RunReader>,
    pub values: Arc<dyn ValueStore>,
    pub auth: Arc<dyn AuthStore>,
    /// Schedules, backfills and assets.
    pub times: Arc<dyn TimeStore>,
    pub variables: Arc<dyn VariableStore>,
    pub connections: Arc<dyn ConnectionStore>,
    pub pools: Arc<dyn PoolStore>,
    /// What instances wait for, and signals.
    pub waits: Arc<dyn WaitStore>,
    pub notes: Arc<dyn NoteStore>,
    /// Who did what.
    pub event_logs: Arc<dyn EventLogStore>,
    pub callbacks: Arc<dyn CallbackStore>,
    /// Takes away what is deleted.
    pub retention: Arc<dyn RetentionStore>,
    /// Shared with the scheduler, so that a version is read and checked once.
    pub versions: Arc<Versions>,
    pub scheduling: Arc<dyn Scheduling>,
    pub naming: Arc<dyn Naming>,
    pub parsing: Arc<dyn Parsing>,
    pub blobs: BlobStore,
    pub logs: LogStore,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub rng: Arc<dyn Rng>,
}

/// All use-cases; each noun's file adds its own.
pub struct Control {
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) runs: Arc<dyn RunReader>,
    pub(crate) values: Arc<dyn ValueStore>,
    pub(crate) auth: Arc<dyn AuthStore>,
    pub(crate) times: Arc<dyn TimeStore>,
    pub(crate) variables: Arc<dyn VariableStore>,
    pub(crate) connections: Arc<dyn ConnectionStore>,
    pub(crate) pools: Arc<dyn PoolStore>,
    pub(crate) waits: Arc<dyn WaitStore>,
    pub(crate) notes: Arc<dyn NoteStore>,
    pub(crate) event_logs: Arc<dyn EventLogStore>,
    pub(crate) callbacks: Arc<dyn CallbackStore>,
    pub(crate) retention: Arc<dyn RetentionStore>,
    pub(crate) scheduling: Arc<dyn Scheduling>,
    pub(crate) naming: Arc<dyn Naming>,
    pub(crate) parsing: Arc<dyn Parsing>,
    pub(crate) blobs: BlobStore,
    pub(crate) logs: LogStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) sessions: Sessions,
    pub(crate) dag_versions: DagVersions,
    pub(crate) deploys: Deploys,
    pub(crate) failed_parts: FailedParts,
}

impl Control {
    /// Puts the parts together.
    pub fn new(parts: ControlParts) -> Self {
        let ControlParts { catalog, runs, values, auth, times, variables, connections, pools, versions, .. } = parts;
        let ControlParts {
            waits,
            notes,
            event_logs,
            callbacks,
            retention,
            scheduling,
            naming,
            parsing,
            blobs,
            logs,
            clock,
            ids,
            rng,
            ..
        } = parts;
        Self {
            sessions: Sessions::new(),
            dag_versions: DagVersions::new(catalog.clone(), versions),
            deploys: Deploys::default(),
            failed_parts: FailedParts::default(),
            catalog,
            runs,
            values,
            auth,
            times,
            variables,
            connections,
            pools,
            waits,
            notes,
            event_logs,
            callbacks,
            retention,
            scheduling,
            naming,
            parsing,
            blobs,
            logs,
            clock,
            ids,
            rng,
        }
    }
}
