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
//! | [`ClusterStore`] | scheduler, where several processes share the database | leases and shards |
//! | [`SharedRunStore`] | likewise | commits of an owner, news for him and of him |
//! | [`WorkStore`] | likewise | offers, and what workers elsewhere make of them |
//!
//! Every method takes a [`TenantScope`](model::TenantScope) or rows that carry one; there is no query without.
//! Methods are named noun first. Acknowledged means durable: a method that returns `Ok` has committed.

mod auth;
mod catalog;
mod cluster;
#[cfg(feature = "conformance")]
pub mod conformance;
mod count;
mod dag_run;
mod error;
mod page;
#[cfg(feature = "conformance")]
pub mod recorded;
mod retention;
mod schema;
mod state;
mod task_queue;
mod text;
mod value;

pub use auth::{AuthStore, NewToken, TokenRow};
pub use catalog::{
    BundleRegistered, BundleRow, Catalog, DagFilter, DagRegistered, DagRow, DagVersionRow, NewBundleVersion,
    NewDagVersion,
};
pub use cluster::{
    Beat, ClusterStore, EventId, EventKind, EventRow, HeldRow, KnownRun, NewServer, Offer, Ownership, ResultChange,
    RunNews, ServerRow, SharedCommit, SharedCommitError, SharedRunStore, Wake, WorkRow, WorkStore,
};
pub use count::storable_count;
pub use dag_run::{
    AttemptRow, Cleared, CommitError, Ended, Expansion, InstanceClaim, InstanceFilter, InstanceRow, InstanceSnapshot,
    NewInstances, NewNode, NewRun, NodeRow, RunCommit, RunCommitted, RunFilter, RunOrder, RunReader, RunRow,
    RunSnapshot, RunStateChange, RunStore, Transition,
};
pub use error::StoreError;
pub use page::{Page, PageRequest};
pub use retention::{
    EndedRun, IdleBundleVersion, IdleVersion, RefCursor, RefPage, RetentionStore, ValuePlace, run_key_at,
};
pub use schema::{DatabaseStatus, Migration, MigrationKind, Migrations, Schema, Upgrade};
pub use state::StateStore;
pub use task_queue::{Claim, ClaimedRun, Execution, Report, TaskQueue, WorkOrder, WorkerRegistration};
pub use text::{name_pattern, storable};
pub use value::{NamedValue, PageSize, RETURN_VALUE, StoredValue, ValueStore, XcomRow};
