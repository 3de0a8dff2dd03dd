//! Unit tests of task bodies: the host in memory, one per thread and so one per test.
//!
//! A body is called as `task::body(…)`. What it asks of its host is answered from here, what it did is read back from here.
//! Nothing of this exists in a component.
//!
//! ```
//! use waft::prelude::*;
//! use waft::testing;
//!
//! #[task]
//! fn poll() -> Result<(), TaskError> {
//!     let seen = state::get::<u32>("seen")?.unwrap_or(0);
//!     state::set("seen", &(seen + 1))?;
//!     if context().try_number < 2 {
//!         return Err(TaskError::new("not yet"));
//!     }
//!     Ok(())
//! }
//!
//! assert!(poll::body().is_err());
//! testing::set_context(TaskContext { try_number: 2, ..Default::default() });
//! assert!(poll::body().is_ok());
//! assert_eq!(state::get::<u32>("seen").unwrap(), Some(2));
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::blob::Blob;
use crate::bundle;
use crate::connections::Connection;
use crate::context::{self, TaskContext};
use crate::dag::Dag;
use crate::dags::Run;
use crate::host::memory;
use crate::log::Level;
use crate::wake::{Wake, Woken};

/// How an attempt ended.
pub use crate::task::Outcome;

/// A line that the body logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How important it is.
    pub level: Level,
    /// The line.
    pub message: String,
}

/// How far the body said it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is done.
    pub done: u64,
    /// Of how much, where that is known.
    pub total: Option<u64>,
    /// What is being done.
    pub message: String,
}

/// Says who [`context`](crate::context()) is from now on.
pub fn set_context(context: TaskContext) {
    context::set(context);
}

/// Runs the body behind `entrypoint` as a host does: arguments and result are JSON.
///
/// ```
/// use waft::prelude::*;
/// use waft::testing::{self, Outcome};
///
/// #[task] fn hello(name: String) -> String { format!("Hello, {name}!") }
/// #[dag] fn greeting(name: Param<String>) -> Output<String> { hello(name) }
///
/// let outcome = testing::run(greeting::DAG, "hello", r#"{"name":"Ada"}"#);
/// assert_eq!(outcome, Outcome::Success(Some(r#""Hello, Ada!""#.into())));
/// ```
pub fn run(dag: Dag, entrypoint: &str, args: &str) -> Outcome {
    bundle::run(&[dag], entrypoint, args, TaskContext::clone(&context::context()))
}

/// Makes values a sequence of the host, read in pages, and gives the marker that stands for it in the arguments of [`run`].
/// A body that is called directly takes a `Vec` with `.into()` instead.
///
/// # Panics
/// Where a value is no JSON.
pub fn sequence<T: Serialize>(values: Vec<T>) -> String {
    let json = |value| serde_json::to_string(&value).unwrap_or_else(|error| panic!("a value of the sequence: {error}"));
    let values: Vec<String> = values.into_iter().map(json).collect();
    let length = values.len();
    let id = memory::with(|memory| {
        memory.sequences.push(values.into());
        memory.sequences.len() - 1
    });
    format!(r#"{{"$waft":"sequence","id":{id},"len":{length}}}"#)
}

/// Forgets everything: state, logs, pushed values, blobs, context.
///
/// ```
/// waft::state::set("a", &1).unwrap();
/// waft::testing::reset();
/// assert!(waft::state::list("").unwrap().is_empty());
/// ```
pub fn reset() {
    context::set(TaskContext::default());
    memory::MEMORY.take();
}

/// The lines logged so far.
pub fn logs() -> Vec<LogLine> {
    memory::with(|memory| memory.logs.clone())
}

/// The newest report of progress.
pub fn progress() -> Option<Progress> {
    memory::with(|memory| memory.progress.clone())
}

/// What the body pushed under `key`.
///
/// # Panics
/// Where that is no `T`.
pub fn pushed<T: DeserializeOwned>(key: &str) -> Option<T> {
    let json = memory::with(|memory| memory.pushed.get(key).cloned())?;
    Some(serde_json::from_str(&json).unwrap_or_else(|error| panic!("the value under {key:?}: {error}")))
}

/// Says what an upstream task left, for [`xcom::pull`](crate::xcom::pull); `map_index` is `None` for a task that is not mapped.
///
/// ```
/// waft::testing::upstream("load", None, "rows", &3);
/// assert_eq!(waft::xcom::pull::<u64>("load", "rows").unwrap(), Some(3));
/// ```
///
/// # Panics
/// Where `value` is no JSON.
pub fn upstream<T: Serialize + ?Sized>(task_id: &str, map_index: Option<u32>, key: &str, value: &T) {
    let json = serde_json::to_string(value).unwrap_or_else(|error| panic!("the value under {key:?}: {error}"));
    let map_index = map_index.map_or(-1, |index| index as i32);
    memory::with(|memory| memory.upstream.insert((task_id.to_owned(), map_index, key.to_owned()), json));
}

/// Says what a variable is, for [`variables::get`](crate::variables::get).
///
/// # Panics
/// Where `value` is no JSON.
pub fn variable<T: Serialize + ?Sized>(key: &str, value: &T) {
    let json = serde_json::to_string(value).unwrap_or_else(|error| panic!("the variable {key:?}: {error}"));
    memory::with(|memory| memory.variables.insert(key.to_owned(), json));
}

/// Says what a connection is, for [`connections::get`](crate::connections::get).
pub fn connection(connection_id: &str, connection: Connection) {
    memory::with(|memory| memory.connections.insert(connection_id.to_owned(), connection));
}

/// The events that the body told, as names of assets and JSON.
pub fn emitted() -> Vec<(String, String)> {
    memory::with(|memory| memory.emitted.clone())
}

/// Says how a run has ended, for [`dags::run`](crate::dags::run). The runs that a test starts are `run__1`, `run__2` and so on.
///
/// # Panics
/// Where `results` is no JSON.
pub fn run_ends<T: Serialize + ?Sized>(dag_id: &str, run_id: &str, state: &str, results: &T) {
    let json = serde_json::to_string(results).unwrap_or_else(|error| panic!("the results of {run_id:?}: {error}"));
    let run = Run { state: state.to_owned(), results: Some(json) };
    memory::with(|memory| memory.runs.insert((dag_id.to_owned(), run_id.to_owned()), run));
}

/// Says what has woken the attempt, for [`woken`](crate::woken()); `payload` is JSON.
pub fn wake(wake: Wake, payload: Option<&str>) {
    let woken = Woken { event: wake.event().clone(), payload: payload.map(str::to_owned) };
    memory::with(|memory| memory.woken = Some(woken));
}

/// A blob with these bytes, as an argument for a body.
pub fn blob(bytes: impl AsRef<[u8]>) -> Blob {
    let bytes = bytes.as_ref().to_vec();
    let size_bytes = bytes.len() as u64;
    let digest = memory::with(|memory| memory.keep_blob(bytes));
    Blob::new(digest, size_bytes, "application/octet-stream".to_owned())
}
