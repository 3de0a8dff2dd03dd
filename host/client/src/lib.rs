//! A typed client of Waft's REST API; each noun of the API has a file with its wire types and its calls.
//!
//! Callers: `cli`. The wire types hold what the command line shows and nothing more: what a newer server says besides is ignored.
//! What must hold: no call goes on for ever (following a log ends with its attempt); the token goes to the one address that
//! the client was made for, never through a proxy or after a redirect.
//! Not here: what is shown and how (`cli`), the server's own types (`api`).

mod approval;
mod asset;
mod backfill;
mod blob;
mod bundle;
mod by_hand;
mod client;
mod connection;
mod dag;
mod dag_run;
mod dag_run_event;
mod dag_version;
mod error;
mod event_log;
mod explanation;
mod health;
mod lines;
mod log;
mod page;
mod pool;
mod signal;
mod task_instance;
mod variable;
mod wait;
mod xcom;

pub use approval::{Approval, ApprovalAnswer};
pub use asset::{Asset, AssetEvent, AssetUser, ConsumingRun, LastEvent};
pub use backfill::{Backfill, BackfillDate, BackfillMove, NewBackfill};
pub use blob::BlobSent;
pub use bundle::{Deployed, DeployedDag};
pub use by_hand::{Clear, Mark};
pub use client::{Client, Token};
pub use connection::Connection;
pub use dag::Dag;
pub use dag_run::{DagRun, RunQuery, Trigger};
pub use dag_run_event::{DagRunEvent, DagRunEvents, RunStands, TaskStands};
pub use dag_version::{DagVersion, DagVersionChange, DagVersionDiff};
pub use error::{ClientError, ErrorKind, Problem, Refusal};
pub use event_log::{EventLog, EventLogQuery};
pub use explanation::{Explanation, Reason};
pub use health::{Health, Part};
pub use log::{LogLine, LogLines, LogQuery};
pub use page::{Page, PageRequest};
pub use pool::{Pool, PoolSetting};
pub use signal::AwaitedSignal;
pub use task_instance::{InstanceQuery, TaskInstance};
pub use variable::Variable;
pub use wait::{FailedInstance, Followed, ResultState, RunFollow, TaskCounts, Waited};
pub use xcom::Xcom;
