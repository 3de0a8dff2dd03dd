//! State of one task instance: it survives retries and lost hosts, and each change is durable when the call returns.
//!
//! ```
//! use waft::prelude::*;
//!
//! #[task(retries = 5)]
//! fn copy_rows(rows: Vec<String>) -> Result<u64, TaskError> {
//!     let mut done = state::get::<u64>("done")?.unwrap_or(0);      // where an earlier attempt stopped
//!     for row in rows.iter().skip(done as usize) {
//!         log::debug!("copying {row}");
//!         done += 1;
//!         state::set("done", &done)?;
//!     }
//!     Ok(done)
//! }
//!
//! state::set("done", &1_u64).unwrap();
//! assert_eq!(copy_rows::body(vec!["a".into(), "b".into()]).unwrap(), 2);
//! ```

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{HostError, TaskError};
use crate::host;

/// The value under `key`, `None` where there is none or it has expired.
///
/// # Errors
/// The host cannot read it, or it is no `T`.
pub fn get<T: DeserializeOwned>(key: &str) -> Result<Option<T>, TaskError> {
    match host::state_get(key)? {
        Some(json) => Ok(Some(serde_json::from_str(&json)?)),
        None => Ok(None),
    }
}

/// Keeps `value` under `key` for as long as the run is kept.
///
/// # Errors
/// The value is no JSON, or the host refuses: the value is larger than 64 KiB, or there are 1,000 keys already.
pub fn set<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<(), TaskError> {
    Ok(host::state_set(key, serde_json::to_string(value)?, None)?)
}

/// Keeps `value` under `key` for `lifetime` (counted in milliseconds); then it cannot be read any more.
///
/// # Errors
/// As [`set`].
pub fn set_for<T: Serialize + ?Sized>(key: &str, value: &T, lifetime: Duration) -> Result<(), TaskError> {
    let lifetime_ms = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
    Ok(host::state_set(key, serde_json::to_string(value)?, Some(lifetime_ms))?)
}

/// Deletes the value under `key`; true where there was one.
///
/// # Errors
/// The host cannot do it.
pub fn delete(key: &str) -> Result<bool, HostError> {
    host::state_delete(key)
}

/// The keys that start with `prefix`, sorted.
///
/// # Errors
/// The host cannot read them.
pub fn list(prefix: &str) -> Result<Vec<String>, HostError> {
    host::state_list(prefix)
}
