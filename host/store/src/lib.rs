//! The seam between the house and its databases: traits narrow by caller, and row types. No SQL here.
//!
//! | trait | caller | holds |
//! | --- | --- | --- |
//! | [`RunStore`] | scheduler | what a run's machine decided, committed in groups; what it needs to start again |
//! | [`RunReader`] | control | runs, instances, attempts and values, for people |
//! | [`TaskQueue`] | worker | claims, reports, heartbeats |
//! | [`ValueStore`] | worker, control | XComs |
//! | [`StateStore`] | worker | task state |
//! | [`Catalog`] | control, scheduler | bundles, DAGs and their versions |
//! | [`AuthStore`] | control | tokens |
//! | [`RetentionStore`] | upkeep | what is kept and what goes, and which blobs rows refer to |
//! | [`ScheduleStore`] | scheduler, control | where the schedules of DAGs stand; pausing |
//! | [`BackfillStore`] | scheduler, control | backfills and their dates |
//! | [`AssetStore`] | scheduler, control | assets, their events, and which runs consumed them |
//! | [`VariableStore`] | control, worker | variables |
//! | [`ConnectionStore`] | control, worker | connections and their secrets |
//! | [`NoteStore`] | control | notes beside runs and instances |
//! | [`PoolStore`] | control, scheduler | pools and their slots |
//! | [`WaitStore`] | scheduler, control, worker | what instances wait for without a worker, and signals for them |
//! | [`EventLogStore`] | control | who did what |
//! | [`CallbackStore`] | scheduler, control | callbacks that runs owe |
//! | [`ClusterStore`] | scheduler, where several processes share the database | leases and shards |
//! | [`SharedRunStore`] | likewise | commits of an owner, news for him and of him |
//! | [`WorkStore`] | likewise | offers, and what workers elsewhere make of them |
//!
//! Every method takes a [`TenantScope`](model::TenantScope) or rows that carry one; there is no query without.
//! Methods are named noun first. Acknowledged means durable: a method that returns `Ok` has committed.

mod asset;
mod auth;
mod backfill;
mod callback;
mod catalog;
mod cluster;
#[cfg(feature = "conformance")]
pub mod conformance;
mod connection;
mod count;
mod dag_run;
mod error;
mod event_log;
mod hidden;
mod note;
mod page;
mod pool;
#[cfg(feature = "conformance")]
pub mod recorded;
mod retention;
mod run_commit;
mod schedule;
mod schema;
mod state;
mod task_instance;
mod task_queue;
mod text;
mod value;
mod variable;
mod wait;

pub use asset::{
    AssetDeclaration, AssetEventFilter, AssetEventRow, AssetRow, AssetSource, AssetStart, AssetStore, AssetUse,
    AssetUser, NewAssetEvent, WaitingEvent,
};
pub use auth::{AuthStore, NewToken, TokenRow};
pub use backfill::{BackfillRow, BackfillStore, BegunSlice, NewBackfill, NewSlice, SliceRow};
pub use callback::{
    CallbackEnd, CallbackRow, CallbackStore, CallbackSubject, CallbackToken, DeadlineMet, NewCallback, TakenCallback,
};
pub use catalog::{
    BundleRegistered, BundleRow, Catalog, DagDeletion, DagFilter, DagRegistered, DagRow, DagVersionRow,
    NewBundleVersion, NewDagVersion,
};
pub use cluster::{
    Beat, ClusterStore, EventId, EventKind, EventRow, HeldRow, KnownRun, NewServer, Offer, Ownership, ResultChange,
    RunNews, ServerRow, SharedCommit, SharedCommitError, SharedRunStore, Wake, WorkRow, WorkStore,
};
pub use connection::{ConnectionRow, ConnectionStore};
pub use count::storable_count;
pub use dag_run::{
    IdempotencyKey, NewNode, NewRun, NodeRow, RequestedRun, RunBefore, RunFilter, RunOrder, RunParent, RunReader,
    RunRow, RunSnapshot, RunStore, TaskBefore,
};
pub use error::StoreError;
pub use event_log::{EventLogFilter, EventLogRow, EventLogStore, NewEventLog};
pub use hidden::Hidden;
pub use note::{InstanceNote, NoteStore};
pub use page::{Page, PageRequest};
pub use pool::{PoolRow, PoolStore};
pub use retention::{
    EndedRun, IdleBundleVersion, IdleVersion, RefCursor, RefPage, RetentionStore, ValuePlace, run_key_at,
};
pub use run_commit::{
    CommitError, DuplicateKind, DuplicateRun, Reopened, RunCommit, RunCommitted, RunStateChange, TakenSignal,
};
pub use schedule::{DatedRun, ScheduleRow, ScheduleState, ScheduleStore, UnreadSchedule};
pub use schema::{DatabaseStatus, Migration, MigrationKind, Migrations, Schema, Upgrade};
pub use state::StateStore;
pub use task_instance::{
    AnswerRow, AttemptRow, BlockRow, Cancelled, Ended, Expansion, InstanceClaim, InstanceFilter, InstanceRow,
    InstanceSnapshot, NewAnswer, NewBlock, NewInstances, NewValues, OfRuns, Reset, Transition, states_before,
};
pub use task_queue::{Claim, ClaimedRun, Execution, Report, TaskQueue, WorkOrder, WorkerRegistration};
pub use text::{name_pattern, storable};
pub use value::{NamedValue, PageSize, RETURN_VALUE, StoredValue, ValueStore, XcomRow};
pub use variable::{VariableRow, VariableStore};
pub use wait::{NewSignal, NewWait, SignalRow, UnknownWaitKind, WaitFilter, WaitKind, WaitRow, WaitStore};
