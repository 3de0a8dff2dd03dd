//! Use-cases, one file per noun: deploy, trigger, wait, clear, look. Authorization comes first: every use-case takes a [`Session`], which
//! only [`Control::authenticate`] makes, and reaches rows through its tenant alone.
//!
//! Callers: `api`. Views are rows with the DAG version that explains them. [`Error`] is the only error that reaches users.
//! Not here: HTTP (`api`), what happens next in a run (`plan`, `scheduler`), SQL (`store-*`).

mod approval;
mod asset;
mod auth;
mod backfill;
mod blob;
mod bundle;
mod by_hand;
mod callback;
mod child_run;
mod connection;
mod control;
mod dag;
mod dag_run;
mod dag_stats;
mod dag_version;
mod error;
mod event_log;
mod explanation;
mod health;
mod log;
mod masked;
mod params;
mod pool;
mod ports;
mod result;
mod signal;
mod task_instance;
mod trigger;
mod variable;
mod wait;
mod xcom;

pub use crate::bundle::{Deployed, DeployedDag};
pub use ::blobs::{LogLevel, LogRecord, LogSource};
pub use approval::{ApprovalAnswer, ApprovalView};
pub use asset::{AssetEventRequest, AssetEventView, AssetView};
pub use auth::{Secret, Session, TOKEN_PREFIX, ensure_admin_token};
pub use backfill::{BackfillRequest, BackfillVersion, BackfillView, PlannedDate};
pub use blob::BlobRead;
pub use by_hand::{Changed, ClearRequest, ClearVersion, InstanceSelection, MarkRequest, RunSelection};
pub use callback::{CallbackView, Callbacks};
pub use child_run::{ChildRun, ParentInstance};
pub use connection::{ConnectionChange, ConnectionView};
pub use control::{Control, ControlParts};
pub use dag::{DagDetails, DagQuery, DagView};
pub use dag_run::{DagRunView, RunClear};
pub use dag_stats::DagStats;
pub use dag_version::{DagVersion, VersionChange, VersionDiff};
pub use error::{Code, Error};
pub use event_log::EventLogView;
pub use explanation::{ExplanationView, Reason};
pub use health::{Health, Part};
pub use log::{LogFollow, LogRead};
pub use masked::MASK;
pub use plan::timetable::Fire;
pub use pool::{PoolChange, PoolSlots, PoolView};
pub use ports::{Naming, ParseFailure, Parsing, Scheduling};
pub use result::RunResult;
pub use store::{
    AssetEventFilter, AssetEventRow, AssetRow, AssetSource, AssetUse, AssetUser, AttemptRow, BackfillRow, BundleRow,
    DagFilter, DagRow, DagVersionRow, EventLogFilter, EventLogRow, Hidden, InstanceFilter, InstanceRow, NewEventLog,
    NewWait, OfRuns, Page, PageRequest, PoolRow, RunFilter, RunOrder, RunRow, WaitRow, WaitingEvent, XcomRow,
};
pub use task_instance::{DEFAULT_QUEUE, InstanceName, InstanceView, TaskQuery, TaskSummary, TryView};
pub use trigger::TriggerRequest;
pub use variable::{NewVariable, VariableChange, VariableView};
pub use wait::{Culprit, ResultState, RunFollow, RunStatus, Until, WaitEnd, WaitRequest, Waited};
pub use xcom::{XcomFilter, XcomView};
