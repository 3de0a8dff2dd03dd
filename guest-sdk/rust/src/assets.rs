//! Events of assets: what a task says about the outlets that its success changes.
//!
//! ```
//! use serde_json::json;
//! use waft::prelude::*;
//! use waft::assets;
//!
//! #[task(outlets = ["s3://shop/orders"])]
//! fn load() -> Result<u64, TaskError> {
//!     assets::emit("s3://shop/orders", &json!({ "rows": 3 }))?;
//!     Ok(3)
//! }
//!
//! load::body().unwrap();
//! assert_eq!(waft::testing::emitted(), [("s3://shop/orders".to_owned(), r#"{"rows":3}"#.to_owned())]);
//! ```

use serde::Serialize;

use crate::error::TaskError;
use crate::host;

/// Tells an event of an outlet, which is there from the moment the attempt succeeds. `extra` becomes a JSON object. Each call makes
/// an event; an outlet of which nothing is told has one event anyway.
///
/// # Errors
/// The asset is no outlet of the task, `extra` is no object, or there are too many events (100 by default).
pub fn emit<T: Serialize + ?Sized>(asset: &str, extra: &T) -> Result<(), TaskError> {
    Ok(host::asset_emit(asset, serde_json::to_string(extra)?)?)
}
