//! How outside services are reached. Passwords, and what stands in `extra`, do not show in logs.
//!
//! ```
//! use waft::connections::{self, Connection};
//! use waft::prelude::*;
//!
//! #[task]
//! fn address() -> Result<String, TaskError> {
//!     let db = connections::get("warehouse")?.ok_or_else(|| TaskError::fatal("no connection warehouse"))?;
//!     Ok(format!("{}:{}", db.host.unwrap_or_default(), db.port.unwrap_or(5432)))
//! }
//!
//! let db = Connection { host: Some("db.example".into()), ..Default::default() };
//! waft::testing::connection("warehouse", db);
//! assert_eq!(address::body().unwrap(), "db.example:5432");
//! ```

use std::fmt;

use crate::error::HostError;
use crate::host;

/// A connection.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// What kind of service it is.
    pub conn_type: String,
    /// What it is for.
    pub description: Option<String>,
    /// Where the service is.
    pub host: Option<String>,
    /// As whom.
    pub login: Option<String>,
    /// With what.
    pub password: Option<String>,
    /// Which database or the like.
    pub schema: Option<String>,
    /// At which port.
    pub port: Option<u16>,
    /// What else the service needs; JSON as a rule.
    pub extra: Option<String>,
}

/// Shows no secrets.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { conn_type, host, port, .. } = self;
        f.debug_struct("Connection")
            .field("conn_type", conn_type)
            .field("host", host)
            .field("port", port)
            .finish_non_exhaustive()
    }
}

/// The connection of this id; `None` where there is none.
///
/// # Errors
/// The id breaks a rule, or the host cannot read it.
pub fn get(connection_id: &str) -> Result<Option<Connection>, HostError> {
    host::connection_get(connection_id)
}
