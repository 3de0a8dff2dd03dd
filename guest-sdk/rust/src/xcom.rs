//! Named values of this attempt, beside its result. Others see them from the moment the attempt succeeds, never before.
//!
//! ```
//! use waft::prelude::*;
//!
//! #[task]
//! fn load() -> Result<u64, TaskError> {
//!     xcom::push("source", &"north")?;
//!     Ok(3)
//! }
//!
//! load::body().unwrap();
//! assert_eq!(waft::testing::pushed::<String>("source").as_deref(), Some("north"));
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::TaskError;
use crate::host;

/// Leaves `value` under `key`; the last push of a key counts. The result itself is what the body returns.
///
/// # Errors
/// The value is no JSON, the key is `return_value`, or there are too many keys (100 by default).
pub fn push<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<(), TaskError> {
    Ok(host::xcom_push(key, serde_json::to_string(value)?)?)
}

/// What an upstream task that is not mapped left under `key` (`return_value` is its result); `None` where it left nothing.
///
/// An edge from an argument is better where the DAG can have one: it is typed, and the graph shows it.
///
/// # Errors
/// The task is not upstream of this one, or the value is no `T`.
pub fn pull<T: DeserializeOwned>(task_id: &str, key: &str) -> Result<Option<T>, TaskError> {
    read(host::xcom_pull(task_id, -1, key)?)
}

/// What one instance of a mapped upstream task left under `key`.
///
/// # Errors
/// As [`pull`].
pub fn pull_at<T: DeserializeOwned>(task_id: &str, map_index: u32, key: &str) -> Result<Option<T>, TaskError> {
    let map_index = i32::try_from(map_index)?;
    read(host::xcom_pull(task_id, map_index, key)?)
}

fn read<T: DeserializeOwned>(json: Option<String>) -> Result<Option<T>, TaskError> {
    Ok(json.map(|json| serde_json::from_str(&json)).transpose()?)
}
