//! Use-cases, one file per noun: deploy, trigger, wait, clear, look. Authorization comes first: every use-case takes a [`Session`], which
//! only [`Control::authenticate`] makes, and reaches rows through its tenant alone.
//!
//! Callers: `api`. Views are rows with the DAG version that explains them. [`Error`] is the only error that reaches users.
//! Not here: HTTP (`api`), what happens next in a run (`plan`, `scheduler`), SQL (`store-*`).

mod auth;
mod blob;
mod bundle;
mod control;
mod dag;
mod dag_run;
mod dag_version;
mod error;
mod health;
mod log;
mod params;
mod ports;
mod result;
mod task_instance;
mod trigger;
mod wait;
mod xcom;

pub use crate::bundle::{Deployed, DeployedDag};
pub use ::blobs::{LogLevel, LogRecord, LogSource};
pub use auth::{Secret, Session, TOKEN_PREFIX, ensure_admin_token};
pub use blob::BlobRead;
pub use control::{Control, ControlParts};
pub use dag::{DagDetails, DagView};
pub use dag_run::DagRunView;
pub use dag_version::DagVersion;
pub use error::{Code, Error};
pub use health::{Health, Part};
pub use log::{LogFollow, LogRead};
pub use ports::{ParseFailure, Parsing, Scheduling};
pub use result::RunResult;
pub use store::{
    AttemptRow, BundleRow, DagFilter, DagRow, DagVersionRow, InstanceFilter, InstanceRow, Page, PageRequest, RunFilter,
    RunOrder, RunRow, XcomRow,
};
pub use task_instance::{InstanceName, InstanceView, TryView};
pub use trigger::TriggerRequest;
pub use wait::{Culprit, ResultState, RunFollow, RunStatus, Until, WaitEnd, WaitRequest, Waited};
pub use xcom::{XcomFilter, XcomView};
