//! Variables of the tenant, as they are now. What has the name of a secret does not show in logs.
//!
//! ```
//! use waft::prelude::*;
//! use waft::variables;
//!
//! #[task]
//! fn greet() -> Result<String, TaskError> {
//!     let name = variables::get::<String>("name")?;
//!     Ok(format!("Hello, {}!", name.as_deref().unwrap_or("world")))
//! }
//!
//! waft::testing::variable("name", &"Ada");
//! assert_eq!(greet::body().unwrap(), "Hello, Ada!");
//! ```
//!
//! Where the graph can say it, [`waft::variable`](crate::variable()) is better: it shows there what a task depends on.

use serde::de::DeserializeOwned;

use crate::error::TaskError;
use crate::host;

/// The variable `key`; `None` where there is none. One that is no JSON is a text.
///
/// # Errors
/// The host cannot read it, or it is no `T`.
pub fn get<T: DeserializeOwned>(key: &str) -> Result<Option<T>, TaskError> {
    Ok(host::variable_get(key)?.map(|json| serde_json::from_str(&json)).transpose()?)
}
