//! Where the schedules of DAGs stand.
//!
//! What is kept is a cursor, not a list of runs: the fires up to it are dealt with. It moves forwards only, so a write that comes
//! late changes nothing. What a fire is, `plan::timetable` says; a run of the scheduler's own making is found again by its logical
//! date, of which a DAG has one run at most.

use async_trait::async_trait;
use jiff::Timestamp;
use model::{DagId, Digest, RunId, RunKey, RunState, RunType, TenantScope, VersionKey};

use crate::StoreError;

/// How far the schedule of a DAG is dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleState {
    pub dag_id: DagId,
    /// The version whose schedule it is.
    pub version: VersionKey,
    /// Digest of what the document says about times; another one is another schedule.
    pub digest: Digest,
    /// When the DAG was first seen.
    pub since: Timestamp,
    pub cursor: Timestamp,
    /// The first fire after the cursor.
    pub next_fire_at: Option<Timestamp>,
    /// The fire for which the last run was made.
    pub last_fire_at: Option<Timestamp>,
    /// Fires that were passed over, in all.
    pub skipped: u64,
}

/// The schedule of a DAG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRow {
    pub state: ScheduleState,
    pub is_paused: bool,
    /// Why the DAG was paused last, for people.
    pub pause_reason: Option<String>,
    /// When it was set going again.
    pub unpaused_at: Option<Timestamp>,
}

/// A DAG whose current version was not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadSchedule {
    pub dag_id: DagId,
    pub current: VersionKey,
    /// Where its schedule stood under another version.
    pub known: Option<ScheduleState>,
}

/// A run that has a logical date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedRun {
    pub key: RunKey,
    pub run_id: RunId,
    pub run_type: RunType,
    pub state: RunState,
    /// How often it was cleared.
    pub clears: u32,
}

/// Schedules, for the scheduler that makes runs of them, and for people who look at them and pause DAGs.
#[async_trait]
pub trait ScheduleStore: Send + Sync {
    /// All tenants.
    async fn schedule_tenants(&self) -> Result<Vec<TenantScope>, StoreError>;

    /// DAGs whose current version was not looked at, by id.
    async fn schedule_unread(&self, scope: TenantScope, limit: u32) -> Result<Vec<UnreadSchedule>, StoreError>;

    /// Writes where a schedule stands, unless it is further already. True when it was written.
    async fn schedule_put(&self, scope: TenantScope, state: &ScheduleState) -> Result<bool, StoreError>;

    /// The schedule of a DAG, once its version was looked at.
    async fn schedule_fetch(&self, scope: TenantScope, dag_id: &DagId) -> Result<Option<ScheduleRow>, StoreError>;

    /// Schedules of DAGs that are neither paused nor stale, whose next fire is at or before `now`: the earliest first.
    async fn schedule_due(
        &self,
        scope: TenantScope,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ScheduleRow>, StoreError>;

    /// The earliest next fire after `after`, of DAGs that are not paused.
    async fn schedule_next(&self, scope: TenantScope, after: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// Pauses a DAG, or sets it going again. False when there is none; one that is so already stays as it is.
    async fn dag_pause(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        is_paused: bool,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The run of a DAG with this logical date, whoever made it.
    async fn run_of_date(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        logical_date: Timestamp,
    ) -> Result<Option<DatedRun>, StoreError>;

    /// How many runs of each DAG and type are unfinished.
    async fn runs_unfinished_by_dag(&self, scope: TenantScope) -> Result<Vec<(DagId, RunType, u64)>, StoreError>;

    /// How the last runs of a DAG ended that were made after `after`, the latest first; runs that have not ended are passed over.
    async fn runs_ended_last(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunState>, StoreError>;
}
