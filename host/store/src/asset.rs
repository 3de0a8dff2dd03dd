//! Assets, their events, and which runs consumed them.
//!
//! An event *waits* for each DAG that waits for its asset when it comes. A DAG takes what waits for it in one transaction with a
//! *start*, which says under which key its run is to be made; the start goes away when the run is there. So no event starts two runs
//! and none is lost, whenever whoever does this dies.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use model::asset::AssetDocument;
use model::{AssetEventId, AssetId, AssetName, DagId, MapIndex, RunId, RunKey, TaskId, TenantScope};

use crate::{Page, PageRequest, StoreError};

/// What a DAG's current version says about assets.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetDeclaration {
    pub dag_id: DagId,
    /// Outlets of its tasks.
    pub produced: Vec<(TaskId, AssetDocument)>,
    /// Inlets of its tasks.
    pub read: Vec<(TaskId, AssetName)>,
    /// What its schedule waits for.
    pub awaited: Vec<AssetName>,
}

/// An asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetRow {
    pub id: AssetId,
    pub name: AssetName,
    pub uri: Option<String>,
    pub group: Option<String>,
    /// JSON object.
    pub extra: Arc<str>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a DAG has to do with an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AssetUse {
    /// A task makes it.
    Produced,
    /// A task reads it.
    Read,
    /// The schedule waits for it.
    Awaited,
}

/// A DAG that has to do with an asset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AssetUser {
    pub asset: AssetId,
    pub kind: AssetUse,
    pub dag_id: DagId,
    /// `None` for a schedule.
    pub task_id: Option<TaskId>,
}

/// What changed an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssetSource {
    /// Somebody, through the API.
    Api { by: String },
    /// The success of an instance.
    Task { dag_id: DagId, run: RunKey, run_id: RunId, task_id: TaskId, map_index: MapIndex },
}

/// An event to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAssetEvent {
    pub scope: TenantScope,
    /// Made where it is not there.
    pub asset: AssetName,
    /// JSON object.
    pub extra: Arc<str>,
    pub source: AssetSource,
    pub at: Timestamp,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetEventRow {
    pub id: AssetEventId,
    pub asset: AssetId,
    pub name: AssetName,
    pub extra: Arc<str>,
    pub source: AssetSource,
    pub at: Timestamp,
}

/// An event that waits for a DAG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingEvent {
    pub id: AssetEventId,
    pub asset: AssetId,
    pub name: AssetName,
    pub at: Timestamp,
}

/// A run that events start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetStart {
    pub dag_id: DagId,
    pub run: RunKey,
    pub data_interval: (Timestamp, Timestamp),
    pub at: Timestamp,
}

/// Which events. What is `None` does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssetEventFilter {
    pub asset: Option<AssetId>,
    /// The DAG whose task was the source.
    pub source_dag: Option<DagId>,
    /// Inclusive lower and upper bounds.
    pub at: (Option<Timestamp>, Option<Timestamp>),
    pub descending: bool,
}

/// Assets, for people and for the scheduler. Events of tasks are written by [`RunStore::commit`](crate::RunStore::commit), together
/// with the success that they tell of.
#[async_trait]
pub trait AssetStore: Send + Sync {
    /// Replaces what is known of a DAG's assets, and makes those that are new.
    async fn asset_declare(
        &self,
        scope: TenantScope,
        declaration: &AssetDeclaration,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// One asset.
    async fn asset_fetch(&self, scope: TenantScope, id: AssetId) -> Result<Option<AssetRow>, StoreError>;

    /// The asset of this name.
    async fn asset_find(&self, scope: TenantScope, name: &AssetName) -> Result<Option<AssetRow>, StoreError>;

    /// Assets by name; those whose names match the `LIKE` pattern.
    async fn asset_list(
        &self,
        scope: TenantScope,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<AssetRow>, StoreError>;

    /// DAGs that have to do with an asset, sorted.
    async fn asset_users(&self, scope: TenantScope, id: AssetId) -> Result<Vec<AssetUser>, StoreError>;

    /// Writes an event, which from then on waits for the DAGs that wait for its asset.
    async fn asset_event_insert(&self, event: &NewAssetEvent) -> Result<AssetEventId, StoreError>;

    /// Events in the order of their numbers.
    async fn asset_event_list(
        &self,
        scope: TenantScope,
        filter: &AssetEventFilter,
        page: PageRequest,
    ) -> Result<Page<AssetEventRow>, StoreError>;

    /// Events that a run consumed, in the order of their numbers.
    async fn asset_events_of_run(&self, scope: TenantScope, run: RunKey) -> Result<Vec<AssetEventRow>, StoreError>;

    /// Runs that consumed an event.
    async fn asset_event_runs(&self, scope: TenantScope, id: AssetEventId) -> Result<Vec<RunKey>, StoreError>;

    /// DAGs, neither paused nor stale, for which events wait.
    async fn dags_with_waiting_events(&self, scope: TenantScope) -> Result<Vec<DagId>, StoreError>;

    /// Events that wait for a DAG, in the order of their numbers.
    async fn asset_events_waiting(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        limit: u32,
    ) -> Result<Vec<WaitingEvent>, StoreError>;

    /// Takes back what waits for a DAG: of one asset, or everything. How many it were.
    async fn asset_events_drop(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        asset: Option<AssetId>,
    ) -> Result<u64, StoreError>;

    /// Consumes events for a run that is about to be made. False, and nothing is done, when one of them does not wait any more.
    async fn asset_consume(
        &self,
        scope: TenantScope,
        start: &AssetStart,
        events: &[AssetEventId],
    ) -> Result<bool, StoreError>;

    /// Starts whose runs are still to be made, oldest first.
    async fn asset_starts(&self, scope: TenantScope, limit: u32) -> Result<Vec<AssetStart>, StoreError>;

    /// The run of a start is there.
    async fn asset_start_done(&self, scope: TenantScope, run: RunKey) -> Result<(), StoreError>;
}
