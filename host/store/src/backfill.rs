//! Backfills and their dates.
//!
//! Before a run of a date is made, its key is written here: whoever comes after a crash makes the run under the same key, or sees
//! that it is there.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{BackfillId, BackfillState, DagId, Reprocess, RunKey, RunState, SliceState, TenantScope, VersionKey};

use crate::{Page, PageRequest, StoreError};

/// A backfill to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBackfill {
    pub dag_id: DagId,
    pub from: Timestamp,
    pub to: Timestamp,
    pub is_backwards: bool,
    pub reprocess: Reprocess,
    pub max_active_runs: u32,
    /// The version of its runs; the current one where it is `None`.
    pub version: Option<VersionKey>,
    /// JSON object.
    pub conf: Arc<str>,
    /// JSON object, defaults filled in and checked; as the version says where it is `None`.
    pub params: Option<Arc<str>>,
    pub created_by: String,
    pub created_at: Timestamp,
    /// In the order in which they are begun.
    pub slices: Vec<NewSlice>,
}

/// A date of a new backfill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewSlice {
    pub logical_date: Timestamp,
    pub data_interval: (Timestamp, Timestamp),
    pub run_after: Timestamp,
}

/// A backfill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackfillRow {
    pub id: BackfillId,
    pub dag_id: DagId,
    pub state: BackfillState,
    pub from: Timestamp,
    pub to: Timestamp,
    pub is_backwards: bool,
    pub reprocess: Reprocess,
    pub max_active_runs: u32,
    pub version: Option<VersionKey>,
    pub conf: Arc<str>,
    pub params: Option<Arc<str>>,
    pub created_by: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// A date of a backfill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceRow {
    /// Its place in the order of the backfill.
    pub ordinal: u32,
    pub slice: NewSlice,
    pub state: SliceState,
    pub begun: Option<BegunSlice>,
}

/// What is written before a slice's run is made or cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BegunSlice {
    pub run: RunKey,
    /// How often the run had been cleared when the slice took it; `None` for a run that the slice makes.
    pub clears_before: Option<u32>,
    /// How the run stands and how often it was cleared; `None` while there is none. Not written with the rest.
    pub now: Option<(RunState, u32)>,
}

/// Backfills, for people and for the scheduler.
#[async_trait]
pub trait BackfillStore: Send + Sync {
    /// Makes one. Fails with [`StoreError::Conflict`] while another one of the DAG has not ended.
    async fn backfill_insert(&self, scope: TenantScope, backfill: &NewBackfill) -> Result<BackfillId, StoreError>;

    /// One backfill.
    async fn backfill_fetch(&self, scope: TenantScope, id: BackfillId) -> Result<Option<BackfillRow>, StoreError>;

    /// Backfills, newest first; of one DAG or of all.
    async fn backfill_list(
        &self,
        scope: TenantScope,
        dag_id: Option<&DagId>,
        page: PageRequest,
    ) -> Result<Page<BackfillRow>, StoreError>;

    /// Backfills of a state that is not an end, oldest first.
    async fn backfills_in(&self, scope: TenantScope, state: BackfillState) -> Result<Vec<BackfillRow>, StoreError>;

    /// Moves a backfill to a state, where that may follow the one that it has. True when it did.
    async fn backfill_move(
        &self,
        scope: TenantScope,
        id: BackfillId,
        to: BackfillState,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Its dates, in their order.
    async fn slice_list(
        &self,
        scope: TenantScope,
        id: BackfillId,
        page: PageRequest,
    ) -> Result<Page<SliceRow>, StoreError>;

    /// The first dates in this state.
    async fn slices_in(
        &self,
        scope: TenantScope,
        id: BackfillId,
        state: SliceState,
        limit: u32,
    ) -> Result<Vec<SliceRow>, StoreError>;

    /// Begins a date that waits. False when it does not wait, or its backfill is not running.
    async fn slice_begin(
        &self,
        scope: TenantScope,
        id: BackfillId,
        ordinal: u32,
        begun: BegunSlice,
    ) -> Result<bool, StoreError>;

    /// Ends a date, as [`SliceState::Ended`] or [`SliceState::Left`]. False when it has ended.
    async fn slice_end(
        &self,
        scope: TenantScope,
        id: BackfillId,
        ordinal: u32,
        to: SliceState,
    ) -> Result<bool, StoreError>;
}
