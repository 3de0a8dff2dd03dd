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
use crate::context::{self, TaskContext};
use crate::dag::Dag;
use crate::host::memory;
use crate::log::Level;

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

/// A blob with these bytes, as an argument for a body.
pub fn blob(bytes: impl AsRef<[u8]>) -> Blob {
    let bytes = bytes.as_ref().to_vec();
    let size_bytes = bytes.len() as u64;
    let digest = memory::with(|memory| memory.keep_blob(bytes));
    Blob::new(digest, size_bytes, "application/octet-stream".to_owned())
}
